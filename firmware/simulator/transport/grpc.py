"""gRPC: one long-lived stream, batches and requests up, commands down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

from firmware.simulator.transport.mailbox import Backoff, Mailbox
from firmware.simulator.transport.wire import decode, encode

SERVICE = "/condocharge.v1.Units"
_BATCHES, _REQUEST = 1, 2
"""Fields of FromUnit."""
_COMMAND, _REFUSAL = 1, 2
"""Fields of ToUnit."""
RESEND = 30.0
"""Seconds after which unacknowledged batches go out once more."""
_PATIENCE = 10.0
_LOG = logging.getLogger(__name__)


class GrpcTransport:
    """`Transport` over gRPC. The messages are made by hand (`wire`), so no generated code is needed."""

    def __init__(self, channel: grpc.aio.Channel, *, backoff: float = 1.0, resend: float = RESEND) -> None:
        self._channel = channel
        self._backoff = backoff
        self._resend = resend

    async def configuration(self, unit: int, boot: int) -> bytes:
        """Ask until there is an answer."""
        backoff = Backoff(self._backoff)
        configure: Any = self._channel.unary_unary(f"{SERVICE}/Configure", None, None)
        while True:
            try:
                answer = await configure(encode({1: unit, 2: boot}), timeout=_PATIENCE)
                return _bytes(decode(answer).get(1, b""))
            except grpc.aio.AioRpcError as error:
                _LOG.info("unit %s has no configuration yet: %s", unit, error.details())
                await backoff.wait()

    async def run(self, unit: int, mailbox: Mailbox) -> None:
        """Hold a stream open, and open it again whenever it breaks."""
        backoff = Backoff(self._backoff)
        while True:
            try:
                async for answer in self._exchange(self._outgoing(mailbox)):
                    backoff.reset()
                    self._hand_over(unit, answer, mailbox)
            except grpc.aio.AioRpcError as error:
                _LOG.info("unit %s does not reach its gateway: %s", unit, error.details())
            await backoff.wait()

    def _exchange(self, outgoing: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        exchange: Any = self._channel.stream_stream(f"{SERVICE}/Exchange", None, None)
        stream: AsyncIterator[bytes] = exchange(outgoing)
        return stream

    async def _outgoing(self, mailbox: Mailbox) -> AsyncIterator[bytes]:
        """What goes up: at first all that is unacknowledged, or the newest batch so that the gateway knows
        whose stream this is; then what is new, and after `resend` seconds all of it again."""
        sent: set[bytes] = set()
        if not mailbox.unsent() and mailbox.latest:
            yield encode({_BATCHES: mailbox.latest})
        while True:
            mailbox.fresh.clear()
            while mailbox.requests:
                yield encode({_REQUEST: mailbox.requests.pop(0)})
            unsent = mailbox.unsent()
            new = [message for message in unsent if message not in sent]
            if new:
                yield encode({_BATCHES: b"".join(new)})
            sent = set(unsent)
            try:
                async with asyncio.timeout(self._resend):
                    await mailbox.fresh.wait()
            except TimeoutError:
                sent.clear()

    def _hand_over(self, unit: int, answer: bytes, mailbox: Mailbox) -> None:
        with contextlib.suppress(ValueError):
            fields = decode(answer)
            if _REFUSAL in fields:
                refusal = decode(_bytes(fields[_REFUSAL]))
                said = [_bytes(refusal.get(number, b"")).decode("utf-8", "replace") for number in (2, 3)]
                _LOG.warning("unit %s was refused: %s: %s", unit, *said)
            elif _COMMAND in fields:
                mailbox.deliver(_bytes(fields[_COMMAND]))


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise TypeError("a field of bytes holds an integer")
    return value
