"""A gateway for one unit over either transport, small enough to see through: it keeps what the unit says and
sends what a test asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
import httpx

from chaincode.signing.batch import Flag, body_length
from chaincode.signing.command import CommandKind
from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car
from firmware.simulator.electrical.outlet import Outlet
from firmware.simulator.installation import Installation
from firmware.simulator.runtime import Runtime
from firmware.simulator.transport.mailbox import Transport
from firmware.simulator.transport.wire import decode, encode
from firmware.simulator.unit.identity import Board
from tests.firmware.simulator.counterpart import EPOCH, Counterpart, identity

SPEED = 200.0


def split(body: bytes, authentication: int) -> list[bytes]:
    """The batches of a body."""
    messages = []
    while body:
        length = body_length(body) + authentication
        messages.append(body[:length])
        body = body[length:]
    return messages


@dataclass
class SmallGateway:
    """Answers every message with an acknowledgement, or with the command that a test has set."""

    now: Callable[[], float]
    unit: Counterpart = field(default_factory=Counterpart)
    wanted: CommandKind = CommandKind.ACKNOWLEDGE
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[bytes] = field(default_factory=list)
    statuses: list[bytes] = field(default_factory=list)
    polls: int = 0
    """Answers that were held."""

    def want(self, kind: CommandKind) -> None:
        """Answer with this from now on."""
        self.wanted = kind
        self.changed.set()

    def command(self) -> bytes:
        """What is wanted, now."""
        return self.unit.command(self.wanted, int(self.now()), grant=600)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """The HTTP side, as docs/protocol.md has it."""
        path, query = request.url.path, request.url.params
        if path == "/v1/units/7/configuration":
            return httpx.Response(
                200, content=self.unit.configuration(boot=int(query["boot"]), transmission=60)
            )
        if path == "/v1/units/7/requests":
            self.requests.append(request.content)
            return httpx.Response(200, content=self.command())
        if path == "/v1/units/7/firmware":
            self.statuses.append(request.content)
            return httpx.Response(200, content=b"")
        assert path == "/v1/units/7/readings"
        fresh = self.unit.receive(split(request.content, 64))
        if not fresh and self.wanted is CommandKind.ACKNOWLEDGE and int(query["wait"]):
            self.polls += 1
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), int(query["wait"]))
        return httpx.Response(200, content=self.command())

    async def configure(self, message: bytes, context: Any) -> bytes:
        """Units.Configure."""
        asked = decode(message)
        assert asked[1] == 7
        assert isinstance(asked[2], int)
        return encode({1: self.unit.configuration(boot=asked[2], transmission=60)})

    async def exchange(self, messages: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        """Units.Exchange."""
        answers: asyncio.Queue[bytes] = asyncio.Queue()

        async def read() -> None:
            async for message in messages:
                content = decode(message)
                if 1 in content:
                    body = content[1]
                    assert isinstance(body, bytes)
                    self.unit.receive(split(body, 64))
                else:
                    assert isinstance(content[2], bytes)
                    self.requests.append(content[2])
                answers.put_nowait(encode({1: self.command()}))

        async def push() -> None:
            while True:
                self.changed.clear()
                await self.changed.wait()
                answers.put_nowait(encode({1: self.command()}))

        tasks = [asyncio.ensure_future(read()), asyncio.ensure_future(push())]
        try:
            while not tasks[0].done() or not answers.empty():
                try:
                    yield await asyncio.wait_for(answers.get(), 0.2)
                except TimeoutError:
                    continue
        finally:
            for task in tasks:
                task.cancel()

    def handlers(self) -> grpc.GenericRpcHandler[bytes, bytes]:
        """The gRPC side."""
        return grpc.method_handlers_generic_handler(
            "condocharge.v1.Units",
            {
                "Configure": grpc.unary_unary_rpc_method_handler(self.configure),
                "Exchange": grpc.stream_stream_rpc_method_handler(self.exchange),
            },
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to become so."""
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - many things at once can make it so
                await asyncio.sleep(0.005)


def fast_clock() -> Callable[[], float]:
    """Unix seconds that go `SPEED` times as fast."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    return lambda: EPOCH + (loop.time() - start) * SPEED


def installation() -> Installation:
    """A car that wants 0.1 kWh, at a socket whose unit has not been powered up."""
    return Installation(
        Outlet(float(EPOCH), car=Car(Battery(10_000, 9_900), rated=10, taper=0, efficiency=1)),
        identity(),
        board=Board(minimum_on=0, minimum_off=0),
    )


async def charge(gateway: SmallGateway, transport: Transport, now: Callable[[], float]) -> Installation:
    """Charge the car until it is full, end the session, and see the energy."""
    place = installation()
    runtime = Runtime(place, transport, now, speed=SPEED)
    running = asyncio.ensure_future(runtime.run())
    try:
        await gateway.until(lambda: bool(gateway.unit.batches))
        gateway.want(CommandKind.ON)
        await gateway.until(lambda: bool(gateway.unit.flags(Flag.BEGIN)))
        await gateway.until(lambda: bool(gateway.unit.flags(Flag.COMPLETE)))
        gateway.want(CommandKind.END)
        await gateway.until(lambda: bool(gateway.unit.flags(Flag.END)))
        assert place.outlet.relay is not None
        assert not place.outlet.relay.closed
        gateway.want(CommandKind.ACKNOWLEDGE)
        assert place.unit is not None
        while not gateway.requests:
            runtime.present_tag(b"\x04\x01")
            await asyncio.sleep(0.1)
    finally:
        running.cancel()
    return place
