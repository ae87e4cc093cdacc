"""A gateway that only receives, and can be killed: `python -m tests.gateway.metering.receiver URL`."""

from __future__ import annotations

import asyncio
import sys

import gateway.metering.records  # noqa: F401 - declares its tables
from gateway.clock import SystemClock
from gateway.grpc.server import GrpcServer
from gateway.grpc.units import UnitsService
from gateway.settings import GrpcSettings
from gateway.store.database import Database
from tests.gateway.metering.meter import Meter, Place


async def main(url: str) -> None:
    """Serve units 7 (which signs) and 8 (which does not) on the database at `url` for ever."""
    database = await Database.open(url)
    metering = Place(Meter(), Meter(number=8, unit_class="mac")).metering(database, SystemClock())
    await metering.start()
    server = GrpcServer([UnitsService(metering)])
    sys.stdout.write(await server.start(GrpcSettings(port=0)) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
