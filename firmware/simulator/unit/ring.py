"""The batches that the gateway has not acknowledged."""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware.simulator.unit.batch import Flag


@dataclass(frozen=True, slots=True)
class Unsent:
    """A batch that waits."""

    number: int
    flags: int
    message: bytes


@dataclass(slots=True)
class Ring:
    """At most `capacity` batches, oldest first.

    When it is full, the oldest one goes that neither begins nor ends a session: detail is lost, energy is
    not, because the register is cumulative. If all of them do, the oldest goes.
    """

    capacity: int = 32
    dropped: int = 0
    """How many gave way."""
    _waiting: list[Unsent] = field(default_factory=list)

    def add(self, number: int, flags: int, message: bytes) -> None:
        """Keep a batch until it is acknowledged."""
        if len(self._waiting) >= self.capacity:
            self._make_room()
        self._waiting.append(Unsent(number, flags, message))

    def acknowledge(self, number: int) -> None:
        """Forget every batch up to `number`."""
        if self._waiting and self._waiting[0].number <= number:
            self._waiting = [unsent for unsent in self._waiting if unsent.number > number]

    @property
    def messages(self) -> list[bytes]:
        """What waits, oldest first."""
        return [unsent.message for unsent in self._waiting]

    def _make_room(self) -> None:
        self.dropped += 1
        for index, unsent in enumerate(self._waiting):
            if not unsent.flags & (Flag.BEGIN | Flag.END):
                del self._waiting[index]
                return
        del self._waiting[0]
