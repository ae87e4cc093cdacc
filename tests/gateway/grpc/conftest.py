"""A real gRPC server over a metering service, and a channel to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest

from gateway.clock import SimulatedClock
from gateway.grpc.server import GrpcServer
from gateway.grpc.units import UnitsService
from gateway.metering.service import Metering
from gateway.settings import GrpcSettings
from gateway.store.database import Database
from tests.gateway.metering.meter import START, Meter, Place


@pytest.fixture
def meter() -> Meter:
    """A unit that signs."""
    return Meter()


@pytest.fixture
def place(meter: Meter) -> Place:
    """What surrounds a gateway with `meter` and a unit 8 of class mac."""
    return Place(meter, Meter(number=8, unit_class="mac"))


@pytest.fixture
async def metering(place: Place, database: Database) -> AsyncIterator[Metering]:
    """A running metering service."""
    service = place.metering(database, SimulatedClock(START * 1_000))
    await service.start()
    yield service
    await service.close()


@pytest.fixture
async def address(metering: Metering) -> AsyncIterator[str]:
    """Where the server listens."""
    server = GrpcServer([UnitsService(metering)])
    yield await server.start(GrpcSettings(port=0))
    await server.stop(0)


@pytest.fixture
async def channel(address: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the server."""
    async with grpc.aio.insecure_channel(address) as opened:
        yield opened
