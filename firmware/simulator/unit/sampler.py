"""Samples: the mean of the measured current over each sampling period."""

from __future__ import annotations

from firmware.simulator.unit.batch import MAX_SAMPLES, encode_sample


class Sampler:
    """Collects one sample a period, and the samples of a batch."""

    __slots__ = ("_charge", "_elapsed", "_voltage", "samples")

    def __init__(self) -> None:
        self.samples: list[bytes] = []
        self._charge = 0
        self._elapsed = 0
        self._voltage = 0

    @property
    def full(self) -> bool:
        """Whether a batch can hold no more."""
        return len(self.samples) >= MAX_SAMPLES

    def add(self, current: int, voltage: int, milliseconds: int) -> None:
        """`current` mA at `voltage` tenths of a volt for so long."""
        self._charge += current * milliseconds
        self._elapsed += milliseconds
        self._voltage = voltage

    def close(self, keep_zero: bool) -> None:
        """End a period: its sample is kept unless it is of no current and `keep_zero` does not ask for it."""
        if self._elapsed:
            current = (self._charge + self._elapsed // 2) // self._elapsed
            if current or keep_zero:
                self.samples.append(encode_sample(current, self._voltage))
        self.restart()

    def restart(self) -> None:
        """Begin a period anew; what was measured of it is in the register."""
        self._charge = self._elapsed = 0

    def take(self) -> bytes:
        """The samples so far, as they go into a batch, which then holds them alone."""
        joined = b"".join(self.samples)
        self.samples.clear()
        return joined
