"""What residents do on a phone, for the tests of its pages."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.conftest import check_accessible
from tools.demonstration import Building

PASSPHRASE = "correct horse battery"


def make_wallet(page: Page, building: Building, path: str = "") -> list[str]:
    """A new wallet; returns its recovery words."""
    page.goto(f"{building.wallet}{path}")
    page.locator("input[name=passphrase]").fill(PASSPHRASE)
    check_accessible(page)
    page.locator("form button.wide").click()
    words = page.locator("ol.words li")
    expect(words).to_have_count(24)
    check_accessible(page)
    spoken = words.all_inner_texts()
    page.locator("form button.wide").click()
    expect(page.locator("nav.tabs")).to_be_visible()
    return spoken


def await_worker(page: Page) -> None:
    """Until the service worker has the page: it keeps the files that a page without a network is made of.

    Never `wait_for_function`: after its first look it needs `eval`, which the page's policy forbids."""
    page.evaluate(
        """new Promise((done) => {
            if (navigator.serviceWorker.controller) done();
            navigator.serviceWorker.addEventListener("controllerchange", () => done());
        })"""
    )


def unlock(page: Page) -> None:
    """Give the passphrase where it is asked for."""
    page.locator("input[name=passphrase]").fill(PASSPHRASE)
    page.locator("form button.wide").click()


def buy(page: Page) -> None:
    """Tokens for 20 euros, confirmed by the demonstration's bank."""
    page.locator("nav.tabs a").nth(1).click()
    page.locator(".choices button").nth(1).click()
    page.locator("form button.wide").click()
    expect(page.locator("a.button[href='#/']")).to_be_visible(timeout=30_000)


def review(page: Page, unit: int = 3, choice: int = 0) -> dict[str, object]:
    """Go to a socket, choose an amount, and look at what gets signed; returns it."""
    page.evaluate(f"location.hash = '/unit/{unit}'")
    page.locator(".choices button").nth(choice).click()
    page.locator("form button.wide").click()
    intent: dict[str, object] = json.loads(page.locator("pre").text_content() or "")
    return intent


def start(page: Page, unit: int = 3) -> None:
    """Charge at a socket for 5 euros."""
    intent = review(page, unit)
    assert (intent["kind"], intent["amount"], intent["unit"]) == ("open", 500, unit)
    page.locator("form button.wide").click()
    expect(page.locator("section.now")).to_be_visible()


def stop(page: Page) -> None:
    """End the session that is shown, and wait for its receipt."""
    page.get_by_role("button", name="Stop charging").click(timeout=60_000)
    expect(page.get_by_text("Verified on this phone")).to_be_visible(timeout=90_000)
