"""What the current says about the car and the relay."""

from __future__ import annotations

from math import inf

DRAWING = 500
"""mA from which a vehicle counts as drawing (docs/protocol.md, "A unit's life", 6)."""
COMPLETE_AFTER = 180_000
"""ms below `DRAWING` after which charging is complete."""
FAULT_AFTER = 1_000
"""ms that contacts and current are given to open before current through them is a fault."""
OVER_CURRENT_AFTER = 5_000
"""ms above the maximum after which the unit gives up: longer than any inrush."""


class Flow:
    """Follows the current. Times are ms since power-up."""

    __slots__ = ("_drawn", "_low_since", "_over", "complete", "fault", "flowing", "over_current")

    def __init__(self) -> None:
        self.flowing = False
        """Whether current flowed in the last interval."""
        self.fault = False
        """Whether it did although the relay was told to open."""
        self.over_current = False
        """Whether it was above the maximum for too long."""
        self.complete = False
        """Whether the vehicle drew and then stopped although the relay is closed."""
        self._drawn = False
        self._low_since: int | None = None
        self._over = 0

    @property
    def due(self) -> float:
        """When the vehicle would be complete if nothing more flowed."""
        if self.complete or not self._drawn or self._low_since is None:
            return inf
        return self._low_since + COMPLETE_AFTER

    def begin(self, drawn: bool) -> None:
        """A session begins, or goes on after a power cut, before which the vehicle had `drawn` or not."""
        self.complete = self.over_current = False
        self._drawn = drawn
        self._low_since = None
        self._over = 0

    def observe(self, start: int, end: int, current: int, *, maximum: int, open_since: int | None) -> None:
        """`current` mA flowed from `start` to `end`; the relay open since `open_since`, or closed (None)."""
        self.flowing = current >= DRAWING
        if open_since is not None:
            self._low_since = None
            self.complete = False
            self._over = 0
            self.fault = self.flowing and end - open_since >= FAULT_AFTER
            return
        self.fault = False
        self._over = self._over + end - start if current > maximum else 0
        self.over_current |= self._over >= OVER_CURRENT_AFTER
        if self.flowing:
            self._drawn = True
            self._low_since = None
            self.complete = False
        elif self._low_since is None:
            self._low_since = start
        if self._drawn and self._low_since is not None and end - self._low_since >= COMPLETE_AFTER:
            self.complete = True
