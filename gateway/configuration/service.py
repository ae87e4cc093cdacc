"""What operators configure: groups and units, here and on the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from nacl.utils import random
from sqlalchemy import Connection

from chaincode.errors import InvalidArgument, NotFound, StateConflict
from chaincode.fields import encode
from chaincode.signing.domain import MAC_KEY_BYTES
from chaincode.unit import ACTIVE, MAC, Unit
from gateway.configuration import group as groups
from gateway.configuration import unit as units
from gateway.configuration.group import Group
from gateway.configuration.secrets import Keys
from gateway.configuration.unit import UnitSettings
from gateway.metering.configuration import UnitConfiguration
from gateway.settings import UnitSettings as Defaults
from gateway.store.database import Database
from gateway.transaction.submission import Submitter


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What the ledger is told of a new unit."""

    unit: int
    key_class: str
    """`ed25519`, `mac` or `ocmf` (`chaincode.unit`)."""
    key: str | None
    """Hexadecimal: the unit's public key; for `mac` the shared key, made here where it is None."""
    nominal_current: int
    """mA."""
    nominal_voltage: int
    """0.1 V."""
    phases: int


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A unit's record on the ledger, and its MAC key where this gateway has just made one."""

    record: Unit
    mac_key: str | None


class Configuration:
    """Groups and units. `gateway.metering.configuration.ConfigurationSource` among other things."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        submitter: Submitter,
        defaults: Defaults,
    ) -> None:
        """`defaults` hold for units that have no setting of their own."""
        self._database = database
        self._keys = keys
        self._submitter = submitter
        self._defaults = defaults
        # Two at once for one number would leave the unit with one's record and the other's key.
        self._enrolling = asyncio.Lock()
        self._listeners: list[Callable[[int | None], None]] = []

    def subscribe(self, listener: Callable[[int | None], None]) -> None:
        """Call `listener` after each change: with a unit's number, or None where a group changed."""
        self._listeners.append(listener)

    def tag_salt(self) -> bytes:
        """What this condominium's readers hash tags' ids with."""
        return self._keys.tag_salt()

    async def groups(self) -> list[Group]:
        """Every group, by code."""
        return await self._database.read(groups.all_groups)

    async def add_group(self, group: Group) -> Group:
        """A new group. Raises StateConflict."""
        await self._database.write(lambda c: groups.add(c, group))
        self._changed(None)
        return group

    async def change_group(self, code: str, values: dict[str, Any]) -> Group:
        """A group with some of name, maximum_load and phases changed. Raises NotFound, InvalidArgument."""
        phases = await self._phases()

        def work(connection: Connection) -> Group:
            group = groups.change(connection, code, values)
            for settings in units.all_units(connection):
                if settings.group == code and phases.get(settings.unit, 1) > group.phases:
                    raise InvalidArgument("phases", f"is at least unit {settings.unit}'s")
            return group

        group = await self._database.write(work)
        self._changed(None)
        return group

    async def remove_group(self, code: str) -> None:
        """Forget a group without units. Raises NotFound, StateConflict."""
        await self._database.write(lambda c: groups.remove(c, code))
        self._changed(None)

    async def units(self) -> list[UnitSettings]:
        """Every unit's settings, by number; also of units that are retired."""
        return await self._database.read(units.all_units)

    async def unit(self, number: int) -> UnitSettings:
        """A unit's settings. Raises NotFound."""
        return await self._database.read(lambda c: units.by_number(c, number))

    async def unit_configuration(self, unit: int) -> UnitConfiguration | None:
        """What the unit itself is told, None where nobody has set anything."""
        settings = await self._database.read(lambda c: units.find(c, unit))
        if settings is None:
            return None
        return units.told(settings, await self.record(unit), self._defaults)

    async def record(self, number: int) -> Unit:
        """A unit's record on the ledger. Raises NotFound, `LedgerError`."""
        return Unit.decode(await self._submitter.evaluate("unit.get", [str(number).encode()]))

    async def change_unit(self, number: int, values: dict[str, Any]) -> UnitSettings:
        """A unit's settings with some changed; the unit learns them at its next start with empty memory.

        Raises NotFound, InvalidArgument."""
        enrolled = await self.record(number)

        def work(connection: Connection) -> UnitSettings:
            settings = replace(units.by_number(connection, number), **values)
            group = groups.by_code(connection, settings.group)
            units.check(settings, enrolled, group, self._defaults.switch_networks)
            units.put(connection, settings)
            return settings

        settings = await self._database.write(work)
        self._changed(number)
        return settings

    async def enrol(self, enrolment: Enrolment, settings: UnitSettings) -> Enrolled:
        """Put a new unit, or new hardware at a retired unit's number, on the ledger.

        Its settings and MAC key are kept first: what is on the ledger is always complete here, and what
        was cut off in between is simply done again. Raises InvalidArgument, StateConflict."""
        async with self._enrolling:
            return await self._enrol(enrolment, settings)

    async def _enrol(self, enrolment: Enrolment, settings: UnitSettings) -> Enrolled:
        request, mac_key = _request(enrolment)
        before = await self._find(enrolment.unit)
        if before is not None and before.state == ACTIVE:
            raise StateConflict("unit", f"{enrolment.unit} is not enrolled yet; retire it first")

        def work(connection: Connection) -> None:
            record = _as_enrolled(enrolment)
            group = groups.by_code(connection, settings.group)
            units.check(settings, record, group, self._defaults.switch_networks)
            units.put(connection, settings)
            if mac_key is not None:
                self._keys.put_mac_key(connection, enrolment.unit, mac_key)

        await self._database.write(work)
        committed = await self._submitter.submit("unit.enrol", [encode(request)])
        self._changed(enrolment.unit)
        made = mac_key.hex() if mac_key is not None and enrolment.key is None else None
        return Enrolled(Unit.decode(committed.result), made)

    async def rotate_key(self, number: int, key: str | None) -> Enrolled:
        """Another key for the same meter: its public one, or for class `mac` a shared one, made here where
        it is None. Raises InvalidArgument, NotFound, StateConflict."""
        record = await self.record(number)
        if record.state != ACTIVE:
            raise StateConflict("unit", f"{number} is not retired")
        if record.key_class != MAC:
            committed = await self._submitter.submit(
                "unit.rotate_key", [encode({"unit": number, "key": key} if key else {"unit": number})]
            )
            self._changed(number)
            return Enrolled(Unit.decode(committed.result), None)
        shared = _mac_key(key)
        await self._database.write(lambda c: self._keys.put_mac_key(c, number, shared))
        self._changed(number)
        return Enrolled(record, shared.hex() if key is None else None)

    async def retire(self, number: int) -> Unit:
        """No more sessions at this unit; its settings stay for whoever comes next at its number.

        Raises NotFound, StateConflict."""
        committed = await self._submitter.submit("unit.retire", [encode({"unit": number})])
        await self._database.write(lambda c: self._keys.remove_mac_key(c, number))
        self._changed(number)
        return Unit.decode(committed.result)

    async def _find(self, number: int) -> Unit | None:
        try:
            return await self.record(number)
        except NotFound:
            return None

    async def _phases(self) -> dict[int, int]:
        """The phases of each enrolled unit."""
        records = [await self._find(settings.unit) for settings in await self.units()]
        return {record.number: record.phases for record in records if record is not None}

    def _changed(self, unit: int | None) -> None:
        for listener in self._listeners:
            listener(unit)


