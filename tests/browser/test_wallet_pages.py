"""Every page of the wallet in both languages, on a phone and on a desk, light and dark, with large letters:
axe finds nothing, nothing is cut off, and each picture is kept."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import check_accessible, shoot
from tests.browser.resident import buy, make_wallet, start, stop, unlock
from tools.demonstration import Building

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
PAGES = {
    "home": "/",
    "start": "/unit/3",
    "socket": "/socket/2",
    "scan": "/scan",
    "buy": "/buy",
    "history": "/history",
    "usage": "/usage",
    "statement": "/statement",
    "mandates": "/mandates",
    "notifications": "/notifications",
    "settings": "/settings",
    "about": "/about",
}
PHONE, DESK = (360, 740), (1280, 800)
LOOKS = [
    ("phone", PHONE, "en", "light"),
    ("phone", PHONE, "pt", "dark"),
    ("desk", DESK, "en", "dark"),
    ("desk", DESK, "pt", "light"),
]


def _go(page: Page, path: str) -> None:
    """Show a page, and wait until it waits for nothing more."""
    page.evaluate("path => { location.hash = path }", path)
    expect(page.locator("main")).not_to_contain_text(re.compile("One moment …|Um momento …"))
    page.wait_for_timeout(250)


def _check(page: Page, name: str) -> None:
    check_accessible(page)
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], (name, wide)


def test_every_page_in_every_look(phone: Page, building: Building) -> None:
    """With one session in the past; the session, its readings and an open table are among them."""
    make_wallet(phone, building)
    buy(phone)
    start(phone)
    expect(phone.locator(".badge.live")).to_have_text("Charging", timeout=120_000)
    phone.wait_for_timeout(12_000)
    stop(phone)
    session = phone.url.rpartition("/")[2]
    pages = PAGES | {"session": f"/session/{session}", "readings": f"/readings/{session}"}
    for device, (width, height), language, scheme in LOOKS:
        phone.set_viewport_size({"width": width, "height": height})
        phone.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        phone.evaluate("language => localStorage.setItem('condocharge-language', language)", language)
        phone.evaluate("location.hash = '/'")
        phone.reload()
        expect(phone.locator("html")).to_have_attribute("lang", language)
        check_accessible(phone)
        unlock(phone)
        expect(phone.locator("section.purse")).to_be_visible()
        for name, path in pages.items():
            _go(phone, path)
            expect(phone.get_by_role("alert")).to_have_count(0)
            for table in phone.locator(".chart summary").all():
                table.click()
            _check(phone, name)
            for table in phone.locator(".chart summary").all():
                table.click()
            shoot(phone, f"wallet/{device}-{language}-{name}")


def test_letters_twice_as_large_cut_nothing_off(phone: Page, building: Building) -> None:
    """At 200 % on a phone's width no page scrolls sideways."""
    make_wallet(phone, building)
    phone.evaluate("document.documentElement.style.fontSize = '200%'")
    cut = {}
    for name, path in PAGES.items():
        _go(phone, path)
        wide, width = phone.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if wide > width:
            cut[name] = wide
        if name in ("home", "start", "settings"):
            shoot(phone, f"wallet/large-{name}")
    assert cut == {}
