"""P3: signed batches received, verified and stored, for each second of the gateway's processor time.

The load comes from this process, the gateway is another, and only its own processor time counts, all
threads of it; what it stored is counted in its database. The reference is PyNaCl verifying as many messages
of the same size, in processor time too.

Three ways of sending: units that send what they have kept, 32 batches a message; the same, one batch a
message; and units in step, each of which waits for its acknowledgement, signed by the gateway, before it
sends the next batch. HTTP is always in step. The first is what the limit is met with: a message costs about
65 µs in gRPC itself, more than a signature, so one batch a message cannot reach it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import httpx

from bench.meters import Meter
from bench.result import Result
from chaincode.signing import domain
from gateway.proto.condocharge.v1.units_pb2 import FromUnit, ToUnit

UNITS = 32
BATCHES = 640
"""By each unit in each way of sending."""
HTTP_BATCHES = 96
_METHOD = "/condocharge.v1.Units/Exchange"
Load = Callable[[dict[str, Any], list[list[bytes]]], Coroutine[Any, Any, None]]


class Gateway:
    """The measured process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.ports = self._read()

    def figures(self) -> dict[str, Any]:
        """How many batches it has stored, and its processor seconds."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        members: dict[str, Any] = json.loads(self._process.stdout.readline())
        return members


@contextmanager
def gateway() -> Iterator[Gateway]:
    """A fresh gateway on a fresh database."""
    with tempfile.TemporaryDirectory(prefix="condocharge-bench-") as directory:
        command = [sys.executable, "-m", "bench.metering_gateway", directory, str(UNITS)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            yield Gateway(process)
            assert process.stdin is not None
            process.stdin.close()


def rate(load: Load, messages: list[list[bytes]]) -> float:
    """Batches per processor second of a gateway under `load`."""
    with gateway() as measured:
        before = measured.figures()
        asyncio.run(load(measured.ports, messages))
        after = measured.figures()
    expected = sum(map(len, messages))
    if after["stored"] != expected:
        raise RuntimeError(f"the gateway stored {after['stored']} of {expected} batches")
    return float(expected / (after["cpu"] - before["cpu"]))


def verification_rate(messages: list[list[bytes]]) -> float:
    """PyNaCl's signatures per processor second over the same messages."""
    keys = [Meter(number).enrolled().key for number in range(len(messages))]
    cut = [
        (key, message[:-64], message[-64:])
        for key, of_one in zip(keys, messages, strict=True)
        for message in of_one
    ]
    started = time.process_time()
    for key, body, signature in cut:
        if not domain.verifies(key, domain.BATCH, body, signature):
            raise RuntimeError("a signature is wrong")
    return len(cut) / (time.process_time() - started)


def kept(size: int) -> Load:
    """Units that send what they have kept, `size` batches a message, as fast as they are let."""

    async def one(stub: Any, mine: list[bytes]) -> None:
        async def requests() -> AsyncIterator[FromUnit]:
            for start in range(0, len(mine), size):
                yield FromUnit(batches=b"".join(mine[start : start + size]))

        async for _ in stub(requests()):
            pass

    return _over_grpc(one)


async def _in_step(stub: Any, mine: list[bytes]) -> None:
    call = stub()
    for message in mine:
        await call.write(FromUnit(batches=message))
        await call.read()
    await call.done_writing()


def _over_grpc(one: Callable[[Any, list[bytes]], Awaitable[None]]) -> Load:
    async def load(ports: dict[str, Any], messages: list[list[bytes]]) -> None:
        async with grpc.aio.insecure_channel(ports["grpc"]) as channel:
            stub = channel.stream_stream(_METHOD, FromUnit.SerializeToString, ToUnit.FromString)
            await asyncio.gather(*(one(stub, mine) for mine in messages))

    return load


async def _over_http(ports: dict[str, Any], messages: list[list[bytes]]) -> None:
    async def one(number: int, mine: list[bytes]) -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['http']}", timeout=60) as client:
            for message in mine:
                (await client.post(f"/v1/units/{number}/readings", content=message)).raise_for_status()

    await asyncio.gather(*(one(number, mine) for number, mine in enumerate(messages)))


def measure() -> list[Result]:
    """The figures of P3."""
    messages = [Meter(number).messages(BATCHES) for number in range(UNITS)]
    size = len(messages[0][0])
    reference = verification_rate(messages)

    def result(what: str, value: float, target: str = "") -> Result:
        return Result(
            id="P3",
            what=what,
            value=value,
            unit="batches/s/core",
            reference=f"PyNaCl verifying messages of {size} bytes",
            reference_value=reference,
            target=target,
        )

    return [
        result("gRPC, 32 batches a message", rate(kept(32), messages), "ratio at least 0.5"),
        result("gRPC, one batch a message", rate(kept(1), messages), "ratio at least 0.5"),
        result("gRPC, one batch a message, each acknowledged", rate(_over_grpc(_in_step), messages)),
        result("HTTP, one batch a request", rate(_over_http, [mine[:HTTP_BATCHES] for mine in messages])),
    ]
