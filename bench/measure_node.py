"""P6 and memory on Fabric: a condominium's whole node, one of four members, BFT, blocks of 200 ms.

Its gateway is a process of its own, asked over HTTP; units over gRPC. From sending an open intent to the
unit's relay on, one after the other; and the memory of peer, orderer, chaincode server, supervisor and
gateway together, before the first session and after the last.
"""

from __future__ import annotations

import asyncio
import base64
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
from nacl.bindings import crypto_sign_seed_keypair

from bench.federation import Network, federation, memory_of
from bench.residents import CODE
from bench.result import Result, latency
from chaincode.signing.intent import OpenIntent, new_nonce
from client.wallet.key import WalletKey
from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car
from firmware.simulator.electrical.outlet import Outlet
from firmware.simulator.installation import Installation
from firmware.simulator.runtime import Runtime
from firmware.simulator.transport.grpc import GrpcTransport
from firmware.simulator.unit.authentication import SignatureAuthentication
from firmware.simulator.unit.identity import Board, Identity
from network.federation.description import CHANNEL

MEMBERS = 4
UNITS = 60
"""Each starts one session."""
WARMING = 10
"""Of those, sessions that are not counted."""
LIMIT = 1_000.0
"""ms."""
_RELAY = f"open intent over HTTP to relay on, {MEMBERS} members, BFT"
_AMOUNT = 1_000
_TICK = 30.0
_SERVE = "from gateway.command import serve; serve()"
_PASSWORD = "measured, not guessed"


@dataclass
class _Gateway:
    """A gateway's process."""

    process: subprocess.Popen[str]
    rest: str
    grpc: str
    invitation: str

    @property
    def memory(self) -> float:
        """MiB."""
        return memory_of(self.process.pid)


def measure() -> list[Result]:
    """Milliseconds and MiB."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        folder = Path(scratch)
        with (
            federation(folder / "network", MEMBERS, "bft") as network,
            _serving(folder / "gateway", network) as gateway,
        ):
            return asyncio.run(_measure(network, gateway))


@contextmanager
def _serving(directory: Path, network: Network) -> Iterator[_Gateway]:
    """`condocharge serve` for the first condominium."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONDOCHARGE_")}
    environment |= {
        "CONDOCHARGE_DIRECTORY": str(directory),
        "CONDOCHARGE_CONDOMINIUM_CODE": CODE,
        "CONDOCHARGE_LEDGER_KIND": "fabric",
        "CONDOCHARGE_LEDGER_FOLDER": str(network.folder(CODE).path),
        "CONDOCHARGE_HTTP_PORT": "0",
        "CONDOCHARGE_GRPC_PORT": "0",
        "CONDOCHARGE_PAGES_WALLET_PORT": "0",
    }
    command = [sys.executable, "-c", _SERVE]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said: dict[str, str] = {}
            for line in process.stdout:
                if "#" in line:
                    said["invitation"] = line.rsplit("/", 1)[1].strip()
                name, _, value = line.partition(" ")
                said[name] = value.strip()
                if name == "gRPC":
                    break
            rest = said["REST"].removesuffix("/docs")
            yield _Gateway(process, rest, said["gRPC"], said["invitation"])
        finally:
            process.terminate()


async def _measure(network: Network, gateway: _Gateway) -> list[Result]:
    async with httpx.AsyncClient(base_url=gateway.rest, timeout=60) as operator:
        await _log_in(operator, gateway.invitation)
        places = await _furnish(operator)
        idle = network.memory(CODE) + gateway.memory
        async with _charging(places, gateway.grpc) as runtimes:
            while not await _all_heard(operator):  # noqa: ASYNC110
                await asyncio.sleep(0.5)
            took = [await _start(operator, runtime, number) for number, runtime in enumerate(runtimes)]
        loaded = network.memory(CODE) + gateway.memory
    counted = took[WARMING:]
    return [
        latency(f"{_RELAY}, p50", statistics.median(counted), LIMIT),
        latency(f"{_RELAY}, p99", statistics.quantiles(counted, n=100)[98], LIMIT),
        _memory("idle", idle),
        _memory("loaded", loaded),
    ]


