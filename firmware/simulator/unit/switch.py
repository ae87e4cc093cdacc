"""When the relay may close and must open: grants, and the least time on and off."""

from __future__ import annotations

from math import inf

from firmware.simulator.unit.identity import Board


class Switch:
    """The relay as the unit wants it. Times are ms since power-up.

    A grant that is not renewed ends by itself. A pause waits for the least time on; an end, a fault or an
    expired grant does not. Closing always waits for the least time off, after power-up too.
    """

    __slots__ = ("_board", "_granted_until", "changed", "closed")

    def __init__(self, board: Board, now: int) -> None:
        self._board = board
        self._granted_until: float | None = None
        self.closed = False
        self.changed = now
        """When `closed` last changed."""

    @property
    def due(self) -> float:
        """The next moment at which `update` would change something by itself."""
        if self._granted_until is None:
            return self.changed + self._board.minimum_on if self.closed else inf
        if not self.closed:
            return min(self._granted_until, self.changed + self._board.minimum_off)
        return self._granted_until

    def grant(self, until: float) -> None:
        """Allow the relay to be closed until then; infinity for as long as nobody says otherwise."""
        self._granted_until = until

    def pause(self) -> None:
        """Open as soon as the least time on is over."""
        self._granted_until = None

    def open(self, now: int) -> None:
        """Open at once."""
        self._granted_until = None
        self._set(False, now)

    def expired(self, now: int) -> bool:
        """Whether the grant has run out."""
        return self._granted_until is not None and now >= self._granted_until

    def update(self, now: int) -> None:
        """Open or close, where it is wanted and the least times allow it."""
        if self._granted_until is None:
            if self.closed and now >= self.changed + self._board.minimum_on:
                self._set(False, now)
        elif not self.closed and now >= self.changed + self._board.minimum_off:
            self._set(True, now)

    def _set(self, closed: bool, now: int) -> None:
        if closed != self.closed:
            self.closed = closed
            self.changed = now
