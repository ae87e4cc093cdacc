"""The in-process bus: from the services to whoever listens now.

Each listener has a bounded queue. One that reads too slowly is dropped, with a last notice that says so, and
asks anew: nothing is promised here that is not also on record.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

QUEUE = 256
"""Notices that wait for one listener at most."""
LAGGED = "lagged"
"""Name of the last notice of a listener that was too slow."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened: `topic` is what it is about, `name` what it is."""

    topic: str
    name: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Bus:
    """Topics, and who listens to them."""

    def __init__(self, queue: int = QUEUE) -> None:
        self._size = queue
        self._listeners: dict[str, list[Subscription]] = {}
        self._closed = False

    def heard(self, topic: str) -> bool:
        """Whether anybody listens, so that what nobody hears need not be put into words."""
        return topic in self._listeners

    def publish(self, notice: Notice) -> None:
        """Give a notice to everybody who listens to its topic. Never waits."""
        for listener in list(self._listeners.get(notice.topic, ())):
            listener.offer(notice)

    def subscribe(self, *topics: str) -> Subscription:
        """Listen to topics; use as a context manager, and iterate."""
        return Subscription(self, topics, self._size)

    def close(self) -> None:
        """End every listener's iteration: the gateway is stopping."""
        self._closed = True
        for listeners in list(self._listeners.values()):
            for listener in list(listeners):
                listener.end()

    def attach(self, listener: Subscription) -> None:
        """Begin to give notices to a listener."""
        for topic in listener.topics:
            self._listeners.setdefault(topic, []).append(listener)
        if self._closed:
            listener.end()

    def detach(self, listener: Subscription) -> None:
        """Give a listener no more."""
        for topic in listener.topics:
            listeners = self._listeners.get(topic, [])
            if listener in listeners:
                listeners.remove(listener)
            if not listeners:
                self._listeners.pop(topic, None)


class Subscription:
    """One listener's queue: an async iterator of notices that ends when the bus closes."""

    def __init__(self, bus: Bus, topics: tuple[str, ...], size: int) -> None:
        self.topics = topics
        self._bus = bus
        self._queue: asyncio.Queue[Notice | None] = asyncio.Queue()
        self._size = size
        self._ended = False

    def __enter__(self) -> Self:
        self._bus.attach(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bus.detach(self)

    def __aiter__(self) -> AsyncIterator[Notice]:
        return self

    async def __anext__(self) -> Notice:
        notice = await self._queue.get()
        if notice is None:
            raise StopAsyncIteration
        return notice

    def offer(self, notice: Notice) -> None:
        """Queue a notice; where there is no room, drop this listener."""
        if self._ended:
            return
        if self._queue.qsize() < self._size:
            self._queue.put_nowait(notice)
            return
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(Notice(notice.topic, LAGGED))
        self.end()

    def skip(self) -> None:
        """Forget the notices that wait: who reads everything anew at the first needs no others."""
        while not self._ended and not self._queue.empty():
            self._queue.get_nowait()

    def end(self) -> None:
        """Let the iteration end after what is queued."""
        if not self._ended:
            self._ended = True
            self._queue.put_nowait(None)
            self._bus.detach(self)
