"""A gateway that is killed loses nothing that it acknowledged, and says nothing twice."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import grpc
import pytest

from gateway.metering.refusal import RefusalKind
from gateway.proto.condocharge.v1.units_pb2 import FromUnit, ToUnit
from gateway.proto.condocharge.v1.units_pb2_grpc import UnitsStub
from gateway.store.database import Database
from tests.gateway.metering.meter import SESSION, Meter, Place

if TYPE_CHECKING:
    from gateway.proto.condocharge.v1.units_pb2_grpc import UnitsAsyncStub

ROUNDS = 3


class Ring:
    """What a unit keeps until it is acknowledged."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.kept: deque[tuple[int, bytes]] = deque()
        self.sent: dict[int, bytes] = {}
        self.acknowledged = 0
        self.counter = 0
        self.killing: tuple[int, Callable[[], None]] | None = None
        """At which acknowledgement the gateway is to die."""

    def fill(self) -> None:
        """Measure on."""
        while len(self.kept) < 20:
            number = self.meter.count
            message = self.meter.send(session=SESSION)
            self.kept.append((number, message))
            self.sent[number] = message

    def hear(self, answer: ToUnit) -> None:
        """Drop what is acknowledged. Counters rise, whoever gives them."""
        assert answer.WhichOneof("content") == "command", answer
        command = self.meter.read(answer.command)
        assert command.counter > self.counter
        self.counter = command.counter
        self.acknowledged = max(self.acknowledged, command.acknowledged)
        while self.kept and self.kept[0][0] <= command.acknowledged:
            self.kept.popleft()
        if self.killing is not None and self.acknowledged >= self.killing[0]:
            self.killing[1]()


@contextmanager
def receiver(url: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A receiving process and its address; killed afterwards, wherever it is."""
    command = [sys.executable, "-m", "tests.gateway.metering.receiver", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


async def talk(address: str, ring: Ring) -> None:
    """Send what is kept and hear the answers until the gateway is gone."""
    async with grpc.aio.insecure_channel(address) as channel:
        stream = cast("UnitsAsyncStub", UnitsStub(channel)).Exchange(None)
        try:
            while True:
                ring.fill()
                for _, message in list(ring.kept):
                    await stream.write(FromUnit(batches=message))
                oldest = ring.kept[0][0]
                while ring.kept and ring.kept[0][0] == oldest:
                    answer = await stream.read()
                    assert isinstance(answer, ToUnit)
                    ring.hear(answer)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return


@pytest.mark.slow
async def test_killed_while_receiving(sqlite_url: str) -> None:
    """After several SIGKILLs under load every acknowledged batch is stored, byte for byte, once."""
    rings = [Ring(Meter()), Ring(Meter(number=8, unit_class="mac"))]
    chance = random.Random(7)
    for _ in range(ROUNDS):
        with receiver(sqlite_url) as (address, process):
            for ring in rings:
                ring.killing = (ring.acknowledged + chance.randint(30, 200), process.kill)
            await asyncio.gather(*(talk(address, ring) for ring in rings))
            assert process.wait() == -signal.SIGKILL
            assert any(ring.acknowledged >= ring.killing[0] for ring in rings if ring.killing)
    database = await Database.open(sqlite_url)
    place = Place(*(ring.meter for ring in rings))
    metering = place.metering(database)
    await metering.start()
    for ring in rings:
        assert ring.acknowledged > 0
        found = await metering.readings.of_session(SESSION, limit=10**6)
        stored = {each.batch.number: each.message for each in found if each.unit == ring.meter.number}
        assert stored.items() <= ring.sent.items()
        assert set(range(1, ring.acknowledged + 1)) <= stored.keys()
        for _, message in ring.kept:
            await metering.exchange(message)
        last = await metering.readings.last(ring.meter.enrolled())
        assert last is not None
        assert last.message == ring.sent[max(ring.sent)]
    assert metering.refusals.counts[RefusalKind.REPEATED_NUMBER] == 0
    await metering.close()
    await database.close()
