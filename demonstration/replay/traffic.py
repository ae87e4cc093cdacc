"""What happens when: cars come and go, units speak when they have something to say."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Awaitable, Callable, Iterable

from demonstration.replay.bay import Bay
from demonstration.replay.visit import Visit
from gateway.clock import SimulatedClock, Timer

DAY = 86_400
_Action = Callable[[], Awaitable[None]]


class Traffic:
    """Puts visits and units on the simulated clock.

    All that happens at one instant happens in one round, side by side, so that the gateway can store and
    commit it together. Units that report at the same quarter of an hour are most of it.
    """

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, _Action]] = []
        self._order = 0
        self._armed = math.inf
        self._timer: Timer | None = None
        self._due: dict[Bay, float] = {}
        self._at_bay: dict[Bay, Visit] = {}
        self._fetching: set[asyncio.Future[None]] = set()
        self._errors: list[BaseException] = []

    def schedule(self, visits: Iterable[Visit]) -> None:
        """Let each driver buy tokens as the day of arrival begins (UTC), arrive, and leave."""
        gone: dict[Bay, int] = {}
        days: dict[int, list[Visit]] = {}
        for visit in visits:
            row, bay = visit.row, visit.bay
            # Two clocks may say that a car came before the one before it had gone.
            arrival = max(row.arrival, gone.get(bay, 0))
            gone[bay] = row.departure
            days.setdefault(row.arrival // DAY, []).append(visit)
            self._at(arrival * 1_000, self._arrival(visit))
            self._at(row.departure * 1_000, visit.leave)
        for day, buyers in days.items():
            self._at(max(day * DAY * 1_000, self._clock.now()), _purchases(buyers))

    def moved(self, bay: Bay) -> None:
        """A bay has been stepped: come back to it when it has something to say."""
        due = bay.due
        if bay.awake and due != math.inf and self._due.get(bay) != due:
            self._due[bay] = due
            self._at(max(due, self._clock.now() + 1), self._step(bay, due))

    def ended(self, visit: Visit) -> None:
        """The ledger has ended a visit's session: its unit has nothing more to say, until the next one."""
        if self._at_bay.get(visit.bay) is visit:
            visit.bay.awake = False

    def wanted(self, bay: Bay) -> None:
        """There is a command for a bay."""
        task = asyncio.ensure_future(bay.fetch())
        self._fetching.add(task)
        task.add_done_callback(self._fetched)

    def check(self) -> None:
        """Raise what went wrong while a command was being fetched."""
        if self._errors:
            raise self._errors[0]

    def _at(self, when: float, action: _Action) -> None:
        self._order += 1
        heapq.heappush(self._heap, (when, self._order, action))
        if when < self._armed:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = self._heap[0][0]
        self._timer = self._clock.call_at(int(self._armed), self._round)

    async def _round(self) -> None:
        self.check()
        self._armed, self._timer = math.inf, None
        actions = []
        while self._heap and self._heap[0][0] <= self._clock.now():
            actions.append(heapq.heappop(self._heap)[2]())
        await asyncio.gather(*actions)
        if self._heap and self._timer is None:
            self._arm()

    def _arrival(self, visit: Visit) -> _Action:
        async def arrive() -> None:
            self._at_bay[visit.bay] = visit
            await visit.arrive()

        return arrive

    def _step(self, bay: Bay, due: float) -> _Action:
        async def step() -> None:
            if self._due.get(bay) == due:
                del self._due[bay]
                if bay.awake:
                    await bay.go_on()

        return step

    def _fetched(self, task: asyncio.Future[None]) -> None:
        self._fetching.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._errors.append(error)


def _purchases(buyers: list[Visit]) -> _Action:
    async def buy() -> None:
        await asyncio.gather(*(visit.buy() for visit in buyers))

    return buy
