"""The session that a unit is in, and what it must not forget of the last one."""

from __future__ import annotations

from firmware.simulator.unit.batch import NO_SESSION, Reason
from firmware.simulator.unit.persistent import Meter, Stage


class Session:
    """Goes from granted over begun to ended; the two last steps count once the gateway acknowledged them.

    After a power cut nothing is on until a command names the session again: an ON resumes it, an END ends
    it. A session that ended never starts again.
    """

    __slots__ = ("_begin", "_end", "_reason", "_session", "_stage", "active", "ending")

    def __init__(self, meter: Meter) -> None:
        self._session = meter.session
        self._stage = meter.stage
        self._reason = meter.reason
        self._begin = 0
        self._end = 0
        self.active = False
        """Whether the unit is in the session now."""
        self.ending: Reason | None = None
        """Why it is about to end; None while it goes on."""

    @property
    def id(self) -> bytes:
        """The session that is on; zeros without one."""
        return self._session if self.active else NO_SESSION

    @property
    def begun(self) -> bool:
        """Whether the gateway has its first batch."""
        return self._stage is Stage.BEGUN

    @property
    def to_begin(self) -> bool:
        """Whether the first batch has still to be made."""
        return self.active and self.ending is None and self._stage is Stage.GRANTED and self._begin == 0

    def meter(self, register: int) -> Meter:
        """What is to be kept of it, with the register in mWh."""
        return Meter(register, self._session, self._stage, self._reason)

    def grant(self, session: bytes) -> bool:
        """Begin or go on; False where this session may not have power now."""
        if self.active:
            return session == self._session and self.ending is None
        if session == NO_SESSION or self._stage is Stage.ENDING:
            return False
        if session == self._session:
            self.active = self._stage in (Stage.GRANTED, Stage.BEGUN)
            return self.active
        self._session, self._stage, self._reason = session, Stage.GRANTED, Reason.NONE
        self._begin = self._end = 0
        self.active = True
        return True

    def end(self, session: bytes) -> None:
        """End it on command. One that a power cut interrupted ends for that reason; no other is touched."""
        if session != self._session or self.ending is not None:
            return
        if self.active:
            self.ending = Reason.COMMAND
        elif self._stage in (Stage.GRANTED, Stage.BEGUN):
            self.active, self.ending = True, Reason.POWER_LOST
        elif self._stage is Stage.ENDING and self._end == 0:
            self.active, self.ending = True, self._reason

    def give_up(self, reason: Reason) -> None:
        """End it for the unit's own reason."""
        if self.active and self.ending is None:
            self.ending = reason

    def first_batch(self, number: int) -> None:
        """Its first batch has this number."""
        self._begin = number

    def last_batch(self, number: int) -> None:
        """Its last batch has this number: it is over."""
        assert self.ending is not None
        self._end = number
        self._stage, self._reason = Stage.ENDING, self.ending
        self.active, self.ending = False, None

    def acknowledge(self, number: int) -> None:
        """The gateway has every batch up to `number`."""
        if self._stage is Stage.GRANTED and 0 < self._begin <= number:
            self._stage = Stage.BEGUN
        elif self._stage is Stage.ENDING and 0 < self._end <= number:
            self._stage = Stage.ENDED
