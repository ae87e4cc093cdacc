"""Following the ledger: every event goes into the projections, then to whoever listens.

Events that come while others are being written are written together. How far the projections are is written
with them, so a gateway that was killed goes on at the very event; two gateways on one database may follow at
the same time, and each event is applied once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from chaincode.errors import ContractError
from gateway.clock import Clock
from gateway.projection.projector import Projector
from gateway.projection.writing import cursor, write
from gateway.store.database import Database
from gateway.store.errors import StoreError
from network.ledger import VALID, Event, Ledger, LedgerError

_Place = tuple[int, int]
"""A block, and an event's place among that block's events, from 0."""


@dataclass(frozen=True, slots=True)
class _Placed:
    place: _Place
    event: Event

    @property
    def after(self) -> _Place:
        """The place that follows."""
        return self.place[0], self.place[1] + 1


Listener = Callable[[Event], Awaitable[None]]
GROUP = 2_000
"""Events written together at most."""
_PAUSE = 5.0
_LOG = logging.getLogger(__name__)


class Follower:
    """Keeps the projections up to the ledger."""

    def __init__(self, ledger: Ledger, database: Database, clock: Clock) -> None:
        self._ledger = ledger
        self._database = database
        self._clock = clock
        self._listeners: list[Listener] = []
        self._waiting: list[_Placed] = []
        self._arrived = asyncio.Event()
        self._applied = asyncio.Event()
        self._block = -1
        self._tasks: list[asyncio.Task[None]] = []

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with each event once it is in the projections, in the ledger's order."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Bring the projections up to the ledger as it is now, then keep following.

        Events up to now are not given to the listeners: who needs them reads the projections. Raises
        LedgerError and StoreError."""
        start = await self._database.read(cursor)
        target = await self._last_event(start)
        events = _placed(self._ledger.events(start[0]))
        place = start
        while place <= target:
            group = []
            async for placed in events:
                group.append(placed)
                if len(group) == GROUP or placed.place >= target:
                    break
            if not group:
                break
            await self._write(group)
            place = group[-1].after
        self._block = max(target[0], start[0])
        self._tasks = [
            asyncio.create_task(self._read(events, place), name="projection-reader"),
            asyncio.create_task(self._apply(), name="projection-writer"),
        ]

    async def close(self) -> None:
        """Stop following; what has not been written is read again at the next start."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def reached(self, block: int, seconds: float) -> bool:
        """Wait until a block that has an event is in the projections, at most so long; whether it is."""
        late = False

        def give_up() -> None:
            # The clock may have been set meanwhile, so its time does not say whether this was called.
            nonlocal late
            late = True
            self._applied.set()

        timer = self._clock.call_at(self._clock.now() + round(seconds * 1000), give_up)
        try:
            while self._block < block and not late:
                self._applied.clear()
                await self._applied.wait()
        finally:
            timer.cancel()
        return self._block >= block

    async def _last_event(self, start: _Place) -> _Place:
        """Where the last event stands that the ledger has now; before `start` where there is none since."""
        for number in range(await self._ledger.height() - 1, start[0] - 1, -1):
            block = await self._ledger.block(number)
            count = sum(t.event is not None and t.validation == VALID for t in block.transactions)
            if count:
                return number, count - 1
        return start[0] - 1, 0

    async def _read(self, events: AsyncIterator[_Placed], place: _Place) -> None:
        reading = True
        while reading:
            try:
                async for placed in _from(events, place):
                    self._waiting.append(placed)
                    self._arrived.set()
                    place = placed.after
            except LedgerError as error:
                _LOG.warning("the ledger's events stopped: %s", error)
                await self._clock.sleep(_PAUSE)
                events = _placed(self._ledger.events(place[0]))
            else:
                # The ledger was closed: the gateway is stopping.
                reading = False

    async def _apply(self) -> None:
        while True:
            await self._arrived.wait()
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            if not self._waiting:
                self._arrived.clear()
            while True:
                try:
                    await self._write(group)
                    break
                except StoreError as error:
                    _LOG.error("projections wait: %s", error)
                    await self._clock.sleep(_PAUSE)
            # A block's events come together, so the last one may have more that are still to come.
            complete = not self._waiting or self._waiting[0].place[0] > group[-1].place[0]
            self._block = max(self._block, group[-1].place[0] - (0 if complete else 1))
            self._applied.set()
            for placed in group:
                await self._tell(placed.event)

    async def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            try:
                await listener(event)
            except (ContractError, LedgerError, StoreError) as error:
                # It is in the projections, which are read again at the next start.
                _LOG.error("%s of transaction %s: %s", event.name, event.transaction_id, error)

    async def _write(self, group: Sequence[_Placed]) -> None:
        def work(connection: Connection) -> None:
            # Another gateway on this database may have been faster.
            start = cursor(connection)
            fresh = [placed for placed in group if placed.place >= start]
            if not fresh:
                return
            projected = Projector()
            for placed in fresh:
                projected.apply(placed.event, placed.place[1])
            write(connection, projected, *fresh[-1].after)

        await self._database.write(work)


async def _placed(events: AsyncIterator[Event]) -> AsyncIterator[_Placed]:
    """Events with their places, counted from the start of the first one's block."""
    block, place = -1, 0
    async for event in events:
        block, place = (block, place + 1) if event.block == block else (event.block, 0)
        yield _Placed((block, place), event)


async def _from(events: AsyncIterator[_Placed], place: _Place) -> AsyncIterator[_Placed]:
    async for placed in events:
        if placed.place >= place:
            yield placed
