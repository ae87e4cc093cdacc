"""What both current sensors have in common."""

from __future__ import annotations

from typing import Protocol


class CurrentSensor(Protocol):
    """Turns a current into a voltage that a converter can read."""

    noise: float
    """V RMS that the sensor itself adds."""

    @property
    def sensitivity(self) -> float:
        """V per ampere, as this very sensor has it."""

    def centre(self, temperature: float) -> float:
        """V put out without current at `temperature` °C."""

    def output(self, current: float, temperature: float) -> float:
        """V put out for an instantaneous `current` in A, without noise."""
