"""What managers do at the console, for the tests of its pages; and a resident without a browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from chaincode.signing.intent import OpenIntent, StopIntent, new_nonce
from client.wallet.gateway import Gateway
from client.wallet.key import WalletKey
from tools.demonstration import Building

DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}
PASSWORD = "a long enough password"


def log_in(page: Page, building: Building, username: str = "", password: str = "") -> None:
    """Come in; the administrator where nobody is named."""
    page.goto(building.console)
    page.locator("input[name=username]").fill(username or building.username)
    page.locator("input[name=password]").fill(password or building.password)
    page.locator("form button").click()
    expect(page.locator("header.rail")).to_be_visible()


def visit(page: Page, path: str) -> None:
    """Go to a page of the console, and wait until nothing is being read any more."""
    page.evaluate(f"location.hash = '/{path}'")
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text(re.compile("One moment|Um momento"))


@contextmanager
def opened(browser: Browser, building: Building, *, phone: bool, portuguese: bool) -> Iterator[Page]:
    """A manager's page of a size, in a language; what fails in its scripts fails the test."""
    context: BrowserContext = browser.new_context(
        viewport=PHONE if phone else DESK,
        locale="pt-PT" if portuguese else "en-GB",
        color_scheme="dark" if phone else "light",
    )
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    log_in(page, building)
    yield page
    context.close()
    assert failures == []


def invite(page: Page, visitor: Page, username: str, role: str) -> None:
    """Make an account at the manager's page, and set its password at the visitor's, who is in then."""
    visit(page, "people")
    page.locator("details summary").last.click()
    form = page.locator("details form")
    form.locator("input[name=username]").fill(username)
    form.locator("input[name=name]").fill(username.title())
    form.locator("select[name=role]").select_option(role)
    form.locator("button").click()
    visitor.goto(page.locator(".notice pre").inner_text())
    visitor.locator("input[name=password]").fill(PASSWORD)
    visitor.locator("input[name=again]").fill(PASSWORD)
    visitor.locator("form button").click()
    expect(visitor.locator("header.rail")).to_be_visible()


class Resident:
    """A wallet with tokens, which opens and stops sessions through the same interface as any other."""

    def __init__(self, building: Building) -> None:
        self._key = WalletKey.generate()
        with Gateway(building.console) as anonymous:
            self._house = anonymous.condominium()
        self.gateway = Gateway(building.console, network=self._house.network, key=self._key)

    @property
    def wallet(self) -> str:
        """Its id."""
        return self._key.wallet.hex()

    def charge(self, unit: int, amount: int = 300) -> str:
        """Buy what it takes, and open a session; returns its id."""
        purchase = self.gateway.buy(amount)
        while self.gateway.purchase(purchase.reference).state == "pending":
            time.sleep(0.2)
        assert self._house.tariff is not None
        intent = OpenIntent(
            network=self._house.network,
            wallet=self.wallet,
            nonce=new_nonce(),
            expires=int(time.time()) + 120,
            condominium=self._house.code,
            unit=unit,
            tariff=self._house.tariff,
            issuer=self._house.code,
            amount=amount,
            duration=3_600,
        )
        signed = self._key.sign(intent)
        self.gateway.submit(signed)
        return signed.id

    def stop(self, session: str) -> None:
        """End a session of this wallet."""
        intent = StopIntent(
            network=self._house.network,
            wallet=self.wallet,
            nonce=new_nonce(),
            expires=int(time.time()) + 120,
            session=session,
        )
        self.gateway.submit(self._key.sign(intent))
