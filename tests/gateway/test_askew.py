"""A phone's clock that is wrong by an hour: sentences that say what to do, and nothing lost or left on."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.gateway.house import House
from tests.gateway.test_kill import living, settle
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
