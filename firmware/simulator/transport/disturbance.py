"""What a bad network does to messages, on demand."""

from __future__ import annotations

import asyncio
import heapq
import random
from dataclasses import dataclass, field

import httpx


@dataclass(slots=True)
class Disturbance:
    """Decides the fate of each message. All of it may be changed while messages are under way."""

    drop: float = 0.0
    """Share of messages that are lost."""
    duplicate: float = 0.0
    """Share of messages that arrive twice."""
    delay: tuple[float, float] = (0.0, 0.0)
    """Least and most seconds that one takes; where they differ, messages overtake each other."""
    cut: bool = False
    """Whether nothing gets through."""
    randomness: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - weather

    def fates(self) -> list[float]:
        """Seconds after which each copy of the next message arrives; none where it is lost."""
        chance = self.randomness
        if self.cut or chance.random() < self.drop:
            return []
        copies = 2 if chance.random() < self.duplicate else 1
        return [chance.uniform(*self.delay) for _ in range(copies)]


class Link:
    """One direction of a disturbed network, on whatever clock its user has."""

    def __init__(self, disturbance: Disturbance) -> None:
        self._disturbance = disturbance
        self._order = 0
        self._under_way: list[tuple[float, int, bytes]] = []

    def send(self, time: float, message: bytes) -> None:
        """Hand a message over at `time` seconds."""
        for seconds in self._disturbance.fates():
            self._order += 1
            heapq.heappush(self._under_way, (time + seconds, self._order, message))

    def arrived(self, time: float) -> list[bytes]:
        """What has arrived by `time`, in the order of arrival; each is given out once."""
        messages = []
        while self._under_way and self._under_way[0][0] <= time:
            messages.append(heapq.heappop(self._under_way)[2])
        return messages

    @property
    def due(self) -> float | None:
        """When the next one arrives."""
        return self._under_way[0][0] if self._under_way else None


class DisturbedHttp(httpx.AsyncBaseTransport):
    """Puts a disturbance between an HTTP client and its network, in each direction."""

    def __init__(self, inner: httpx.AsyncBaseTransport, disturbance: Disturbance) -> None:
        self._inner = inner
        self._disturbance = disturbance

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry a request there (perhaps twice) and its last answer back. Raises httpx.ConnectError where
        the request is lost and httpx.ReadError where the answer is."""
        body = await request.aread()
        answer: httpx.Response | None = None
        for seconds in sorted(self._disturbance.fates()):
            await asyncio.sleep(seconds)
            copy = httpx.Request(request.method, request.url, headers=request.headers, content=body)
            copy.extensions = request.extensions
            answer = await self._inner.handle_async_request(copy)
            await answer.aread()
        if answer is None:
            raise httpx.ConnectError("the request was lost", request=request)
        back = self._disturbance.fates()
        if not back:
            raise httpx.ReadError("the answer was lost", request=request)
        await asyncio.sleep(back[0])
        return answer

    async def aclose(self) -> None:
        """Close what is behind."""
        await self._inner.aclose()
