"""Finds a sensor's gain from loads whose current is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST_CURRENT = 1.0
"""A: below, a 10-bit converter's steps are too coarse to calibrate by."""
MOST_SPREAD = 0.02
"""Fraction by which one load's ratio may differ: the SCT-013's own tolerance (paper §4.1.2)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One load: what a trusted meter showed, and what the unit told."""

    true: float
    """A."""
    shown: float
    """A."""


def corrected_gain(gain: int, readings: Sequence[Reading]) -> int:
    """The gain with which the unit would have shown what is true, by least squares through zero.

    Raises ValueError where there are too few or too small loads, or they contradict each other."""
    if not readings:
        raise ValueError("readings: at least one load")
    if any(r.true < LEAST_CURRENT or r.shown <= 0 for r in readings):
        raise ValueError(f"readings: each load draws at least {LEAST_CURRENT} A and the unit shows it")
    ratio = sum(r.true * r.shown for r in readings) / sum(r.shown**2 for r in readings)
    for reading in readings:
        spread = abs(reading.true / reading.shown / ratio - 1)
        if spread > MOST_SPREAD:
            raise ValueError(
                f"readings: {reading.true} A shown as {reading.shown} A differs from the rest by "
                f"{spread:.1%}; is another conductor in the clamp, or a wire loose?"
            )
    return round(gain * ratio)
