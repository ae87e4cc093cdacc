"""Server-sent events (HTML Living Standard, section 9.2): streams that live as long as their reader and the
gateway do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from fastapi.responses import StreamingResponse

from gateway.rest.places import STREAMS, PlacedResponse, Places

MEDIA_TYPE = "text/event-stream"
_KEEP_ALIVE = 15.0
"""Seconds of silence after which a comment goes out: shorter than proxies' and routers' patience."""
_HEADERS = {
    "Cache-Control": "no-store",
    # nginx would hold events back until its buffer is full.
    "X-Accel-Buffering": "no",
}


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event; `id` is what a reader that comes again sends as Last-Event-ID."""

    name: str
    data: Any
    """Put into JSON."""
    id: str | None = None

    def encode(self) -> bytes:
        """The event as it travels."""
        identity = f"id: {self.id}\n" if self.id is not None else ""
        body = json.dumps(self.data, separators=(",", ":"), ensure_ascii=False)
        return f"{identity}event: {self.name}\ndata: {body}\n\n".encode()


class Streams:
    """All open streams. They end when `close` is called, so that the server need not wait for them."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()
        self.places = Places(*STREAMS)
        self._stirred: set[asyncio.Event] = set()
        self._ending: set[asyncio.Future[None]] = set()

    def response(self, events: AsyncGenerator[ServerEvent, None]) -> StreamingResponse:
        """An answer that sends `events` until they end, the reader goes or the gateway stops; 429 where the
        reader's address has too many."""
        return PlacedResponse(self._body(events), self.places, MEDIA_TYPE, _HEADERS)

    def stir(self) -> None:
        """Let every stream send a comment now: one whose reader may hear no more ends with it, and not at
        the next event (`gateway.access.trail`)."""
        for stirred in self._stirred:
            stirred.set()

    async def close(self) -> None:
        """End every stream, and each new one at once."""
        self._closed.set()

    async def _body(self, events: AsyncGenerator[ServerEvent, None]) -> AsyncGenerator[bytes, None]:
        closed = asyncio.ensure_future(self._closed.wait())
        stirred = asyncio.Event()
        self._stirred.add(stirred)
        stirring: asyncio.Future[object] | None = None
        following: asyncio.Future[ServerEvent] | None = None
        try:
            while not self._closed.is_set():
                following = following or asyncio.ensure_future(anext(events))
                stirring = stirring or asyncio.ensure_future(stirred.wait())
                done, _ = await asyncio.wait(
                    (closed, following, stirring),
                    timeout=_KEEP_ALIVE,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if stirring in done:
                    stirred.clear()
                    stirring = None
                    yield b": still here\n\n"
                elif following in done:
                    try:
                        event = following.result()
                    except StopAsyncIteration:
                        break
                    following = None
                    yield event.encode()
                elif not done:
                    yield b": still here\n\n"
        finally:
            self._stirred.discard(stirred)
            # A server that gives up an answer cancels each await of it: what is to end goes on in a task.
            ending = asyncio.ensure_future(_end(events, closed, following, stirring))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            await asyncio.shield(ending)


async def _end(events: AsyncGenerator[ServerEvent, None], *waiting: asyncio.Future[Any] | None) -> None:
    """Cancel what a stream waits for, and close what it follows."""
    for each in waiting:
        if each is not None:
            each.cancel()
            await asyncio.wait([each])
            if not each.cancelled():
                # The events may have ended in the same moment; nobody else would ask.
                each.exception()
    await events.aclose()
