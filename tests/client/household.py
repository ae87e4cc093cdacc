"""A condominium seen by its people: an operator, residents at terminals, and a unit with a car."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
from nacl.bindings import crypto_sign_seed_keypair

from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car
from firmware.simulator.electrical.outlet import Outlet
from firmware.simulator.installation import Installation
from firmware.simulator.runtime import Runtime
from firmware.simulator.transport.grpc import GrpcTransport
from firmware.simulator.transport.http import HttpTransport
from firmware.simulator.transport.mailbox import Transport
from firmware.simulator.unit.authentication import SignatureAuthentication
from firmware.simulator.unit.identity import Board, Identity
from tests.forked import finished

PASSWORD = "correct horse battery"
SEED = b"u" * 32
PATIENCE = 120.0
UNIT = {
    "unit": 7,
    "class": "ed25519",
    "key": crypto_sign_seed_keypair(SEED)[0].hex(),
    "nominal_current": 32_000,
    "nominal_voltage": 2_300,
    "phases": 1,
    "settings": {"name": "Seven", "group": "garage", "transmission": 5, "sampling": 1},
}
TARIFF = {"start_fee": 25, "bands": [{"name": "all day", "energy_price": 1_000_000_000, "idle_price": 0}]}
"""A thousand a kilowatt-hour, so that a few seconds cost something."""


@dataclass
class House:
    """A gateway at work, seen by its operator."""

    address: str
    operator: httpx.Client

    def post(self, path: str, members: dict[str, Any] | None = None) -> Any:
        """What the operator's request is answered."""
        answer = self.operator.post(path, json=members or {})
        assert answer.is_success, answer.text
        return answer.json()

    def become_administrator(self, invitation: str) -> None:
        """Accept the first invitation and log in."""
        account = self.post("/v1/invitations/accept", {"token": invitation, "password": PASSWORD})
        login = {"username": account["username"], "password": PASSWORD}
        self.operator.headers["authorization"] = f"Bearer {self.post('/v1/login', login)['token']}"

    def furnish(self, invitation: str) -> None:
        """Become the administrator; make a group, a tariff and a unit."""
        self.become_administrator(invitation)
        self.post("/v1/groups", {"code": "garage", "name": "Garage", "maximum_load": 7_400, "phases": 1})
        self.post("/v1/tariffs", TARIFF)
        self.post("/v1/units", UNIT)


@contextmanager
def charging(house: House, machines: str | None = None) -> Iterator[None]:
    """The unit, with an empty car plugged in, speaking HTTP to the gateway, or gRPC at `machines`."""
    key = bytes.fromhex(house.operator.get("/v1/condominium").json()["signing_key"])
    identity = Identity(7, SignatureAuthentication.from_seed(SEED, key))
    outlet = Outlet(time.time(), car=Car(Battery(50_000, 0), rated=16.0))
    board = Board(minimum_on=0, minimum_off=0)
    place = Installation(outlet, identity, board=board)
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def live() -> None:
        async with AsyncExitStack() as closing:
            transport: Transport
            if machines is None:
                client = await closing.enter_async_context(httpx.AsyncClient(base_url=house.address))
                transport = HttpTransport(client, wait=2)
            else:
                channel = await closing.enter_async_context(grpc.aio.insecure_channel(machines))
                transport = GrpcTransport(channel)
            unit = asyncio.ensure_future(Runtime(place, transport, time.time).run())
            await stopping.wait()
            unit.cancel()
            await asyncio.gather(unit, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()


@dataclass
class Person:
    """Somebody at a terminal."""

    home: Path
    address: str

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `condocharge`."""
        environment = os.environ | {
            "CONDOCHARGE_HOME": str(self.home),
            "CONDOCHARGE_PASSPHRASE": "a passphrase of maria's",
            "CONDOCHARGE_GATEWAY": self.address,
        }
        return finished("client.command.main:main", list(words), environment)

    def json(self, *words: str) -> Any:
        """The JSON value that a command answers with."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def until(state: Callable[[], bool]) -> None:
    """Wait until `state`, however slow the machine is."""
    deadline = time.monotonic() + PATIENCE
    while not state():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.2)
