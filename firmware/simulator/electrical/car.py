"""An electric car at the end of a cable."""

from __future__ import annotations

import math
from dataclasses import dataclass

from firmware.simulator.electrical.battery import Battery

SECONDS_PER_HOUR = 3_600.0
_FULL = 1e-6
"""Wh below which nothing is missing: rounding of floating point."""


@dataclass(slots=True)
class Car:
    """A battery behind an on-board charger with a charge curve.

    It draws `rated` A (or less, where less is offered) until `taper` Wh are missing, then in proportion
    to what is missing, down to `least`, and stops when it is full. That is the constant-current,
    constant-voltage course of a lithium battery as the mains sees it.
    """

    battery: Battery
    rated: float = 16.0
    """A that the on-board charger can draw."""
    taper: float = 1_500.0
    """Wh missing at which the current begins to fall; 0 for a car that ends at full current."""
    least: float = 2.0
    """A below which it does not go before it stops."""
    efficiency: float = 0.9
    """Energy stored for energy drawn."""

    def __post_init__(self) -> None:
        """Raises ValueError for a charge curve that never ends."""
        if not 0 < self.least <= self.rated or not 0 < self.efficiency <= 1:
            raise ValueError("a car has 0 < least <= rated and 0 < efficiency <= 1")
        if self.taper != 0 and self.taper < 1:
            raise ValueError("taper: 0, or at least 1 Wh")

    @property
    def wants(self) -> float:
        """Wh that it would still draw."""
        missing = self.battery.missing
        return missing / self.efficiency if missing > _FULL else 0.0

    def current(self, offered: float = math.inf) -> float:
        """A that it draws at this moment where `offered` A are allowed."""
        missing = self.battery.missing
        if missing <= _FULL or offered <= 0:
            return 0.0
        falling = self.rated * missing / self.taper if missing < self.taper else self.rated
        return min(offered, max(falling, self.least))

    def charge(self, seconds: float, voltage: float, offered: float = math.inf) -> float:
        """Wh that it draws in `seconds` at `voltage` V, in closed form; the battery fills accordingly."""
        missing = before = self.battery.missing
        left = seconds / SECONDS_PER_HOUR
        for low, current in self._courses(offered):
            if left <= 0 or missing <= _FULL:
                break
            if missing <= low:
                continue
            power = voltage * current * self.efficiency
            if current > 0:
                missing, left = _linear(missing, low, power, left)
            else:
                rate = voltage * self.rated * self.efficiency / self.taper
                missing, left = _exponential(missing, low, rate, left)
        missing = 0.0 if missing <= _FULL else missing
        self.battery.store(before - missing)
        return (before - missing) / self.efficiency

    def time_to_full(self, voltage: float, offered: float = math.inf) -> float:
        """Seconds until it is full at `voltage` V; infinity where nothing is offered."""
        if voltage <= 0 or offered <= 0:
            return math.inf
        missing, hours = self.battery.missing, 0.0
        for low, current in self._courses(offered):
            if missing <= low:
                continue
            if current > 0:
                hours += (missing - low) / (voltage * current * self.efficiency)
            else:
                hours += math.log(missing / low) * self.taper / (voltage * self.rated * self.efficiency)
            missing = low
        return hours * SECONDS_PER_HOUR

    def _courses(self, offered: float) -> tuple[tuple[float, float], ...]:
        """The curve as (Wh missing at its end, constant current in A or 0 where it falls), first to last."""
        if offered <= 0:
            return ()
        highest = min(self.rated, offered)
        lowest = min(self.least, offered)
        return (
            (self.taper * highest / self.rated, highest),
            (self.taper * lowest / self.rated, 0.0),
            (0.0, lowest),
        )


def _linear(missing: float, low: float, power: float, hours: float) -> tuple[float, float]:
    """What is missing and the hours left after filling at constant `power` W, at most down to `low` Wh."""
    needed = (missing - low) / power if power > 0 else math.inf
    if needed <= hours:
        return low, hours - needed
    return missing - power * hours, 0.0


def _exponential(missing: float, low: float, rate: float, hours: float) -> tuple[float, float]:
    """The same where power is in proportion to what is missing, `rate` per hour."""
    needed = math.log(missing / low) / rate if rate > 0 else math.inf
    if needed <= hours:
        return low, hours - needed
    return missing * math.exp(-rate * hours), 0.0