def _request(enrolment: Enrolment) -> tuple[dict[str, Any], bytes | None]:
    """The ledger's request, and the MAC key that is kept here."""
    request: dict[str, Any] = {
        "unit": enrolment.unit,
        "class": enrolment.key_class,
        "nominal_current": enrolment.nominal_current,
        "nominal_voltage": enrolment.nominal_voltage,
        "phases": enrolment.phases,
    }
    if enrolment.key_class == MAC:
        return request, _mac_key(enrolment.key)
    if enrolment.key is not None:
        request["key"] = enrolment.key
    return request, None


def _mac_key(key: str | None) -> bytes:
    if key is None:
        return random(MAC_KEY_BYTES)
    try:
        decoded = bytes.fromhex(key)
    except ValueError:
        decoded = b""
    if len(decoded) != MAC_KEY_BYTES:
        raise InvalidArgument("key", f"is {MAC_KEY_BYTES} bytes in hexadecimal")
    return decoded


def _as_enrolled(enrolment: Enrolment) -> Unit:
    """The record as the ledger will make it, as far as settings are checked against it."""
    return Unit(
        number=enrolment.unit,
        key_class=enrolment.key_class,
        key=None,
        nominal_current=enrolment.nominal_current,
        nominal_voltage=enrolment.nominal_voltage,
        phases=enrolment.phases,
        state=ACTIVE,
        enrolled_at=0,
        generation=1,
        retired_keys=(),
    )
