"""One socket: supply, relay, cable and car, and the true energy that went through."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from firmware.simulator.electrical.car import SECONDS_PER_HOUR, Car
from firmware.simulator.electrical.climate import Climate
from firmware.simulator.electrical.mains import Mains
from firmware.simulator.electrical.pilot import PilotState, duty_cycle, offered_current
from firmware.simulator.electrical.relay import Relay


@dataclass(slots=True)
class Outlet:
    """Where a car gets its power. Time goes forward only by `advance`."""

    time: float
    """Unix seconds."""
    mains: Mains = field(default_factory=Mains)
    relay: Relay | None = field(default_factory=Relay)
    """None for a socket that is wired straight to the supply ("always on", paper section 5)."""
    piloted: bool = True
    """Whether there is a control pilot; a domestic socket has none and can offer all or nothing."""
    climate: Climate = field(default_factory=Climate)
    car: Car | None = None
    duty: float = 1.0
    """Of the pilot's wave."""
    energy: float = 0.0
    """Wh: the electrical truth that a meter is measured against."""

    @property
    def conducting(self) -> bool:
        """Whether the socket has voltage."""
        return self.mains.live and (self.relay is None or self.relay.closed)

    @property
    def offered(self) -> float:
        """A that a car here may draw at this moment."""
        if not self.conducting:
            return 0.0
        return offered_current(self.duty) if self.piloted else math.inf

    @property
    def current(self) -> float:
        """A RMS that flow at this moment."""
        return 0.0 if self.car is None else self.car.current(self.offered)

    @property
    def pilot(self) -> PilotState:
        """What the pilot shows."""
        if self.car is None:
            return PilotState.A
        return PilotState.C if self.current > 0 else PilotState.B

    def switch(self, closed: bool, limit: float) -> None:
        """Energise the relay or not, and offer `limit` A on the pilot."""
        self.duty = duty_cycle(limit) if closed or self.relay is None else 1.0
        if self.relay is not None:
            load = 0.0 if self.car is None else self.car.current(limit)
            self.relay.set(closed, load if self.mains.live else 0.0)

    def advance(self, time: float) -> float:
        """Let the world run to `time`; the mean current in A since then. Raises ValueError for the past."""
        seconds = time - self.time
        if seconds < 0:
            raise ValueError("time: does not run backwards")
        self.time = time
        if seconds == 0 or self.car is None or not self.conducting:
            return 0.0
        energy = self.car.charge(seconds, self.mains.voltage, self.offered)
        self.energy += energy
        return energy * SECONDS_PER_HOUR / (self.mains.voltage * seconds)
