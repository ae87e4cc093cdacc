"""A resident with a phone, in a real browser, against a running gateway, ledger and simulated units."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.camera import film
from tests.browser.conftest import check_accessible, shoot
from tests.browser.manager import Resident
from tests.browser.resident import PASSPHRASE, await_worker, buy, make_wallet, start
from tools.demonstration import Building, launched

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


def test_a_resident_charges_and_verifies_the_receipt(phone: Page, building: Building) -> None:
    """Create, buy, start, wait, charge, stop, refund: and the receipt verified on the phone itself. Two
    neighbours have all that the supply gives until they stop."""
    neighbours = [Resident(building), Resident(building)]
    before = [neighbour.charge(unit) for unit, neighbour in enumerate(neighbours, 1)]
    make_wallet(phone, building)
    shoot(phone, "wallet-home")
    buy(phone)
    shoot(phone, "wallet-bought")
    start(phone)
    expect(phone.locator("section.now .badge")).to_have_text("Waiting")
    expect(phone.locator("section.now")).to_contain_text("Number 1 in the queue")
    check_accessible(phone)
    shoot(phone, "wallet-waiting")
    for neighbour, session in zip(neighbours, before, strict=True):
        neighbour.stop(session)
    expect(phone.locator(".badge.live")).to_have_text("Charging", timeout=120_000)
    expect(phone.locator(".figure")).to_have_text(re.compile(r"^[1-9]\.\d kW$"), timeout=30_000)
    expect(phone.locator("section.now")).to_contain_text(re.compile(r"Done at \d\d:\d\d at the latest\."))
    check_accessible(phone)
    shoot(phone, "wallet-charging")
    phone.reload()
    phone.get_by_role("button", name="Unlock to stop charging").click()
    phone.locator("input[name=passphrase]").fill(PASSPHRASE)
    phone.get_by_role("button", name="Unlock", exact=True).click()
    phone.get_by_role("button", name="Stop charging").click()
    expect(phone.get_by_text("Verified on this phone")).to_be_visible(timeout=60_000)
    expect(phone.get_by_text("Refunded")).to_be_visible()
    check_accessible(phone)
    shoot(phone, "wallet-receipt")
    with phone.expect_download() as download:
        phone.get_by_role("button", name="Save the receipt").click()
    assert json.loads(Path(download.value.path()).read_text())["kind"] == "condocharge-receipt"
    phone.get_by_role("link", name="History").click()
    phone.get_by_role("link", name="Transactions").click()
    expect(phone.get_by_role("cell", name="Back from a session")).to_be_visible()
    check_accessible(phone)
    shoot(phone, "wallet-history")


def test_the_first_view_waits_for_nothing_that_the_page_did_not_name(phone: Page, building: Building) -> None:
    """The form can be used while the gateway has answered nothing; each module came at the page's word."""
    scripts: list[str] = []
    phone.on("request", lambda r: scripts.append(r.url) if r.resource_type == "script" else None)
    phone.route("**/v1/**", lambda _: None)
    phone.goto(building.wallet)
    phone.locator("input[name=passphrase]").fill(PASSPHRASE)
    expect(phone.get_by_role("button", name="Make a wallet")).to_be_enabled()
    named = phone.evaluate(
        "[...document.querySelectorAll('link[rel=modulepreload]')].map((link) => link.href)"
    )
    assert sorted(set(scripts)) == sorted(named)


def test_a_forged_receipt_is_found_out(phone: Page, building: Building) -> None:
    """A gateway that alters a receipt on its way is told on, with the link that fails."""
    make_wallet(phone, building)
    buy(phone)
    start(phone)
    phone.route(
        "**/receipt",
        lambda route: route.fulfill(
            body=route.fetch().text().replace('"session":"', '"session":"0', 1).replace("0", "1", 1)
        ),
    )
    phone.get_by_role("button", name="Stop charging").click(timeout=60_000)
    expect(phone.get_by_text("Do not trust this receipt")).to_be_visible(timeout=120_000)
    shoot(phone, "wallet-forged")


