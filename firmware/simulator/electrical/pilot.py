"""The control pilot between socket and car (IEC 61851-1, annex A)."""

from __future__ import annotations

from enum import Enum

LEAST = 6.0
"""A: the lowest current that a pilot can offer."""
MOST = 80.0


class PilotState(Enum):
    """What the voltage on the pilot says."""

    A = "no vehicle"
    B = "vehicle connected"
    C = "vehicle charges"


def duty_cycle(current: float) -> float:
    """The fraction of the 1 kHz square wave that offers `current` A; 1 (no wave) where it is below 6 A.

    IEC 61851-1, table A.7: 0.6 A per percent up to 51 A, above it 2.5 A per percent from 64 %.
    """
    if current < LEAST:
        return 1.0
    if current <= 51:
        return current / 60
    return min(current, MOST) / 250 + 0.64


def offered_current(duty: float) -> float:
    """A that a car may draw under `duty`; 0 where the duty cycle means no charging (table A.8)."""
    if 0.08 <= duty < 0.10:
        return LEAST
    if 0.10 <= duty <= 0.85:
        return duty * 60
    if 0.85 < duty <= 0.97:
        return min((duty - 0.64) * 250, MOST)
    return 0.0
