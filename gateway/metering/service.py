"""The metering service, put together: what the composition root makes and transports are given."""

from __future__ import annotations

from gateway.clock import Clock
from gateway.metering.configuration import Configurations, ConfigurationSource
from gateway.metering.counter import CommandCounters
from gateway.metering.directory import UnitDirectory
from gateway.metering.identification import Identification
from gateway.metering.intake import Intake
from gateway.metering.keys import Keys
from gateway.metering.outbox import Outbox
from gateway.metering.poll import answer
from gateway.metering.readings import Readings
from gateway.metering.refusal import Refusals
from gateway.metering.start import StartRequests
from gateway.store.database import Database


class Metering:
    """Everything that speaks to units, over one database.

    ::

        metering = Metering(database, directory, keys, network_tag(channel, code), settings, clock=clock)
        metering.intake.subscribe(monitor.on_batch)
        metering.requests.subscribe(monitor.on_request)
        metering.refusals.subscribe(monitor.on_alarm)
        await metering.start()
        metering.outbox.send(7, CommandKind.ON, session, grant=180)
    """

    def __init__(
        self,
        database: Database,
        directory: UnitDirectory,
        keys: Keys,
        network: bytes,
        settings: ConfigurationSource,
        *,
        clock: Clock,
    ) -> None:
        """`network` is the tag that this condominium's units name (`domain.network_tag`)."""
        self.clock = clock
        self.refusals = Refusals(clock)
        self.readings = Readings(database)
        identification = self.identification = Identification(directory, keys, network, self.refusals)
        self.outbox = Outbox(CommandCounters(database), keys, network, clock)
        self.intake = Intake(self.readings, identification, self.outbox, clock)
        self.requests = StartRequests(database, self.readings, identification, self.outbox, clock)
        self.configurations = Configurations(settings, identification, clock)

    async def start(self) -> None:
        """Begin taking batches."""
        await self.intake.start()

    async def close(self) -> None:
        """Answer what is held, end streams, store and acknowledge what has been taken, then stop."""
        self.outbox.end()
        await self.intake.close()

    async def exchange(self, body: bytes, unit: int | None = None, wait: int = 0) -> bytes:
        """Take a body of batches and answer it with a command. Raises as `Intake.receive` does.

        `unit` is whose batches they are to be; `wait` as for `poll.answer`."""
        accepted = await self.intake.receive(body, unit)
        return await answer(self.outbox, self.clock, accepted.unit.number, fresh=accepted.fresh, wait=wait)

    async def request(self, message: bytes, unit: int | None = None, wait: int = 0) -> bytes:
        """Take a start request and answer it with a command. Raises as `StartRequests.receive` does."""
        found = await self.requests.receive(message, unit)
        # A request could have been recorded, so it takes no commands away from an open connection.
        return await answer(self.outbox, self.clock, found.number, fresh=False, wait=wait)
