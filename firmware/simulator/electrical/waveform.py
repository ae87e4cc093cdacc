"""The shape of a current over one mains cycle."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Harmonic:
    """One odd harmonic of a current."""

    order: int
    ratio: float
    """Amplitude as a fraction of the fundamental's."""
    phase: float = 0.0
    """Radians, at the fundamental's zero crossing."""


RECTIFIER = (Harmonic(3, 0.09, 0.4), Harmonic(5, 0.05, 1.1), Harmonic(7, 0.025, 2.0))
"""What an on-board charger with power-factor correction leaves: about 10 % total distortion, within
IEC 61000-3-12."""


@dataclass(frozen=True, slots=True)
class Waveform:
    """A periodic current of known RMS value: a fundamental in phase with the voltage, and harmonics."""

    rms: float
    """A, of the whole: what a perfect meter would show."""
    harmonics: tuple[Harmonic, ...] = RECTIFIER

    @property
    def fundamental(self) -> float:
        """A, amplitude of the fundamental (Parseval: the squares of all amplitudes add up to 2·rms²)."""
        return self.rms * math.sqrt(2 / (1 + sum(h.ratio**2 for h in self.harmonics)))

    def at(self, angle: float) -> float:
        """A at the phase `angle` in radians."""
        shape = math.sin(angle)
        for harmonic in self.harmonics:
            shape += harmonic.ratio * math.sin(harmonic.order * angle + harmonic.phase)
        return self.fundamental * shape
