"""A tariff tried on sessions that have ended: what it says is what the ledger would have settled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from chaincode.tariff import Band, Change, Offset, Tariff
from chaincode.unit import ED25519, MAC
from gateway.metering.readings import Readings
from gateway.metering.records import READING_BATCH
from gateway.projection.follower import Follower
from gateway.report import rehearsal
from gateway.report.period import Span
from gateway.report.rehearsal import Rehearsal, Rehearsed
from tests.gateway.garage import CODE, START, Car, Garage, Socket, wallet

HOUR = 3_600
MONTH = Span(START - 1, START + 30 * 86_400)
BANDS: dict[str, Any] = {
    "start_fee": 15,
    "bands": [
        {"name": "dear", "energy_price": 300_000, "idle_price": 0},
        {"name": "cheap", "energy_price": 100_000, "idle_price": 0},
    ],
    # The band changes each hour, so a session crosses several boundaries.
    "week": [{"minute": minute, "band": minute // 60 % 2} for minute in range(0, 7 * 1_440, 60)],
}


def _tariff(start_fee: int, bands: list[dict[str, Any]], week: list[dict[str, int]]) -> Tariff:
    return Tariff(
        number=1,
        valid_from=START,
        start_fee=start_fee,
        bands=tuple(Band(**each) for each in bands),
        week=tuple(Change(**each) for each in week),
        offsets=(Offset(start=0, seconds=0),),
    )


def _sockets() -> list[Socket]:
    return [Socket(1, ED25519), Socket(2, MAC)]


async def _charge(garage: Garage) -> list[int]:
    """One car that is full before two hours are over, one that is unplugged sooner; what each cost."""
    resident = wallet()
    await garage.fund(resident)
    sessions = [
        await garage.plug_in(1, resident, Car(current=10_000, need=4_000_000), amount=2_000),
        await garage.plug_in(2, resident, Car(current=13_000), amount=2_000),
    ]
    await garage.run(HOUR + 1_234)
    garage.sockets[2].unplug()
    await garage.run(HOUR)
    settlements = [(await garage.session(each)).settlement for each in sessions]
    return [each.cost for each in settlements if each is not None]


async def _rehearse(garage: Garage, tariff: Tariff) -> Rehearsed:
    follower = Follower(garage.ledger, garage.database, garage.clock)
    await follower.start()
    try:
        tried = Rehearsal(garage.database, garage.metering.readings, garage.catalogue, CODE)
        return await tried.run(tariff, MONTH)
    finally:
        await follower.close()


@pytest.fixture
async def garage(tmp_path: Path) -> AsyncIterator[Garage]:
    """A unit of each class under a tariff of one price."""
    opened = await Garage.open(tmp_path, _sockets())
    yield opened
    await opened.close()


@pytest.mark.slow
async def test_a_rehearsed_tariff_costs_what_it_costs_when_it_is_in_force(
    garage: Garage, tmp_path: Path
) -> None:
    """The same cars under the published tariff settle for exactly what the rehearsal said."""
    before = await _charge(garage)
    rehearsed = await _rehearse(garage, _tariff(**BANDS))
    (tmp_path / "published").mkdir()
    published = await Garage.open(tmp_path / "published", _sockets(), tariff=BANDS)
    try:
        after = await _charge(published)
    finally:
        await published.close()
    lines = {line.unit: line for line in rehearsed.lines}
    assert [lines[1].before, lines[2].before] == before
    assert [lines[1].after, lines[2].after] == after
    assert before != after
    assert all(line.agreed and not line.is_capped for line in rehearsed.lines)
    assert (rehearsed.unread, rehearsed.complete) == (0, True)


async def test_an_escrow_that_would_not_have_lasted_is_told(garage: Garage) -> None:
    """A hundred times the price: the sum is no more than what was locked."""
    await _charge(garage)
    bands = [{"name": "dear", "energy_price": 20_000_000, "idle_price": 0}]
    rehearsed = await _rehearse(garage, _tariff(0, bands, []))
    assert [(line.after, line.is_capped) for line in rehearsed.lines] == [(2_000, True), (2_000, True)]


async def test_sessions_beyond_the_most_are_told(garage: Garage, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as one rehearsal looks at are all; one more, and the oldest is left out."""
    await _charge(garage)
    every = await _rehearse(garage, _tariff(**BANDS))
    monkeypatch.setattr("gateway.report.rehearsal.MOST", 2)
    assert await _rehearse(garage, _tariff(**BANDS)) == every
    monkeypatch.setattr("gateway.report.rehearsal.MOST", 1)
    newest = await _rehearse(garage, _tariff(**BANDS))
    assert (newest.lines, newest.complete) == (every.lines[:1], False)


async def test_one_rehearsal_at_a_time(garage: Garage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each counts thousands of batches, in a thread of its own; two take turns."""
    await _charge(garage)
    threads: list[int] = []
    running, most = 0, 0
    of_session, account = Readings.of_session, rehearsal._account

    async def read(self: Readings, *arguments: Any) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await of_session(self, *arguments)
        finally:
            running -= 1

    def count(*arguments: Any) -> Any:
        threads.append(threading.get_ident())
        return account(*arguments)

    monkeypatch.setattr(Readings, "of_session", read)
    monkeypatch.setattr(rehearsal, "_account", count)
    follower = Follower(garage.ledger, garage.database, garage.clock)
    await follower.start()
    tried = Rehearsal(garage.database, garage.metering.readings, garage.catalogue, CODE)
    first, second = await asyncio.gather(*(tried.run(_tariff(**BANDS), MONTH) for _ in range(2)))
    await follower.close()
    assert first == second
    assert (most, len(threads)) == (1, 8)
    assert threading.get_ident() not in threads


async def test_sessions_without_readings_are_counted_and_left_out(garage: Garage) -> None:
    """A database that was lost and made anew has the ledger's sessions and not their readings."""
    await _charge(garage)
    lost = delete(READING_BATCH).where(READING_BATCH.c.unit == 1)
    await garage.database.write(lambda c: c.execute(lost) and None)
    rehearsed = await _rehearse(garage, _tariff(**BANDS))
    assert ([line.unit for line in rehearsed.lines], rehearsed.unread) == ([2], 1)
