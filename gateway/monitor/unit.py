"""What charging and monitoring have to know of a unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.charging.scheduler import LEAST_CURRENT, Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """A unit as the ledger and the operators' settings describe it, together."""

    number: int
    group: str
    voltage: int
    """Nominal, phase to neutral, tenths of a volt."""
    phases: int
    nominal_current: int
    """mA per phase, as enrolled."""
    maximum_current: int
    """mA that the installation allows here, at most the nominal current."""
    adjustable: bool
    """Whether the unit can tell the vehicle a limit; otherwise it switches on or off."""
    transmission: int
    """Seconds between batches."""
    maximum_temperature: int = 70
    """°C above which the unit's temperature is an anomaly."""

    @property
    def connection(self) -> Connection:
        """How the unit loads its supply."""
        return Connection(self.voltage, self.phases)

    @property
    def least_current(self) -> int:
        """mA: the least that the unit can be granted."""
        return min(LEAST_CURRENT, self.maximum_current) if self.adjustable else self.maximum_current

    @property
    def silent_after(self) -> int:
        """Seconds without a batch after which the unit counts as silent: three lost in a row."""
        return max(180, 3 * self.transmission)

    @property
    def grant(self) -> int:
        """Seconds of a full grant. Renewed when half is over, so two lost batches interrupt nothing."""
        return min(65_535, max(120, 4 * self.transmission))

    def power(self, current: int) -> int:
        """mW of `current` mA at the nominal voltage, all phases."""
        return current * self.voltage * self.phases // 10


class Fleet(Protocol):
    """The units of this condominium, as they are now."""

    def unit(self, number: int) -> UnitFacts | None:
        """A unit's facts, None for one that is not in service."""

    def limit(self, group: str) -> int:
        """A group's maximum load, W."""
