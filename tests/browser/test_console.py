"""A manager at the console, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Building, check_accessible, shoot

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
PAGES = (
    "Sessões",
    "Gráficos",
    "Unidades e grupos",
    "Pessoas",
    "Dinheiro",
    "Tarifas",
    "Livro-razão",
    "Registo de auditoria",
)


def _log_in(page: Page, building: Building) -> None:
    page.goto(building.console)
    page.locator("input[name=username]").fill(building.username)
    page.locator("input[name=password]").fill(building.password)
    check_accessible(page)
    page.get_by_role("button", name="Entrar").click()
    expect(page.get_by_role("heading", name="Agora")).to_be_visible()


def test_every_page_shows_and_axe_finds_nothing(desk: Page, building: Building) -> None:
    """Sockets, units, people, money, tariffs, ledger and log, in Portuguese."""
    _log_in(desk, building)
    expect(desk.locator("ul.sockets li")).to_have_count(3)
    shoot(desk, "console-now")
    check_accessible(desk)
    for name in PAGES:
        desk.get_by_role("link", name=name).click()
        expect(desk.get_by_role("heading", name=name, level=1)).to_be_visible()
        desk.wait_for_timeout(700)
        expect(desk.get_by_role("alert")).to_have_count(0)
        check_accessible(desk)
        shoot(desk, f"console-{PAGES.index(name) + 1}")


def test_a_locked_user_is_out_at_once(desk: Page, phone: Page, building: Building) -> None:
    """An invited resident sets a password and looks; the moment the manager locks the account it is over."""
    _log_in(desk, building)
    desk.get_by_role("link", name="Pessoas").click()
    desk.locator("summary").click()
    desk.locator("input[name=username]").fill("rita")
    desk.locator("input[name=name]").fill("Rita")
    desk.get_by_role("button", name="Convidar alguém").click()
    link = desk.locator("pre").inner_text()
    phone.goto(link)
    phone.locator("input[name=password]").fill("a long enough password")
    phone.locator("input[name=again]").fill("a long enough password")
    phone.get_by_role("button", name="Set the password").click()
    expect(phone.get_by_role("heading", name="Now")).to_be_visible()
    check_accessible(phone)
    expect(phone.get_by_role("link", name="People")).to_have_count(0)
    shoot(phone, "console-resident")
    desk.get_by_role("button", name="Bloqueada: rita").click()
    expect(phone.get_by_role("button", name="Log in")).to_be_visible()
