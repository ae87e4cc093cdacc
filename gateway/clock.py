"""Time, as the gateway's services see it.

Every service takes a `Clock`, so that months of history can be replayed in seconds and tests need not
wait. Instants are integers, milliseconds since 1970 (UTC); durations to sleep are seconds.
"""

from __future__ import annotations

import asyncio
import heapq
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

Callback = Callable[[], Awaitable[None] | None]
"""What a timer runs: a plain function, or a coroutine function that is run to its end."""

_YIELDS_ON_OTHER_LOOPS = 64
_POLL = 0.0005


class Timer(Protocol):
    """A callback that waits for its instant."""

    def cancel(self) -> None:
        """Forget the callback; nothing happens where it already ran."""


class Clock(Protocol):
    """What the time is, and how to wait for another."""

    def now(self) -> int:
        """Milliseconds since 1970."""

    def ahead(self) -> int:
        """Milliseconds by which the computer's own clock is ahead of this one, negative where it is behind;
        0 while they agree."""

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds`; not at all where that is negative."""

    def call_at(self, when: int, callback: Callback) -> Timer:
        """Run `callback` once at `when` (milliseconds since 1970), soon where that is past."""


STEP_S = 60
"""Seconds by which the computer's clock may be set and is still followed at once: units believe commands that
are 120 s off (docs/protocol.md, "A unit's life", 8)."""
_FORGOTTEN_S = 3_600
"""Seconds after which as much again may be followed: many small steps are a large one, and who can move the
computer's clock could end grants early by them (docs/adr/0014). A clock's own drift is far below that."""
_Nanoseconds = Callable[[], int]


def _since_boot() -> int:
    """Nanoseconds of a clock that nobody can set; it counts the computer's sleep where one does."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SystemClock:
    """The machine's clock, except where it is set by `STEP_S` or more, at once or within an hour, while this
    one runs.

    Then nobody can say which of the two times is right, and what is under way must not see an hour come
    twice or never. So this clock goes on by the time that it had, and `ahead` says how far the machine's has
    left it; until they agree again, or whoever watches over it (`gateway.timekeeping`) has it `follow`."""

    def __init__(self, wall: _Nanoseconds = time.time_ns, steady: _Nanoseconds = _since_boot) -> None:
        """`wall` gives nanoseconds since 1970, and may be set; `steady` counts them, and may not."""
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()
        self._followed = 0
        """Nanoseconds of steps that were followed and are not forgotten yet; steps back are negative."""
        self._reckoned = steady()
        self._running: set[asyncio.Future[None]] = set()

    def now(self) -> int:
        """Milliseconds since 1970."""
        self._keep()
        return (self._steady() + self._offset) // 1_000_000

    def ahead(self) -> int:
        """As `Clock`."""
        return self._keep() // 1_000_000

    def follow(self) -> None:
        """Take the machine's time for the time."""
        self._offset = self._wall() - self._steady()
        self._followed = 0

    def begin_at(self, now: int) -> None:
        """Take `now` (milliseconds since 1970) for the time, whatever the machine's clock says."""
        self._offset = 1_000_000 * now - self._steady()

    def _keep(self) -> int:
        """Follow the machine's clock where it has not been set; returns the nanoseconds to it otherwise."""
        steady = self._steady()
        ahead = self._wall() - steady - self._offset
        forgotten = (steady - self._reckoned) * STEP_S // _FORGOTTEN_S
        kept = max(0, abs(self._followed) - forgotten)
        followed = (kept if self._followed > 0 else -kept) + ahead
        if abs(followed) >= STEP_S * 1_000_000_000:
            return ahead
        self._followed, self._reckoned = followed, steady
        self._offset += ahead
        return 0

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds`."""
        await asyncio.sleep(max(0.0, seconds))

    def call_at(self, when: int, callback: Callback) -> Timer:
        """Run `callback` once at `when`. What it raises goes to the event loop's exception handler."""
        delay = max(0.0, (when - self.now()) / 1000)
        return asyncio.get_running_loop().call_later(delay, self._run, callback)

    def _run(self, callback: Callback) -> None:
        result = callback()
        if inspect.isawaitable(result):
            # The loop keeps only weak references to tasks.
            task = asyncio.ensure_future(result)
            self._running.add(task)
            task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Future[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": "a timer failed", "exception": error})


class _Waiting:
    """One entry of the simulated clock's heap."""

    __slots__ = ("callback", "cancelled", "order", "when")

    def __init__(self, when: int, order: int, callback: Callback) -> None:
        self.when = when
        self.order = order
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True

    def __lt__(self, other: _Waiting) -> bool:
        return (self.when, self.order) < (other.when, other.order)


class SimulatedClock:
    """A clock that stands still until it is advanced; for replays and tests.

    Timers run in the order of their instants, those of one instant in the order they were set. Between
    two instants the event loop runs until nothing more is ready, and until the work that happens in
    threads (`watch`) has come back, so one run is like every other.
    """

    def __init__(self, start: int = 0) -> None:
        self._now = start
        self._order = 0
        self._heap: list[_Waiting] = []
        self._watched: list[tuple[Callable[[], int], Callable[[], Awaitable[None]]]] = []

    def now(self) -> int:
        """Milliseconds since 1970, simulated."""
        return self._now

    def ahead(self) -> int:
        """0: there is no other."""
        return 0

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been advanced by `seconds`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        timer = self.call_at(self._now + round(seconds * 1000), wake)
        try:
            await woken
        finally:
            timer.cancel()

    def call_at(self, when: int, callback: Callback) -> Timer:
        """Run `callback` once when the clock reaches `when`; at the next advance where that is past."""
        self._order += 1
        waiting = _Waiting(max(when, self._now), self._order, callback)
        heapq.heappush(self._heap, waiting)
        return waiting

    def watch(self, pending: Callable[[], int], change: Callable[[], Awaitable[None]] | None = None) -> None:
        """Let no time pass while `pending()` is above zero: it counts the work under way in threads.

        `change()` returns when some of it is done; without that the clock looks every half millisecond."""
        self._watched.append((pending, change or _a_moment))

    @property
    def next(self) -> int | None:
        """The instant of the earliest timer, None where there is none."""
        while self._heap and self._heap[0].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0].when if self._heap else None

    async def advance_to(self, when: int) -> None:
        """Run every timer up to and including `when`, then stand at `when`.

        Raises ValueError where that is in the past, and whatever a timer raises."""
        if when < self._now:
            raise ValueError(f"the clock stands at {self._now} and cannot go back to {when}")
        await self.settle()
        while (instant := self.next) is not None and instant <= when:
            self._now = max(self._now, instant)
            result = heapq.heappop(self._heap).callback()
            if inspect.isawaitable(result):
                await result
            await self.settle()
        self._now = when

    async def advance(self, seconds: float) -> None:
        """`advance_to`, by a duration."""
        await self.advance_to(self._now + round(seconds * 1000))

    async def settle(self) -> None:
        """Let all tasks run until each waits for something other than the event loop."""
        while True:
            await _until_nothing_is_ready()
            busy = next((change for pending, change in self._watched if pending()), None)
            if busy is None:
                return
            await busy()


def doubt(clock: Clock) -> str:
    """What follows a sentence that refuses somebody for their time where the gateway's own may be the wrong
    one; nothing where it is not in doubt."""
    ahead = clock.ahead() // 1_000
    if not ahead:
        return ""
    return (
        f", or the gateway's is wrong: its computer's clock was set {span(ahead)}, and until no car charges "
        "the gateway goes by the time before; try again later, or tell the condominium"
    )


def span(ahead: int) -> str:
    """So many seconds in words: `3,600 s ahead`, or `back` where they are negative."""
    return f"{abs(ahead):,} s {'ahead' if ahead > 0 else 'back'}"


async def _a_moment() -> None:
    await asyncio.sleep(_POLL)


async def _until_nothing_is_ready() -> None:
    # asyncio has no public word for "idle". Its own loops keep what is ready in `_ready`; on others
    # (uvloop) a fixed number of turns has to do.
    ready = getattr(asyncio.get_running_loop(), "_ready", None)
    if ready is None:
        for _ in range(_YIELDS_ON_OTHER_LOOPS):
            await asyncio.sleep(0)
        return
    while True:
        await asyncio.sleep(0)
        if not ready:
            return
