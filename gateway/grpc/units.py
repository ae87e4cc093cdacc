"""`condocharge.v1.Units`: a unit's stream, and single calls for units without one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import grpc

from gateway.grpc.status import abort
from gateway.metering.acceptance import Acceptance
from gateway.metering.poll import MAX_WAIT
from gateway.metering.refusal import RefusalKind, Refused
from gateway.metering.service import Metering
from gateway.proto.condocharge.v1 import units_pb2, units_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]

WINDOW = 8
"""Messages of one stream that are taken before the first of them is durable. The transport holds the rest
back, so a unit that sends faster than the disk writes is slowed down."""
_MOST_REFUSALS = 32


class UnitsService(units_pb2_grpc.UnitsServicer):
    """The units' calls."""

    name = units_pb2.DESCRIPTOR.services_by_name["Units"].full_name

    def __init__(self, metering: Metering) -> None:
        self._metering = metering

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve these calls on `server`."""
        units_pb2_grpc.add_UnitsServicer_to_server(self, server)

    async def Configure(  # noqa: N802 - the protocol's name
        self, request: units_pb2.ConfigureRequest, context: Context
    ) -> units_pb2.ConfigureReply:
        """A unit's configuration."""
        try:
            message = await self._metering.configurations.compose(request.unit, request.boot)
        except Exception as error:  # noqa: BLE001 - every error has its status
            await abort(context, error)
        return units_pb2.ConfigureReply(configuration=message)

    async def Request(  # noqa: N802 - the protocol's name
        self, request: units_pb2.StartRequest, context: Context
    ) -> units_pb2.ToUnit:
        """One start request."""
        try:
            if request.wait > MAX_WAIT:
                raise Refused(RefusalKind.MALFORMED, "wait", f"is at most {MAX_WAIT}")  # noqa: TRY301
            command = await self._metering.request(request.request, wait=request.wait)
        except Exception as error:  # noqa: BLE001 - every error has its status
            await abort(context, error)
        return units_pb2.ToUnit(command=command)

    async def Exchange(  # type: ignore[override]  # noqa: N802 - it writes through its context
        self, request_iterator: AsyncIterator[units_pb2.FromUnit], context: Context
    ) -> None:
        """A unit's stream."""
        stream = _Stream(self._metering)
        reader = asyncio.create_task(stream.read(request_iterator))
        reader.add_done_callback(stream.reading_ended)
        try:
            await stream.serve(context)
        finally:
            reader.cancel()
            stream.close()


class _Stream:
    """One open stream; the outbox's connection to its unit."""

    def __init__(self, metering: Metering) -> None:
        self._metering = metering
        self._unit: int | None = None
        self._due = False
        self._refusals: deque[Refused] = deque()
        self._displaced = False
        self._ended = False
        self._failure: Exception | None = None
        self._last: asyncio.Future[Acceptance] | None = None
        self._in_flight = 0
        self._event = asyncio.Event()
        self._room = asyncio.Event()

    def wake(self) -> None:
        """`Connection.wake`."""
        self._event.set()

    def displace(self) -> None:
        """`Connection.displace`."""
        self._displaced = True
        self._event.set()

    def close(self) -> None:
        """Ask for no more commands."""
        if self._unit is not None:
            self._metering.outbox.detach(self._unit, self)

    def reading_ended(self, reader: asyncio.Task[None]) -> None:
        """The unit will send nothing more, or reading failed."""
        self._ended = True
        if not reader.cancelled() and isinstance(error := reader.exception(), Exception):
            self._failure = error
        self._event.set()

    async def read(self, messages: AsyncIterator[units_pb2.FromUnit]) -> None:
        """Take the unit's messages until it sends no more."""
        async for message in messages:
            try:
                await self._take(message)
            except Refused as refused:
                self._refuse(refused)
            while self._in_flight >= WINDOW or len(self._refusals) >= _MOST_REFUSALS:
                self._room.clear()
                await self._room.wait()

    async def serve(self, context: Context) -> None:
        """Write what there is to write until the unit hangs up, a newer stream takes over or all fails."""
        while True:
            await self._event.wait()
            self._event.clear()
            if self._failure is not None:
                await abort(context, self._failure)
            await self._write(context)
            if self._displaced and self._metering.outbox.stopping:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the gateway is stopping; connect again")
            if self._displaced:
                await context.abort(grpc.StatusCode.ABORTED, "a newer connection of this unit took over")
            if self._ended and not self._in_flight:
                return

    async def _take(self, message: units_pb2.FromUnit) -> None:
        if message.batches:
            stored = await self._metering.intake.submit(message.batches, self._unit, self._last)
            self._last = stored
            self._bind(message.batches)
            self._in_flight += 1
            stored.add_done_callback(self._stored)
        else:
            unit = await self._metering.requests.receive(message.request, self._unit)
            self._bind(message.request)
            self._acknowledge(unit.number, fresh=False)

    def _bind(self, message: bytes) -> None:
        """The stream is the unit's whose message was found authentic."""
        self._unit = int.from_bytes(message[2:4], "little")

    def _stored(self, done: asyncio.Future[Acceptance]) -> None:
        self._in_flight -= 1
        self._room.set()
        self._event.set()
        error = done.exception()
        if isinstance(error, Refused):
            self._refuse(error)
        elif isinstance(error, Exception):
            # The first says what is wrong; those after it say that there was one.
            self._failure = self._failure or error
        elif not self._displaced:
            accepted = done.result()
            self._acknowledge(accepted.unit.number, fresh=accepted.fresh)

    def _refuse(self, refused: Refused) -> None:
        self._refusals.append(refused)
        self._event.set()

    def _acknowledge(self, unit: int, *, fresh: bool) -> None:
        self._metering.outbox.attach(unit, self, fresh)
        self._due = True
        self._event.set()

    async def _write(self, context: Context) -> None:
        while self._refusals:
            error = self._refusals.popleft().error
            refusal = units_pb2.Refusal(code=error.code, field=error.field, rule=error.rule)
            await context.write(units_pb2.ToUnit(refusal=refusal))
            self._room.set()
        if self._unit is None:
            return
        if self._due or self._metering.outbox.pending(self._unit, self):
            self._due = False
            command = await self._metering.outbox.compose(self._unit, self)
            await context.write(units_pb2.ToUnit(command=command))
