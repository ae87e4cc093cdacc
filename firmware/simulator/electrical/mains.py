"""The supply that a socket hangs on."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Mains:
    """A single-phase supply: a sine of constant voltage and frequency, or nothing while it is out.

    EN 50160 allows 230 V ± 10 % and 50 Hz ± 1 %.
    """

    voltage: float = 230.0
    """V RMS, phase to neutral."""
    frequency: float = 50.0
    """Hz."""
    live: bool = True

    def angle(self, time: float) -> float:
        """The phase angle in radians at `time` seconds."""
        return math.tau * self.frequency * time

    @property
    def present(self) -> float:
        """V RMS at this moment: 0 while the supply is out."""
        return self.voltage if self.live else 0.0