async def _log_in(operator: httpx.AsyncClient, invitation: str) -> None:
    account = await _post(operator, "/v1/invitations/accept", {"token": invitation, "password": _PASSWORD})
    login = {"username": account["username"], "password": _PASSWORD}
    session = await _post(operator, "/v1/login", login)
    operator.headers["authorization"] = f"Bearer {session['token']}"


async def _furnish(operator: httpx.AsyncClient) -> list[Installation]:
    """A group, a tariff, and units with a car each."""
    await _post(operator, "/v1/groups", {"code": "garage", "name": "Garage", "maximum_load": 10**7})
    bands = [{"name": "all day", "energy_price": 183_400, "idle_price": 0}]
    await _post(operator, "/v1/tariffs", {"start_fee": 25, "bands": bands})
    condominium = (await operator.get("/v1/condominium")).json()
    return [await _enrol(operator, number, condominium["signing_key"]) for number in range(UNITS)]


async def _enrol(operator: httpx.AsyncClient, number: int, signing_key: str) -> Installation:
    seed = os.urandom(32)
    authentication = SignatureAuthentication.from_seed(seed, bytes.fromhex(signing_key))
    unit = {
        "unit": number,
        "class": "ed25519",
        "key": crypto_sign_seed_keypair(seed)[0].hex(),
        "nominal_current": 32_000,
        "nominal_voltage": 2_300,
        "phases": 1,
        "settings": {"name": f"unit {number}", "group": "garage"},
    }
    await _post(operator, "/v1/units", unit)
    outlet = Outlet(time.time(), car=Car(Battery(50_000, 0)))
    return Installation(outlet, Identity(number, authentication), board=Board(minimum_on=0, minimum_off=0))


@asynccontextmanager
async def _charging(places: list[Installation], address: str) -> AsyncIterator[list[Runtime]]:
    async with AsyncExitStack() as closing:
        channel = await closing.enter_async_context(grpc.aio.insecure_channel(address))
        runtimes = [Runtime(place, GrpcTransport(channel), time.time, tick=_TICK) for place in places]
        running = [asyncio.ensure_future(runtime.run()) for runtime in runtimes]
        try:
            yield runtimes
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _all_heard(operator: httpx.AsyncClient) -> bool:
    """Whether every unit has reported."""
    shown = 0
    bookmark = ""
    while True:
        page = (await operator.get("/v1/units", params={"bookmark": bookmark})).json()
        if not all(unit["state"] != "offline" for unit in page["rows"]):
            return False
        shown += len(page["rows"])
        bookmark = page["bookmark"]
        if not bookmark:
            return shown == UNITS


async def _start(operator: httpx.AsyncClient, runtime: Runtime, number: int) -> float:
    """Milliseconds from sending the intent to the closed relay."""
    key = WalletKey.generate()
    wallet = key.wallet.hex()
    sale = {"reference": f"bench-{number}", "wallet": wallet, "amount": _AMOUNT}
    await _post(operator, "/v1/purchases", sale)
    intent = OpenIntent(
        network=CHANNEL,
        wallet=wallet,
        nonce=new_nonce(),
        expires=int(time.time()) + 600,
        condominium=CODE,
        unit=number,
        tariff=1,
        issuer=CODE,
        amount=_AMOUNT,
        duration=3_600,
    )
    signed = key.sign(intent)
    members = {"body": _base64url(signed.body), "signature": _base64url(signed.signature)}
    runtime.switched.clear()
    started = time.perf_counter()
    relayed = asyncio.ensure_future(_post(operator, "/v1/intents", members))
    await asyncio.wait_for(runtime.switched.wait(), 60)
    took = (time.perf_counter() - started) * 1_000
    await relayed
    return took


async def _post(operator: httpx.AsyncClient, path: str, members: dict[str, Any]) -> Any:
    answer = await operator.post(path, json=members)
    if not answer.is_success:
        raise RuntimeError(f"{path}: {answer.text}")
    return answer.json()


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _memory(what: str, value: float) -> Result:
    return Result(
        id="memory",
        what=f"memory of a condominium's whole node with its gateway, {MEMBERS} members, {what}",
        value=value,
        unit="MiB",
        reference="a 4 GB board",
        reference_value=4096.0,
    )
