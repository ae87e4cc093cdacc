"""What a manager does from one day to the next, against a running gateway, ledger and simulated units."""

from __future__ import annotations

import csv
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import check_accessible, shoot
from tests.browser.manager import Resident, opened, visit
from tools.demonstration import Building

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def manager(browser: Browser, building: Building) -> Iterator[Page]:
    """The administrator's page, in English, logged in once."""
    with opened(browser, building, phone=False, portuguese=False) as page:
        yield page


@pytest.fixture(scope="module")
def resident(building: Building) -> Resident:
    """Somebody with a wallet."""
    return Resident(building)


def _limit(page: Page, kilowatts: str) -> None:
    """Give the garage another maximum load."""
    visit(page, "units")
    group = page.locator("details", has=page.locator("summary", has_text="Garage"))
    if group.get_attribute("open") is None:
        group.locator("summary").click()
    group.locator("input[name=load]").fill(kilowatts)
    group.get_by_role("button", name="Save").click()
    expect(group.locator("summary")).to_contain_text(f"{float(kilowatts):.1f} kW")


def test_a_manager_sees_at_once_why_a_car_waits(manager: Page, resident: Resident) -> None:
    """The supply is too small for the socket: the car waits, the page says why; it is stopped there too."""
    _limit(manager, "1")
    session = resident.charge(3)
    visit(manager, "")
    waiting = manager.locator(".waiting li", has_text="Socket 3")
    expect(waiting).to_contain_text("kW", timeout=20_000)
    expect(manager.locator(".socket.queued .why")).to_have_text(
        re.compile("at least 1.4 kW.*1.0 kW.*Raise the group")
    )
    check_accessible(manager)
    shoot(manager, "console-now-waiting")
    _limit(manager, "7.36")
    visit(manager, f"sessions/{session}")
    expect(manager.locator(".badge.live")).to_have_text("Started", timeout=60_000)
    expect(manager.locator(".chart canvas").first).to_be_visible(timeout=30_000)
    check_accessible(manager)
    shoot(manager, "console-session-charging")
    manager.get_by_role("button", name="Stop this session").click()
    manager.get_by_role("button", name="Stop this session").click()
    expect(manager.get_by_role("link", name="Save the receipt")).to_be_visible(timeout=60_000)
    expect(manager.get_by_text("Stopped on request")).to_be_visible()
    check_accessible(manager)
    shoot(manager, "console-session-ended")


def test_a_lost_connection_is_told_with_its_age(manager: Page, building: Building) -> None:
    """A gateway that says nothing more: what is seen is marked as old until it is heard again."""
    visit(manager, "")
    expect(manager.locator(".pulse")).to_have_text("Live")
    os.kill(building.process, signal.SIGSTOP)
    try:
        lost = re.compile(r"last seen \d+ s ago, reconnecting")
        expect(manager.locator(".pulse.lost")).to_have_text(lost, timeout=30_000)
        check_accessible(manager)
        shoot(manager, "console-now-lost")
    finally:
        os.kill(building.process, signal.SIGCONT)
    expect(manager.locator(".pulse")).to_have_text("Live", timeout=30_000)


def test_finished_sessions_are_drawn_as_the_paper_does(manager: Page) -> None:
    """Figures 20 to 25 from the session that was just stopped; figure 19 says what it waits for."""
    visit(manager, "charts")
    for title in (
        "Charging time of each session",
        "Energy of each session",
        "Cars charging at the same time",
        "Charging windows",
    ):
        expect(manager.locator("figcaption", has_text=title)).to_be_visible()
    expect(manager.get_by_text("Needs three sessions of more than 3 hours.")).to_be_visible()
    expect(manager.locator("rect.charged").first).to_be_visible()
    manager.get_by_text("As a table").first.click()
    expect(manager.locator(".chart table").first).to_be_visible()
    check_accessible(manager)
    shoot(manager, "console-charts-drawn")
    manager.get_by_role("button", name="Day before").click()
    expect(manager.get_by_text("Nobody charged or waited on this day.")).to_be_visible()


