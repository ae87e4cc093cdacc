"""A metering service with three units of both classes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chaincode.unit import ED25519, MAC
from gateway.clock import SimulatedClock
from gateway.metering.service import Metering
from gateway.store.database import Database
from tests.gateway.metering.meter import START, Meter, Place


@pytest.fixture(params=[ED25519, MAC])
def meter(request: pytest.FixtureRequest) -> Meter:
    """A unit, once of each class."""
    return Meter(unit_class=request.param)


@pytest.fixture
def place(meter: Meter) -> Place:
    """What surrounds a gateway with `meter`, a unit 8 of the other class and a unit 9 of the same."""
    other = MAC if meter.unit_class == ED25519 else ED25519
    return Place(meter, Meter(number=8, unit_class=other), Meter(number=9, unit_class=meter.unit_class))


@pytest.fixture
def clock() -> SimulatedClock:
    """A clock that stands at the tests' beginning."""
    return SimulatedClock(START * 1_000)


@pytest.fixture
async def metering(place: Place, database: Database, clock: SimulatedClock) -> AsyncIterator[Metering]:
    """A running metering service over a fresh SQLite database."""
    clock.watch(lambda: database.pending)
    service = place.metering(database, clock)
    await service.start()
    yield service
    await service.close()
