"""Taking back, in a browser, what a condominium did not settle: the ledger's own time is past the grace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import unsettled
from tests.browser.conftest import check_accessible, shoot
from tests.browser.resident import buy, make_wallet, start
from tests.gateway.skewed import Skew
from tools.demonstration import Building, running

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
CHARGING = 120_000
_LATER = 12 * 3_600
"""Seconds: a session for 5 euros may last nine hours, and the grace is one."""


@pytest.fixture
def skew(tmp_path: Path) -> Iterator[Skew]:
    """How far the condominium's clock is ahead of this computer's."""
    skew = Skew(tmp_path / "skew")
    yield skew
    skew.close()


@pytest.fixture
def condominium(tmp_path: Path, skew: Skew) -> Iterator[Building]:
    """One that never settles."""
    with running(tmp_path / "building", ["--residents", "0"], module=unsettled.MODULE) as found:
        yield found


def test_what_was_never_settled_is_taken_back(phone: Page, condominium: Building, skew: Skew) -> None:
    """Offered by itself, signed with one tap, paid by the ledger though the gateway keeps silent, verified on
    the phone. All comes back: the only reading on the ledger proves no energy."""
    make_wallet(phone, condominium)
    buy(phone)
    start(phone)
    expect(phone.locator(".badge.live")).to_have_text("Charging", timeout=CHARGING)
    expect(phone.get_by_role("button", name="Reclaim what was not used")).to_have_count(0)
    skew.set(_LATER)
    phone.clock.set_fixed_time(datetime.now(UTC) + timedelta(seconds=_LATER))
    expect(phone.get_by_role("alert").first).to_contain_text("has not settled this session in time")
    check_accessible(phone)
    shoot(phone, "wallet-reclaim-due")
    phone.clock.set_fixed_time(datetime.now(UTC) + timedelta(seconds=_LATER))
    phone.get_by_role("button", name="Reclaim what was not used").click()
    expect(phone.get_by_text("Verified on this phone")).to_be_visible(timeout=60_000)
    expect(phone.locator("dl.pairs").first).to_contain_text("Refunded€5.00")
    expect(phone.get_by_text("You took it back")).to_be_visible()
    check_accessible(phone)
    shoot(phone, "wallet-reclaimed")
    phone.get_by_role("link", name="Charge").click()
    expect(phone.locator(".purse .figure")).to_have_text("€20.00")
    expect(phone.locator(".purse")).not_to_contain_text("held")
