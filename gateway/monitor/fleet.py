"""The units as operators configured them, kept in memory: every batch and every plan asks for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from chaincode.errors import NotFound
from chaincode.unit import ACTIVE
from gateway.configuration.group import Group
from gateway.configuration.service import Configuration
from gateway.configuration.unit import Relay, UnitSettings
from gateway.monitor.unit import UnitFacts
from gateway.store.errors import StoreError
from network.ledger import LedgerError

_LOG = logging.getLogger(__name__)


class ConfiguredFleet:
    """`Fleet` over the configuration service."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._units: dict[int, UnitFacts] = {}
        self._settings: dict[int, UnitSettings] = {}
        self._groups: dict[str, Group] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._stale = False
        self._task: asyncio.Task[None] | None = None
        configuration.subscribe(lambda _: self.reload())

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with each group's code after anything of any group has changed."""
        self._listeners.append(listener)

    async def load(self) -> None:
        """Read all groups and units. Raises LedgerError, StoreError."""
        groups = {group.code: group for group in await self._configuration.groups()}
        units, known = {}, {}
        for settings in await self._configuration.units():
            known[settings.unit] = settings
            try:
                record = await self._configuration.record(settings.unit)
            except NotFound:
                continue  # Its enrolment was interrupted; it is done again or never.
            if record.state == ACTIVE:
                units[settings.unit] = UnitFacts(
                    number=settings.unit,
                    group=settings.group,
                    voltage=record.nominal_voltage,
                    phases=record.phases,
                    nominal_current=record.nominal_current,
                    maximum_current=settings.maximum,
                    adjustable=settings.relay is Relay.PILOT,
                    transmission=settings.transmission,
                )
        self._groups, self._units, self._settings = groups, units, known

    def unit(self, number: int) -> UnitFacts | None:
        """See `Fleet`."""
        return self._units.get(number)

    def limit(self, group: str) -> int:
        """See `Fleet`; 0 for a group that is gone."""
        known = self._groups.get(group)
        return known.maximum_load if known is not None else 0

    def settings(self, number: int) -> UnitSettings | None:
        """What operators set for a unit."""
        return self._settings.get(number)

    def switches(self) -> dict[int, str]:
        """The address of each unit's network switch, for the units in service that have one."""
        found = {number: self._settings[number] for number in self._units}
        return {n: each.switch for n, each in found.items() if each.relay is Relay.NETWORK}

    def reload(self) -> None:
        """Read everything again soon: something has changed."""
        self._stale = True
        if self._task is None:
            self._task = asyncio.create_task(self._reload(), name="fleet")

    @property
    def numbers(self) -> list[int]:
        """The units in service, by number."""
        return sorted(self._units)

    @property
    def groups(self) -> dict[str, str]:
        """The groups' names by their codes."""
        return {code: group.name for code, group in self._groups.items()}

    async def close(self) -> None:
        """Read nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _reload(self) -> None:
        try:
            while self._stale:
                self._stale = False
                await self.load()
            for listener in self._listeners:
                for group in self._groups:
                    listener(group)
        except (LedgerError, StoreError) as error:
            _LOG.error("units and groups could not be read again: %s", error)
        finally:
            self._task = None
