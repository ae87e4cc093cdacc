"""The analogue-to-digital converter of a board."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Converter:
    """Rounds a voltage to the nearest of 2^`bits` codes; beyond its range it clips."""

    bits: int = 10
    """10 on the ATmega328P, 12 on most Cortex-M parts."""
    reference: float = 5.0
    """V of the highest code plus one."""
    noise: float = 0.4
    """Codes RMS: the ATmega328P's data sheet gives 2 LSB of absolute accuracy, of which this is the part
    that changes from one conversion to the next."""

    @property
    def step(self) -> float:
        """V per code."""
        return self.reference / (1 << self.bits)

    def code(self, voltage: float, noise: float = 0.0) -> int:
        """The code for `voltage` V with `noise` codes added to it."""
        return max(0, min((1 << self.bits) - 1, round(voltage / self.step + noise)))
