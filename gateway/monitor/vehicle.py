"""What a vehicle does at its socket, as the batches show it."""

from __future__ import annotations

from collections.abc import Sequence

from chaincode.signing.batch import Batch, Flag, Sample

DRAWING = 500
"""mA from which a vehicle counts as charging (docs/protocol.md, "A unit's life", 6)."""
COMPLETE_AFTER = 180
"""Seconds for which a vehicle has drawn less when its unit sets COMPLETE (likewise)."""


class Vehicle:
    """The vehicle of one session. Times are Unix seconds, power mW, current mA."""

    def __init__(self, phases: int, full_after: int) -> None:
        """Nothing is known before the first batch; `full_after` seconds of rest make it full."""
        self._phases = phases
        self._full_after = full_after
        self._was_closed = False
        self.was_connected = False
        self.connected = False
        self.closed = False
        """Whether the relay was closed at the end of the last batch."""
        self.drawn = False
        """Whether it has charged at all."""
        self.current = 0
        self.power = 0
        self.voltage = 0
        self.peak = 0
        """The greatest power seen; 0 while no samples have come."""
        self.resting_since: int | None = None
        """Since when it has drawn next to nothing though the relay is closed."""
        self.complete = False
        """Whether the unit itself says that the vehicle takes no more."""
        self.full = False
        """Whether it has charged and then rested for long enough, and not charged again."""

    def observe(self, batch: Batch) -> None:
        """Take in the session's next batch."""
        self.closed = Flag.CLOSED in batch.flags
        self.connected = Flag.CONNECTED in batch.flags
        self.was_connected |= self.connected
        if batch.samples:
            self._measure(batch.samples)
            self._rest(batch)
        self.complete = Flag.COMPLETE in batch.flags
        if self.complete:
            self.drawn = True
            if self.resting_since is None:
                self.resting_since = batch.time - COMPLETE_AFTER
        if not self.closed:
            self.resting_since = None
        if self.resting_since is not None:
            self.full |= self.drawn and batch.time - self.resting_since >= self._full_after
        elif self.closed and self.current >= DRAWING:
            self.full = False
        self._was_closed = self.closed

    def _measure(self, samples: Sequence[Sample]) -> None:
        last = samples[-1]
        greatest = max(samples, key=_current)
        self.current, self.voltage = last.current, last.voltage
        self.power = last.current * last.voltage * self._phases // 10
        self.peak = max(self.peak, greatest.current * greatest.voltage * self._phases // 10)
        self.drawn |= greatest.current >= DRAWING

    def _rest(self, batch: Batch) -> None:
        resting = 0
        for sample in reversed(batch.samples):
            if sample.current >= DRAWING:
                break
            resting += 1
        if resting == 0:
            self.resting_since = None
        elif resting < len(batch.samples):
            self.resting_since = batch.time - resting * batch.period
        elif self.resting_since is None:
            # Where the relay closed within this batch, nobody knows when: the vehicle gets the benefit.
            self.resting_since = batch.time - resting * batch.period if self._was_closed else batch.time


def _current(sample: Sample) -> int:
    return sample.current
