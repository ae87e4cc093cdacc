"""The `Scheduler` protocol: who may draw how much now, and why.

A scheduler is a pure function. It sees each group's limit, the sessions that want power, and the grants
that units may still be acting on; it answers with a current and a reason for each session. Loads are in W at
the nominal voltage, all phases together: that is what a supply's contract limits and what can be added up
over units of one and of three phases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.charging.reason import Why

LEAST_CURRENT = 6_000
"""mA; IEC 61851-1, annex A: a control pilot cannot offer less."""
CURRENT_STEP = 100
"""mA; commands carry tenths of an ampere."""
_WATTS = 10_000
"""Current in mA times voltage in tenths of a volt, for one watt."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How a unit is wired: what a current through it is as a load."""

    voltage: int
    """Nominal, phase to neutral, tenths of a volt."""
    phases: int

    def load(self, current: int) -> int:
        """W, rounded up, of `current` mA in each phase."""
        return -(-current * self.voltage * self.phases // _WATTS)

    def current(self, load: int) -> int:
        """The greatest current in mA, in whole steps, whose load is not above `load` W."""
        return max(0, load * _WATTS // (self.voltage * self.phases) // CURRENT_STEP * CURRENT_STEP)


@dataclass(frozen=True, slots=True)
class Supply:
    """A group: units behind one limit."""

    group: str
    limit: int
    """W."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One session that wants power now."""

    session: str
    unit: int
    group: str
    arrival: int
    """Unix seconds at which the session was opened."""
    deadline: int
    """Unix seconds after which nothing more may be charged."""
    leave: int | None = None
    """Unix seconds at which the car leaves, where the resident said so."""
    asked: int
    """mWh: what the resident asked for, or what the escrow buys where that is less or nothing was said."""
    delivered: int = 0
    """mWh."""
    connection: Connection
    least: int
    """mA: the unit charges with this or not at all. Its maximum where it can only switch."""
    most: int
    """mA, at least `least`."""
    draw: int | None = None
    """mA that the vehicle was lately seen to take, where that is known: estimates use it, limits do not."""
    full: bool = False
    """The vehicle takes no more; power is kept on, while nobody else can use it, only so that the unit can
    tell when the vehicle leaves."""

    def remaining(self, now: int, current: int) -> int:
        """Seconds that this session goes on when it may draw `current` mA from `now` on: an estimate."""
        power = self.connection.load(min(current, self.draw) if self.draw else current)
        return max(0, min(self.deadline - now, (self.asked - self.delivered) * 18 // (5 * max(1, power))))

    def outlook(self, begins: int, current: int) -> Outlook | None:
        """What to expect with `current` mA from `begins` on; None where that is nothing."""
        if self.full or begins >= self.deadline:
            return None
        return Outlook(begins, begins + self.remaining(begins, current))


@dataclass(frozen=True, slots=True)
class Grant:
    """A current that a unit may act on until it expires, whether or not the gateway still wants it to."""

    unit: int
    group: str
    session: str
    current: int
    """mA."""
    load: int
    """W."""
    until: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """When a session is expected to begin and to be done, if all goes on as it is: Unix seconds."""

    begins: int
    """The moment of the plan where it has power."""
    done: int
    """When it has what was asked for, or its time or its escrow is used up; a vehicle may be full before."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one session gets: 0 mA for nothing now."""

    session: str
    unit: int
    current: int
    why: Why
    outlook: Outlook | None = None
    """None where nothing can be expected: the vehicle is full, or its load not free before its deadline."""


class Scheduler(Protocol):
    """Divides each group's supply."""

    def plan(
        self, now: int, supplies: Sequence[Supply], requests: Sequence[Request], grants: Sequence[Grant]
    ) -> list[Decision]:
        """One decision for each request, in the order of the requests.

        `grants` are those that have not expired at `now` (Unix seconds), at most one a unit. Whatever a
        scheduler decides, in each group the sum over its units of the greater of outstanding grant and
        decision stays within the limit, or where the outstanding grants alone are above it (the limit was
        lowered), adds nothing to them. Deterministic: equal inputs give equal plans.
        """
