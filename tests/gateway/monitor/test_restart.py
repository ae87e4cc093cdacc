"""Killed at any moment, the gateway loses nothing: no session is stuck, energy is exact to the register."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chaincode.session import Session
from gateway.clock import SimulatedClock
from tests.chaincode.world import PartyWallet
from tests.gateway.garage import START, Car, Garage, Socket, wallet

HOUR = 3_600
REGISTER = 5_000_000


@dataclass
class Night:
    """Residents come, charge, stop and leave at three units while the gateway is killed again and again."""

    directory: Path
    rng: random.Random
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(START * 1_000))
    sockets: list[Socket] = field(default_factory=lambda: [Socket(n) for n in (1, 2, 3)])
    sessions: dict[str, PartyWallet] = field(default_factory=dict)
    kills: int = 0

    async def open(self) -> Garage:
        """Start the gateway on whatever files there are."""
        return await Garage.open(self.directory, self.sockets, self.clock, limit=2 * 3_680)

    async def arrive(self, garage: Garage, unit: int) -> None:
        """A resident buys tokens, plugs in and opens a session."""
        resident = wallet(f"resident {len(self.sessions)}")
        await garage.fund(resident, 1_000)
        car = Car(self.rng.choice((6_000, 10_000, 16_000)), self.rng.randrange(200_000, 4_000_000))
        energy = self.rng.choice((None, 1_000))
        duration = self.rng.choice((1_800, 3 * HOUR))
        amount = self.rng.choice((20, 500))
        session = await garage.plug_in(unit, resident, car, energy=energy, duration=duration, amount=amount)
        self.sessions[session] = resident

    async def something(self, garage: Garage) -> None:
        """One thing happens, or only time passes."""
        unit = self.rng.choice((1, 2, 3))
        match self.rng.randrange(8):
            case 0 | 1 if garage.monitor.floor.first_at(unit) is None:
                await self.arrive(garage, unit)
            case 2:
                live = garage.monitor.floor.first_at(unit)
                if live is not None and live.record.stop_at is None:
                    await garage.stop(self.sessions[live.id], live.id)
            case 3:
                garage.sockets[unit].power_cut()
            case 4:
                garage.sockets[unit].unplug()
            case _:
                await garage.run(self.rng.randrange(1, 600))

    async def kill(self, garage: Garage) -> Garage:
        """Kill the gateway some turns of the event loop after whatever is going on, and start it again."""
        for _ in range(self.rng.randrange(40)):
            await asyncio.sleep(0)
        await garage.abandon()
        self.kills += 1
        await self.clock.advance(self.rng.choice((1, 30, 400)))
        for socket in self.sockets:
            socket.go_on_alone(self.clock.now() // 1_000)
        return await self.open()


async def a_night(directory: Path, seed: int, rounds: int) -> tuple[Night, list[Session], Garage]:
    """Run a night to its end; the gateway is still open."""
    night = Night(directory, random.Random(seed))
    garage = await night.open()
    for _ in range(rounds):
        await night.something(garage)
        if night.rng.random() < 0.3:
            garage = await night.kill(garage)
    for _ in range(6 * 12):
        if not len(garage.monitor.floor):
            break
        await garage.run(300)
    await garage.run(300)
    return night, [await garage.session(each) for each in night.sessions], garage


def check(night: Night, records: list[Session]) -> None:
    """Every session is over, what was billed is what the meters say, and nobody lost a cent."""
    assert night.sessions
    for record in records:
        assert record.state in ("settled", "cancelled"), record
    for socket in night.sockets:
        billed = sum(
            record.settlement.energy
            for record in records
            if record.unit == socket.number and record.settlement is not None
        )
        assert billed == socket.register - REGISTER, (socket.number, records)
        assert not socket.closed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1))
async def test_killed_at_any_moment_nothing_is_lost(tmp_path: Path, sqlite_url: str, seed: int) -> None:
    """Each seed is another night with some ten kills."""
    night, records, garage = await a_night(tmp_path, seed, 30)
    assert night.kills
    check(night, records)
    for session, resident in night.sessions.items():
        record = await garage.session(session)
        cost = record.settlement.cost if record.settlement is not None else 0
        assert await garage.balance(resident) == 1_000 - cost
    await garage.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 114))
async def test_killed_at_any_moment_on_many_nights(tmp_path: Path, sqlite_url: str, seed: int) -> None:
    """The same, over and over."""
    night, records, garage = await a_night(tmp_path, seed, 60)
    check(night, records)
    await garage.close()
