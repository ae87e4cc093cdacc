"""A unit's clock: its oscillator, and what commands told it of the time."""

from __future__ import annotations


class UnitClock:
    """Unix time from milliseconds since power-up."""

    __slots__ = ("_offset", "is_set")

    def __init__(self) -> None:
        self._offset = 0
        self.is_set = False
        """Whether the time was learnt since power-up; until then `time` counts from the start."""

    def set(self, now: int, issued: int) -> bool:
        """Take a command's `issued` (Unix seconds) for the time, unless the clock shows that second.

        Whether anything changed."""
        if self.is_set and self.seconds(now) == issued:
            return False
        self._offset = issued * 1_000 - now
        self.is_set = True
        return True

    def seconds(self, now: int) -> int:
        """Unix seconds."""
        return (now + self._offset) // 1_000

    def next_multiple(self, now: int, period: int) -> int:
        """The first moment after `now`, in ms since power-up, whose Unix time is a multiple of `period` s."""
        step = period * 1_000
        return ((now + self._offset) // step + 1) * step - self._offset