def test_tokens_are_sold_for_cash_and_every_one_is_accounted_for(manager: Page, resident: Resident) -> None:
    """A wallet that is none is refused in words; a sale shows in the sums and in the file."""
    visit(manager, "money")
    manager.get_by_text("Sell tokens").first.click()
    form = manager.locator("details form")
    form.locator("input[name=reference]").fill("CASH-1")
    form.locator("input[name=amount]").fill("12.50")
    form.locator("input[name=wallet]").fill("not a wallet")
    form.get_by_role("button").click()
    expect(form.get_by_role("alert")).to_contain_text("64 characters")
    check_accessible(manager)
    form.locator("input[name=wallet]").fill(resident.wallet)
    form.get_by_role("button").click()
    expect(manager.get_by_text("Sold: €12.50, reference CASH-1.")).to_be_visible()
    assert resident.gateway.balance().balance >= 1_250
    visit(manager, "")
    visit(manager, "money")
    expect(manager.get_by_text("Every token is accounted for")).to_be_visible()
    with manager.expect_download() as download:
        manager.get_by_role("link", name="Save as CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()))
    assert float(rows[-1]["sold"]) >= 12.5
    shoot(manager, "console-money-sold")


def test_a_tariff_is_tried_on_real_sessions_and_then_published(manager: Page) -> None:
    """What the stopped session would have cost comes from its readings; what is published is in force."""
    visit(manager, "tariffs")
    manager.get_by_role("button", name="Publish a tariff").click()
    prices = manager.get_by_label("Price per kWh in EUR")
    expect(prices).to_have_count(2)
    prices.first.fill("a lot")
    manager.get_by_role("button", name="What would they have cost?").click()
    expect(manager.get_by_role("alert")).to_contain_text("0.1834")
    for index in range(prices.count()):
        prices.nth(index).fill("2")
    manager.get_by_role("button", name="What would they have cost?").click()
    found = manager.locator(".found")
    expect(found).to_be_visible(timeout=30_000)
    agreed = re.search(r"(\d+) of (\d+) give exactly", found.inner_text())
    assert agreed is not None
    assert agreed[1] == agreed[2] != "0"
    check_accessible(manager)
    shoot(manager, "console-tariffs-tried")
    manager.get_by_role("button", name="Publish a tariff").click()
    expect(manager.get_by_role("alert")).to_contain_text("cannot be changed")
    manager.get_by_role("button", name="Publish it for ever").click()
    second = manager.locator(".tariff", has=manager.get_by_role("heading", name="Tariff 2"))
    expect(second).to_contain_text("in force")
    expect(second).to_contain_text("2.0000 EUR")
    check_accessible(manager)


def test_a_unit_is_enrolled_set_up_labelled_and_retired(manager: Page, building: Building) -> None:
    """Its class is explained, its shared key told once, its code leads to the wallet."""
    visit(manager, "units")
    manager.locator("summary", has_text="Enrol a unit").click()
    form = manager.locator("details form", has=manager.locator("input[name=unit]"))
    form.get_by_label("mac: the gateway vouches").check()
    form.locator("input[name=unit]").fill("9")
    form.locator("input[name=name]").fill("Cellar")
    form.locator("input[name=location]").fill("below")
    form.get_by_role("button").click()
    expect(manager.get_by_text("Unit 9 is enrolled.")).to_be_visible()
    expect(manager.locator(".notice pre")).to_have_text(re.compile("^[0-9a-f]{32}$"))
    check_accessible(manager)
    visit(manager, "units/9")
    expect(manager.get_by_text("residents have to trust the gateway")).to_be_visible()
    expect(manager.locator("pre")).to_have_text(f"{building.wallet}/#/unit/9?at=aurora")
    manager.locator("input[name=maximum]").fill("10")
    manager.locator("input[name=transmission]").fill("7")
    manager.get_by_role("button", name="Save").click()
    expect(manager.locator("form").get_by_role("alert")).to_contain_text("transmission")
    manager.locator("input[name=transmission]").fill("60")
    manager.get_by_role("button", name="Save").click()
    expect(manager.get_by_text("Saved.")).to_be_visible()
    visit(manager, "labels")
    expect(manager.locator(".label svg.code")).to_have_count(4)
    manager.emulate_media(media="print")
    shoot(manager, "console-labels-printed")
    expect(manager.locator(".rail")).to_be_hidden()
    manager.emulate_media(media="screen")
    visit(manager, "units/9")
    manager.locator("summary", has_text="Change its key").click()
    manager.get_by_role("button", name="Change its key").click()
    expect(manager.get_by_text("The key was changed.")).to_be_visible()
    manager.locator("summary", has_text="Retire this unit").click()
    manager.get_by_role("button", name="Retire unit 9").click()
    expect(manager.get_by_text("This unit is retired")).to_be_visible()
    check_accessible(manager)
