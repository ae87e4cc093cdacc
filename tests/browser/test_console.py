"""Every page of the console, in both languages, on a desk and on a phone, for each role."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import check_accessible, shoot
from tests.browser.manager import invite, log_in, opened, visit
from tools.demonstration import Building

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
PAGES = ("", "sessions", "charts", "money", "tariffs", "units", "people", "ledger", "log")
BEYOND = ("units/1", "labels", "account")


def _scrolls_sideways(page: Page) -> bool:
    wide: bool = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return wide


@pytest.mark.parametrize(("phone", "portuguese"), [(False, True), (True, False)])
def test_every_page_shows_and_axe_finds_nothing(
    browser: Browser, building: Building, phone: bool, portuguese: bool
) -> None:
    """No page is wider than its screen, none shows an error, each keeps its picture."""
    with opened(browser, building, phone=phone, portuguese=portuguese) as page:
        for path in (*PAGES, *BEYOND):
            visit(page, path)
            expect(page.get_by_role("alert")).to_have_count(0)
            assert not _scrolls_sideways(page), path
            check_accessible(page)
            name = path.replace("/", "-") or "now"
            shoot(page, f"console-{name}-{'phone' if phone else 'desk'}")


def test_the_forms_are_as_accessible_as_the_pages(browser: Browser, building: Building) -> None:
    """What is folded away at first: enrolling, groups, selling, inviting, changing, publishing."""
    with opened(browser, building, phone=False, portuguese=False) as page:
        for path in ("units", "units/2", "money", "people"):
            visit(page, path)
            for summary in page.locator("main details > summary").all():
                summary.click()
            check_accessible(page)
            shoot(page, f"console-{path.replace('/', '-')}-forms")
        page.get_by_role("button", name="Change: admin").click()
        check_accessible(page)
        visit(page, "tariffs")
        page.get_by_role("button", name="Publish a tariff").click()
        check_accessible(page)
        shoot(page, "console-tariffs-form")


def test_a_page_at_twice_its_size_needs_no_sideways_scrolling(browser: Browser, building: Building) -> None:
    """200 % of a 1280 pixel screen is a screen of 640."""
    with opened(browser, building, phone=False, portuguese=False) as page:
        page.set_viewport_size({"width": 640, "height": 400})
        for path in PAGES:
            visit(page, path)
            assert not _scrolls_sideways(page), path


def test_the_console_is_used_without_a_mouse(browser: Browser, building: Building) -> None:
    """The first key leads past the rail; the menu opens, leads on and closes by keys."""
    with opened(browser, building, phone=True, portuguese=False) as page:
        page.reload()
        expect(page.get_by_role("heading", name="Now")).to_be_visible()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Skip to the page")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Now")).to_be_focused()
        page.get_by_role("button", name="Menu").focus()
        page.keyboard.press("Enter")
        link = page.get_by_role("link", name="Money")
        expect(link).to_be_visible()
        check_accessible(page)
        shoot(page, "console-menu-phone")
        link.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Money")).to_be_focused()
        expect(link).to_be_hidden()


def test_a_locked_user_is_out_at_once(desk: Page, phone: Page, building: Building) -> None:
    """A resident sees sockets and tariffs alone; the moment the manager locks the account it is over."""
    log_in(desk, building)
    invite(desk, phone, "rita", "USER")
    expect(phone.locator("ul.sockets li")).to_have_count(3)
    check_accessible(phone)
    shoot(phone, "console-now-resident")
    phone.get_by_role("button", name="Menu").click()
    expect(phone.locator("nav a")).to_have_text(["Now", "Tariffs"])
    visit(phone, "money")
    expect(phone.get_by_role("heading", name="There is no such page")).to_be_visible()
    check_accessible(phone)
    shoot(phone, "console-unknown")
    phone.get_by_role("main").get_by_role("link", name="Now").click()
    expect(phone.get_by_role("heading", name="Now")).to_be_visible()
    expect(phone.locator(".pulse")).to_have_text("Live")
    desk.get_by_role("button", name="Bloqueada: rita").click()
    expect(phone.get_by_role("button", name="Log in")).to_be_visible()
    phone.locator("input[name=username]").fill("rita")
    phone.locator("input[name=password]").fill("a long enough password")
    phone.get_by_role("button", name="Log in").click()
    expect(phone.get_by_role("alert")).to_be_visible()
    check_accessible(phone)
    visit(desk, "log")
    expect(desk.get_by_role("cell", name="Alterou uma conta").first).to_be_visible()
    expect(desk.get_by_role("cell", name="locked: true").first).to_be_visible()


def test_an_auditor_sees_all_and_changes_nothing(desk: Page, phone: Page, building: Building) -> None:
    """No button that would be refused; the log and the ledger can be checked."""
    log_in(desk, building)
    invite(desk, phone, "ana", "AUDITOR")
    visit(phone, "money")
    expect(phone.get_by_text("Sell tokens")).to_have_count(0)
    visit(phone, "units/1")
    expect(phone.get_by_role("button", name="Save")).to_have_count(0)
    visit(phone, "units")
    expect(phone.get_by_text("Enrol a unit")).to_have_count(0)
    expect(phone.get_by_role("cell", name="1.0.0").first).to_be_visible()
    visit(phone, "ledger")
    phone.get_by_role("button", name="Verify now").click()
    expect(phone.get_by_text("All in order.")).to_be_visible(timeout=30_000)
    check_accessible(phone)
    shoot(phone, "console-ledger-verified")
    visit(phone, "log")
    phone.get_by_role("button", name="Verify now").click()
    expect(phone.get_by_text("entries are as they were written")).to_be_visible()
