"""Clocks that are wrong by an hour, the phones' and the gateway's own: sentences that say what to do, and
nothing lost or left on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clock import SimulatedClock
from tests.gateway.house import House
from tests.gateway.skewed import COMMAND, Skew
from tests.gateway.test_kill import living, settle
from tests.gateway.traffic import Traffic
from tests.gateway.transaction.test_wallet_routes import Resident, furnished
from tests.gateway.victim import Victim

__all__ = ["furnished"]

HOUR = 3_500
"""Seconds; a whole one would end the operator's login."""


@pytest.mark.parametrize("off", [3_600, -3_600], ids=["ahead", "behind"])
async def test_a_phone_that_is_an_hour_off_is_told_so(furnished: House, off: int) -> None:
    """Of what it asks and of what it signs, with the gateway's time and what to do; nothing is written."""
    resident = Resident(furnished)
    height = await furnished.gateway.ledger.height()
    asked = await resident.ask("GET", f"/v1/wallets/{resident.wallet.id}", time=resident.now + off)
    assert asked.status_code == 401
    assert f"clock, {resident.now}; set this device's clock right" in asked.json()["detail"]
    if off < 0:
        signed = await resident.submit(resident.open_intent(expires=resident.now + off + 600))
        assert signed.json()["field"] == "expires"
        assert "with the clock set right" in signed.json()["detail"]
    assert await furnished.gateway.ledger.height() == height


async def test_a_gateway_whose_own_clock_is_in_doubt_says_so(
    furnished: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To phones that it refuses for their time, as theirs may be the right one."""
    monkeypatch.setattr(SimulatedClock, "ahead", lambda _: 3_600_000)
    resident = Resident(furnished)
    asked = await resident.ask("GET", f"/v1/wallets/{resident.wallet.id}", time=resident.now + 3_600)
    signed = await resident.submit(resident.open_intent(expires=resident.now - 60))
    for refused in (asked, signed):
        assert "or the gateway's is wrong: its computer's clock was set 3,600 s ahead" in refused.text


@pytest.mark.slow
@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["ahead", "behind"])
async def test_the_phones_clocks_jump_while_cars_charge(tmp_path: Path, step: int) -> None:
    """By an hour and back, under load: every session ends, every token is somewhere, every relay is open."""
    victim = Victim(tmp_path / "state", random.Random(step))
    async with living(victim) as (traffic, client):
        for ahead in (0, step, 0):
            traffic.ahead = ahead
            await asyncio.sleep(6)
            traffic.check()
        await settle(traffic, client)
        for place in traffic.places.values():
            assert not place.outlet.conducting
    assert "Traceback" not in victim.log.read_text()


@pytest.fixture
def skew(tmp_path: Path) -> Iterator[Skew]:
    """The clock of the computer on which a gateway runs."""
    skew = Skew(tmp_path / "skew")
    yield skew
    skew.close()


@pytest.mark.slow
async def test_the_gateways_clock_is_set_while_cars_charge(tmp_path: Path, skew: Skew) -> None:
    """An hour ahead, back, an hour back and right again, under load: the operator is told each time, and the
    sessions that were opened meanwhile are billed to the milliwatt-hour and refunded like all others."""
    victim = Victim(tmp_path / "state", random.Random(7), command=COMMAND)
    async with living(victim) as (traffic, client):
        for wrong in (HOUR, -HOUR):
            await _opened(traffic, 2)
            skew.set(wrong)
            await _told(traffic, [wrong])
            await _opened(traffic, 4)
            if wrong < 0:
                # It starts in the past, and must not take its own readings for the future's.
                await victim.die()
                await victim.rise()
                await _told(traffic, [wrong])
                await _opened(traffic, 2)
            skew.set(0)
            await _told(traffic, [])
        await settle(traffic, client)
        for place in traffic.places.values():
            assert not place.outlet.conducting
    assert "Traceback" not in victim.log.read_text()


async def _opened(traffic: Traffic, more: int) -> None:
    """Wait until so many more sessions have been opened."""

    def count() -> int:
        return sum(len(resident.sessions) for resident in traffic.residents)

    wanted = count() + more
    while count() < wanted:
        await asyncio.sleep(0.1)
        traffic.check()


async def _told(traffic: Traffic, skews: list[int]) -> None:
    """Wait until the operator sees that the gateway's clock is wrong by about so much, or by nothing."""
    while True:
        page = await traffic.ask("GET", "/v1/alarms?lasting=true")
        told = [each["value"] for each in page["rows"] if each["kind"] == "clock-set"]
        if [round(value / 100) * 100 for value in told] == skews:
            return
        await asyncio.sleep(0.1)
        traffic.check()
