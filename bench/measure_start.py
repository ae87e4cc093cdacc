"""P6: from submitting an open intent to the unit's relay on, embedded ledger on the disk, units over gRPC."""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import grpc.aio

from bench.result import Result, latency
from chaincode.signing.intent import OpenIntent, new_nonce
from client.wallet.key import WalletKey
from demonstration.replay import site
from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car
from firmware.simulator.installation import Installation
from firmware.simulator.runtime import Runtime
from firmware.simulator.transport.grpc import GrpcTransport
from firmware.simulator.unit.identity import Board
from gateway.app import Gateway
from gateway.clock import SystemClock
from gateway.grpc.server import GrpcServer
from gateway.settings import GrpcSettings

UNITS = 120
"""Each starts one session, one after the other; a connection carries at most 128 streams."""
WARMING = 20
"""Of those, sessions that are not counted."""
LIMIT = 100.0
"""ms."""
_AMOUNT = 1_000
_TICK = 30.0
"""Seconds between a unit's steps where nothing happens: hundreds of them share this process."""


def measure() -> list[Result]:
    """p50 and p99 in milliseconds."""
    return asyncio.run(_measure())


async def _measure() -> list[Result]:
    async with AsyncExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        names = [f"unit {number}" for number in range(UNITS)]
        gateway, places = await site.build(folder, SystemClock(), names, None)
        closing.push_async_callback(gateway.close)
        server = GrpcServer(gateway.grpc_services())
        address = await server.start(GrpcSettings(port=0))
        closing.push_async_callback(server.stop)
        channel = await closing.enter_async_context(grpc.aio.insecure_channel(address))
        runtimes = [_runtime(place, channel) for place in places]
        running = [asyncio.ensure_future(runtime.run()) for runtime in runtimes]
        closing.callback(lambda: [task.cancel() for task in running])
        while not all(gateway.operation.monitor.floor.heard(number) for number in range(UNITS)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        # What is loaded by now stays: a server looks for garbage no more in it (gateway.server).
        gc.freeze()
        took = [await _start(gateway, runtime, number) for number, runtime in enumerate(runtimes)][WARMING:]
    return [
        latency("open intent to relay on, p50", statistics.median(took), LIMIT),
        latency("open intent to relay on, p99", statistics.quantiles(took, n=100)[98], LIMIT),
    ]


def _runtime(place: Installation, channel: grpc.aio.Channel) -> Runtime:
    place.board = Board(minimum_on=0, minimum_off=0)
    place.outlet.car = Car(Battery(50_000, 0))
    return Runtime(place, GrpcTransport(channel), time.time, tick=_TICK)


async def _start(gateway: Gateway, runtime: Runtime, number: int) -> float:
    """Milliseconds from the intent's submission to the closed relay."""
    key = WalletKey.generate()
    wallet = key.wallet.hex()
    await gateway.operation.purchases.sell(f"bench-{number}", wallet, _AMOUNT)
    intent = OpenIntent(
        network=gateway.ledger.channel,
        wallet=wallet,
        nonce=new_nonce(),
        expires=int(time.time()) + 600,
        condominium=gateway.condominium.code,
        unit=number,
        tariff=1,
        issuer=gateway.condominium.code,
        amount=_AMOUNT,
        duration=3_600,
    )
    signed = key.sign(intent)
    runtime.switched.clear()
    started = time.perf_counter()
    relayed = asyncio.ensure_future(gateway.operation.intents.relay(signed.body, signed.signature))
    await runtime.switched.wait()
    took = (time.perf_counter() - started) * 1_000
    await relayed
    return took
