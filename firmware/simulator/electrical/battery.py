"""A car's battery."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Battery:
    """What is stored, and how much there is room for."""

    capacity: float
    """Wh."""
    stored: float
    """Wh."""

    def __post_init__(self) -> None:
        """Raises ValueError where more is stored than there is room for."""
        if not 0 <= self.stored <= self.capacity:
            raise ValueError("stored: from 0 to the capacity")

    @property
    def missing(self) -> float:
        """Wh until it is full."""
        return self.capacity - self.stored

    def store(self, energy: float) -> None:
        """Put in `energy` Wh; what does not fit is rounding, not charge."""
        self.stored = min(self.capacity, self.stored + energy)
