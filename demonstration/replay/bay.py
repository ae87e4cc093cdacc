"""One socket of the replay: an installation, and its unit's stream to the gateway in this process."""

from __future__ import annotations

import math
from collections.abc import Callable

from demonstration.replay.supply import Supply
from firmware.simulator.electrical.car import Car
from firmware.simulator.installation import Installation
from gateway.clock import Clock
from gateway.metering.service import Metering


class Bay:
    """A unit that speaks to the metering service as over gRPC: batches up, commands down."""

    def __init__(
        self,
        installation: Installation,
        metering: Metering,
        supply: Supply,
        clock: Clock,
        *,
        wanted: Callable[[Bay], None],
        moved: Callable[[Bay], None],
    ) -> None:
        """`wanted` is told that there is a command to fetch, `moved` after each step."""
        self.installation = installation
        self.number = installation.identity.unit
        self.batches = 0
        self.awake = False
        """Whether the unit is followed. One without a session would only repeat its register."""
        self._metering = metering
        self._supply = supply
        self._clock = clock
        self._wanted = wanted
        self._moved = moved

    @property
    def due(self) -> float:
        """ms since 1970 at which the unit may have something to say."""
        due = self.installation.due_to_report
        return due if due == math.inf else math.ceil(due * 1_000 - 0.001)

    async def power_up(self) -> None:
        """Start the unit and give it its configuration."""
        self.installation.power_up()
        assert self.installation.unit is not None
        message = await self._metering.configurations.compose(self.number, self.installation.unit.boot)
        await self._say(self._step(configuration=message))

    async def plug(self, car: Car | None) -> None:
        """Connect a car, which wakes the unit up, or take one away."""
        time = self._clock.now() / 1_000
        batches = self._until(time)
        self.installation.outlet.car = car
        self.awake = self.awake or car is not None
        # The pilot is read with the next measurement, a moment later.
        batches += self.installation.step(time + 0.001).batches
        self._supply.observe(self.number, self.installation.outlet)
        await self._say(batches)

    async def go_on(self) -> None:
        """Step to now, and say what there is to say."""
        await self._say(self._step())

    async def fetch(self) -> None:
        """Take the command that waits."""
        outbox = self._metering.outbox
        if outbox.pending(self.number, self):
            await self._say(self._step(command=await outbox.compose(self.number, self)))

    def wake(self) -> None:
        """See `gateway.metering.outbox.Connection`."""
        self._wanted(self)

    def displace(self) -> None:
        """See `gateway.metering.outbox.Connection`: there is no other one."""

    def _step(self, *, command: bytes | None = None, configuration: bytes | None = None) -> list[bytes]:
        place = self.installation
        time = max(self._clock.now() / 1_000, place.outlet.time)
        batches = self._until(time)
        batches += place.step(time, command=command, configuration=configuration).batches
        self._supply.observe(self.number, place.outlet)
        return batches

    def _until(self, time: float) -> list[bytes]:
        """All that the unit did before `time`; one that was asleep wakes up there."""
        place = self.installation
        return place.catch_up(time) if self.awake else place.step(max(time, place.outlet.time)).batches

    async def _say(self, batches: list[bytes]) -> None:
        """Send batches and obey what comes back, until nothing more is to be said."""
        outbox = self._metering.outbox
        while batches:
            self.batches += len(batches)
            accepted = await self._metering.intake.receive(b"".join(batches), self.number)
            outbox.attach(self.number, self, accepted.fresh)
            batches = self._step(command=await outbox.compose(self.number, self))
        self._moved(self)
