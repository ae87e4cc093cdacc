"""The gateway that `measure_metering` loads: `python -m bench.metering_gateway DIRECTORY UNITS`.

A process of its own, so that its processor time is nobody else's. It prints where it listens, and for each
line that it reads the batches that it has stored and the processor seconds that it has used; it ends with its
input.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import func, select

import gateway.app  # noqa: F401 - declares every service's tables
from bench.meters import NETWORK, Place
from gateway.clock import SystemClock
from gateway.grpc.server import GrpcServer
from gateway.grpc.units import UnitsService
from gateway.metering.records import READING_BATCH
from gateway.metering.service import Metering
from gateway.rest import application
from gateway.rest.units import units_router
from gateway.settings import GrpcSettings
from gateway.store.database import Database


async def main(directory: Path, units: int) -> None:
    """Serve until the input ends."""
    database = await Database.open(f"sqlite:///{directory / 'gateway.sqlite'}")
    place = Place(units)
    metering = Metering(database, place, place, NETWORK, place, clock=SystemClock())
    await metering.start()
    server = GrpcServer([UnitsService(metering)])
    app = application.create([units_router(metering)], [])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False)
    http = uvicorn.Server(config)
    serving = asyncio.create_task(http.serve())
    while not http.started:  # noqa: ASYNC110 - uvicorn offers no event for it
        await asyncio.sleep(0.01)
    grpc = await server.start(GrpcSettings(port=0))
    # As the real gateway does once it is up.
    gc.freeze()
    _say({"grpc": grpc, "http": http.servers[0].sockets[0].getsockname()[1]})
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        query = select(func.count()).select_from(READING_BATCH)
        stored = await database.read(lambda c, q=query: c.execute(q).scalar_one())  # type: ignore[misc]
        _say({"stored": stored, "cpu": time.process_time()})
    await server.stop(0)
    http.should_exit = True
    await serving
    await metering.close()
    await database.close()


def _say(members: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(members) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
