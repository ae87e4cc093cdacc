"""What becomes of a clock that was set while the gateway runs.

The gateway's own time goes on by what it was (`gateway.clock.SystemClock`), so that whatever is under way
ends as it would have. The operator is told. The computer's time is taken over once nothing is under way that
a jump could harm, or at once where the gateway's own is known to be behind: it was started with a clock that
did not know the time yet. On a ledger that others share it is always taken at once, as their clocks decide
(docs/adr/0021).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from gateway.clock import STEP_S, SystemClock, span
from gateway.monitor.alarm import Alarms
from gateway.monitor.anomaly import Anomaly, Kind

QUIET_S = 60.0
"""Seconds for which nothing has to be under way: a clock that was set by mistake is often set back soon."""
_LOOK_S = 1.0
_SET = (
    "this computer's clock was set {}: the gateway goes by the time before until it is set right, or no "
    "session has been under way for a minute"
)
_AGAIN = ". Started again, the gateway takes the computer's time at once"
"""Not where it was set back: the gateway then goes on from what it wrote down."""
_LATE = (
    "this computer's clock is {:,} s behind what the gateway wrote down before it was started: the gateway "
    "goes on from there until it is set right, or no session has been under way for a minute"
)
_SHARED = (
    "this computer's clock was set {}: the gateway follows, as the ledger's other members judge its "
    "transactions by their own clocks. Sessions last as long as before; units that differ get no power"
)
_TAKEN = "this computer's clock was set {}: the gateway goes by it from now on"
_LOG = logging.getLogger(__name__)


class Affairs(Protocol):
    """What goes on at the gateway, as far as its time matters (`gateway.operation.Operation`)."""

    @property
    def idle(self) -> bool:
        """Whether no session is under way, and no unit may be acting on a grant."""

    def shift(self, seconds: int) -> None:
        """The gateway's time was set by so many seconds."""


class Timekeeper:
    """Watches over the gateway's clock."""

    def __init__(
        self,
        clock: SystemClock,
        affairs: Affairs,
        alarms: Alarms,
        steady: Callable[[], float] = time.monotonic,
        *,
        shared: bool = False,
    ) -> None:
        """`steady` counts seconds; `shared` says that others keep the ledger too."""
        self._shared = shared
        self._clock = clock
        self._affairs = affairs
        self._alarms = alarms
        self._steady = steady
        self._busy_at = steady()
        self._late = False
        """Whether the gateway's time is no more than what cannot be earlier."""
        self._told: int | None = None
        """Seconds that the operator was told, None while there is nothing to tell."""
        self._task: asyncio.Task[None] | None = None

    def begin(self, newest: int) -> None:
        """Let the time not be before `newest` (Unix seconds), which is known to have been: a computer without
        a battery for its clock starts in the past, and readings would seem to come from the future. To be
        called before the gateway dates anything."""
        if not self._shared and newest - self._clock.now() // 1_000 >= STEP_S:
            self._late = True
            self._clock.begin_at(1_000 * newest)

    def start(self) -> None:
        """Begin to look, each second."""
        self._task = asyncio.create_task(self._run(), name="timekeeper")

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def look(self) -> None:
        """Do what is due: tell the operator of a clock that is wrong, or take the computer's time."""
        ahead = self._clock.ahead() // 1_000
        if not ahead or not self._affairs.idle:
            self._busy_at = self._steady()
        if not ahead:
            self._be_right()
        elif self._shared:
            self._follow(ahead, _SHARED)
        elif (self._late and ahead > 0) or self._steady() - self._busy_at >= QUIET_S:
            self._follow(ahead, _TAKEN)
        elif self._told is None or abs(ahead - self._told) >= STEP_S:
            self._tell(ahead)

    def _tell(self, ahead: int) -> None:
        # What was told before, by this run of the gateway or by another, is no longer so.
        self._alarms.clear([Kind.CLOCK], None)
        self._told = ahead
        if self._late:
            text = _LATE.format(-ahead)
        else:
            text = _SET.format(span(ahead)) + (_AGAIN if ahead > 0 else "")
        self._alarms.raise_(Anomaly(Kind.CLOCK, text, ahead), None)

    def _follow(self, ahead: int, text: str) -> None:
        _LOG.warning("the gateway's time is this computer's from now on: set %s", span(ahead))
        self._clock.follow()
        self._be_right()
        self._affairs.shift(ahead)
        # The alarm has ended; whoever looks in the morning sees what became of the time in the night.
        self._alarms.note(Anomaly(Kind.CLOCK, text.format(span(ahead)), ahead), None)

    def _be_right(self) -> None:
        self._late = False
        self._told = None
        self._alarms.clear([Kind.CLOCK], None)

    async def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception:  # noqa: BLE001 - see below
                # Whatever it is, the next look may do better, and nobody else watches the clock.
                _LOG.exception("the clock could not be looked after")
            await asyncio.sleep(_LOOK_S)
