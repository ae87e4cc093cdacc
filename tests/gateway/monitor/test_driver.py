"""A ledger that takes its time, and words that are lost on the way, cost nobody anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from chaincode.session import Session
from chaincode.signing.command import CommandKind
from gateway.transaction.steps import Steps
from tests.gateway.garage import Car, Garage, Socket, wallet


@pytest.fixture
async def garage(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Garage]:
    """Two units of 16 A behind a supply for one."""
    opened = await Garage.open(tmp_path, [Socket(1), Socket(2)], limit=3_680)
    yield opened
    await opened.close()


async def test_what_is_being_given_back_gets_no_power(
    garage: Garage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger takes its time over a cancellation, and meanwhile the supply becomes free."""
    answered, cancel = asyncio.Event(), Steps.cancel

    async def slow(steps: Steps, session: str) -> Session:
        await answered.wait()
        return await cancel(steps, session)

    monkeypatch.setattr(Steps, "cancel", slow)
    first, waiting = wallet("first"), wallet("waiting")
    for resident in (first, waiting):
        await garage.fund(resident)
    charging = await garage.plug_in(1, first)
    await garage.run(60)
    session = await garage.plug_in(2, waiting)
    await garage.run(60)
    await garage.stop(waiting, session)
    await garage.stop(first, charging)
    await garage.run(300)
    assert (await garage.session(charging)).state == "settled"
    assert garage.sockets[2].heard == [] and garage.sockets[2].register == 5_000_000
    answered.set()
    await garage.run(1)
    assert (await garage.session(session)).state == "cancelled"
    assert await garage.balance(waiting) == 10_000


async def test_a_unit_whose_end_was_lost_is_told_again(garage: Garage) -> None:
    """The END of another session took its place before the unit heard it; its session ends all the same."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident)
    await garage.run(130)
    socket = garage.sockets[1]
    socket.reachable = False
    await garage.stop(resident, session)
    await garage.run(1)
    garage.outbox.send(1, CommandKind.END, bytes(range(16)))
    socket.reachable = True
    await garage.run(190)
    record = await garage.session(session)
    assert record.settlement is not None and record.settlement.reason == "Remote"
    assert record.settlement.energy == socket.register - 5_000_000


async def test_readings_that_seem_to_come_from_the_future_are_paid_for_later(
    garage: Garage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway's time is behind when it settles; once it is right the session costs what was charged."""
    answered, settle = asyncio.Event(), Steps.settle

    async def slow(steps: Steps, session: str, reason: str, evidence: Sequence[bytes]) -> Session:
        await answered.wait()
        return await settle(steps, session, reason, evidence)

    monkeypatch.setattr(Steps, "settle", slow)
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident, Car(need=100_000))
    await garage.run(900)
    garage.clock.behind = 3_600_000
    answered.set()
    await garage.run(60)
    assert (await garage.session(session)).state == "started"
    garage.clock.behind = 0
    await garage.run(10)
    record = await garage.session(session)
    assert record.settlement is not None and record.settlement.energy == 100_000
