"""What really flows through all sockets together: the limit is checked, not assumed."""

from __future__ import annotations

from firmware.simulator.electrical.outlet import Outlet

ROUNDING = 1e-6
"""Watts that floating point may add."""


class LimitExceeded(Exception):
    """More power flowed than the limit allows."""


class Supply:
    """Adds up the outlets' power at every step of one of them.

    Between two of its steps an outlet's power does not rise (a car's current only falls until something is
    done to its socket), so the sum of what each showed last is never below the truth."""

    def __init__(self, limit: float | None) -> None:
        """`limit` in W; None for none."""
        self._limit = limit
        self._power: dict[int, float] = {}
        self._sum = 0.0
        self.highest = 0.0
        """W, the most that there was at any moment."""

    def observe(self, number: int, outlet: Outlet) -> None:
        """Outlet `number` has been stepped. Raises LimitExceeded."""
        power = outlet.current * outlet.mains.present
        self._sum += power - self._power.get(number, 0.0)
        self._power[number] = power
        if self._sum > self.highest:
            self.highest = sum(self._power.values())
            if self._limit is not None and self.highest > self._limit + ROUNDING:
                raise LimitExceeded(
                    f"{self.highest:.1f} W flowed at {outlet.time:.0f}, the limit is {self._limit:.0f} W"
                )