def test_a_wrong_passphrase_opens_nothing(phone: Page, building: Building) -> None:
    """The wallet stays locked and says why."""
    make_wallet(phone, building)
    phone.reload()
    phone.locator("input[name=passphrase]").fill("wrong horse battery")
    phone.get_by_role("button", name="Unlock").click()
    expect(phone.get_by_role("alert")).to_have_text("That is not this wallet's passphrase.")
    check_accessible(phone)


def test_a_wallet_is_restored_in_another_browser(phone: Page, desk: Page, building: Building) -> None:
    """The recovery words make the same wallet again; a mistyped word does not."""
    words = [word.split()[-1] for word in make_wallet(phone, building)]
    phone.get_by_role("link", name="Settings").click()
    identity = phone.locator("dd").first.inner_text()
    desk.goto(building.wallet)
    desk.get_by_role("button", name="Tenho uma folha de recuperação").click()
    # The page is brought when it is asked for; until then there is another form with a passphrase.
    expect(desk.locator("textarea")).to_be_visible()
    fill: Callable[[str], None] = desk.locator("textarea").fill
    desk.locator("input[name=passphrase]").fill(PASSPHRASE)
    fill(" ".join([*words[:-1], "zoo" if words[-1] != "zoo" else "abandon"]))
    desk.get_by_role("button", name="Recuperar a carteira").click()
    expect(desk.get_by_role("alert")).to_contain_text("folha de recuperação")
    fill(" ".join(words))
    desk.get_by_role("button", name="Recuperar a carteira").click()
    desk.get_by_role("link", name="Definições").click()
    expect(desk.locator("dd").first).to_have_text(identity)
    check_accessible(desk)
    shoot(desk, "wallet-settings-pt")


def test_a_printed_sheet_is_read_by_another_phones_camera(
    phone: Page, browser: Browser, building: Building, tmp_path: Path
) -> None:
    """The code is on paper alone, and makes the same wallet again; nothing of it leaves the phone."""
    sent: list[str] = []
    phone.on("request", lambda request: sent.append(f"{request.url} {request.post_data}"))
    phone.goto(building.wallet)
    phone.locator("input[name=passphrase]").fill(PASSPHRASE)
    phone.get_by_role("button", name="Make a wallet").click()
    expect(phone.locator("ol.words li")).to_have_count(24)
    code = phone.locator("svg.code")
    expect(code).to_be_hidden()
    phone.emulate_media(media="print")
    expect(code).to_be_visible()
    shoot(phone, "wallet-sheet")
    drawn = code.evaluate("(svg) => svg.outerHTML")
    phone.emulate_media(media="screen")
    words = phone.locator("ol.words li").all_inner_texts()
    phone.get_by_role("button", name="I have written them down").click()
    phone.get_by_role("link", name="Settings").click()
    identity = phone.locator("dd").first.inner_text()
    camera = launched(browser.browser_type, film(drawn, tmp_path / "sheet.y4m"))
    other = camera.new_page(locale="en-GB", viewport={"width": 360, "height": 740})
    other.on("request", lambda request: sent.append(f"{request.url} {request.post_data}"))
    other.goto(building.wallet)
    other.get_by_role("button", name="I have a recovery sheet").click()
    check_accessible(other)
    other.get_by_role("button", name="Scan the printed sheet's code").click()
    expect(other.get_by_text("The code was read.")).to_be_visible(timeout=60_000)
    check_accessible(other)
    shoot(other, "wallet-restore-read")
    other.locator("input[name=passphrase]").fill(PASSPHRASE)
    other.get_by_role("button", name="Restore the wallet").click()
    other.get_by_role("link", name="Settings").click()
    expect(other.locator("dd").first).to_have_text(identity)
    camera.close()
    assert not any(" ".join(words[:3]) in each or words[0] + "%20" in each for each in sent)


def test_the_wallet_opens_without_a_network(phone: Page, building: Building) -> None:
    """Its own files come from the cache; the page says that the gateway is out of reach."""
    make_wallet(phone, building)
    await_worker(phone)
    phone.context.set_offline(True)
    phone.reload()
    phone.locator("input[name=passphrase]").fill(PASSPHRASE)
    phone.get_by_role("button", name="Unlock").click()
    expect(phone.get_by_text("cannot be reached").first).to_be_visible()
