"""The whole floor at one glance, for the console: groups, units, who charges, who waits and why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from pydantic import Field

from gateway.charging.grants import Grants
from gateway.clock import Clock
from gateway.monitor.alarm import TOPIC as ALARMS
from gateway.monitor.alarm import Alarm, Alarms
from gateway.monitor.fleet import ConfiguredFleet
from gateway.monitor.floor import Floor
from gateway.monitor.monitor import SESSIONS
from gateway.monitor.session import Activity, LiveSession
from gateway.monitor.view import SessionAnswer, WhyAnswer, session_view
from gateway.notification.bus import Bus
from gateway.rest import body
from gateway.transaction.catalogue import Catalogue

BEAT = 5.0
"""Seconds after which the picture is sent again though nothing changed: a reader that hears nothing for
longer knows that the connection is lost."""
PAUSE = 0.5
"""Seconds between two pictures at least: many sessions may change at once."""
_STATES = {
    Activity.QUEUED: "queued",
    Activity.CHARGING: "charging",
    Activity.PAUSED: "paused",
    Activity.COMPLETE: "paused",
    Activity.STOPPING: "charging",
}


class AlarmAnswer(body.Answer):
    """Something that was wrong; times in milliseconds since 1970."""

    id: int
    kind: str
    unit: int | None
    session: str | None
    raised_at: int
    cleared_at: int | None = Field(description="Null while it lasts.")
    value: int | None
    limit: int | None
    text: str


class GroupNow(body.Answer):
    """A group and its supply, W."""

    code: str
    name: str
    limit: int
    load: int = Field(description="What its vehicles draw.")
    granted: int = Field(description="What its units may draw by the grants that are out.")


class UnitNow(body.Answer):
    """A unit in service. Current in mA, voltage in 0.1 V, power in W, times in Unix seconds."""

    unit: int
    name: str
    location: str
    group: str
    state: str = Field(description="free, queued, charging, paused or offline.")
    unit_class: str = Field(serialization_alias="class")
    current: int = Field(description="Nominal.")
    maximum: int = Field(description="What the installation allows here.")
    voltage: int
    phases: int
    power: int
    heard: int | None = Field(description="When it was last heard of since the gateway started.")
    reason: str | None = Field(description="A sentence in English, where a session is under way.")
    why: WhyAnswer | None
    waiting: int = Field(description="Sessions at it that do not charge yet.")
    sessions: list[SessionAnswer] = Field(description="In their order; staff alone are told.")


class Overview(body.Answer):
    """The floor at a moment."""

    at: int = Field(description="Milliseconds since 1970.")
    groups: list[GroupNow]
    units: list[UnitNow]
    alarms: list[AlarmAnswer] = Field(description="Those that last; staff alone are told.")


class Lookout:
    """Draws the picture, and draws it again when something changes."""

    def __init__(
        self,
        *,
        code: str,
        floor: Floor,
        fleet: ConfiguredFleet,
        grants: Grants,
        catalogue: Catalogue,
        alarms: Alarms,
        bus: Bus,
        clock: Clock,
    ) -> None:
        """`code` is the condominium's."""
        self._code = code
        self._floor = floor
        self._fleet = fleet
        self._grants = grants
        self._catalogue = catalogue
        self._alarms = alarms
        self._bus = bus
        self._clock = clock

    async def picture(self, *, reduced: bool) -> Overview:
        """The floor as it is; `reduced` leaves out whose sessions they are, and alarms.

        Raises LedgerError, StoreError."""
        drawn = [await self._unit(number, reduced=reduced) for number in self._fleet.numbers]
        units = [unit for unit in drawn if unit is not None]
        lasting = [] if reduced else await self._alarms.page(lasting=True)
        return Overview(
            at=self._clock.now(),
            groups=[self._group(code, name, units) for code, name in self._fleet.groups.items()],
            units=units,
            alarms=[alarm_answer(each) for each in lasting],
        )

    async def follow(self, *, reduced: bool) -> AsyncGenerator[Overview, None]:
        """The picture now, soon after each change, and every `BEAT` seconds. Raises as `picture` does."""
        with self._bus.subscribe(ALARMS, SESSIONS) as notices:
            while True:
                yield await self.picture(reduced=reduced)
                await asyncio.sleep(PAUSE)
                try:
                    await asyncio.wait_for(anext(notices), BEAT - PAUSE)
                    notices.skip()
                except TimeoutError:
                    pass
                except StopAsyncIteration:
                    return

    def _group(self, code: str, name: str, units: list[UnitNow]) -> GroupNow:
        return GroupNow(
            code=code,
            name=name,
            limit=self._floor.limit(code),
            load=sum(unit.power for unit in units if unit.group == code),
            granted=sum(grant.load for grant in self._grants.in_group(code)),
        )

    async def _unit(self, number: int, *, reduced: bool) -> UnitNow | None:
        """None for a unit that was retired while the others were looked at."""
        facts, settings = self._fleet.unit(number), self._fleet.settings(number)
        if facts is None or settings is None:
            return None
        record = await self._catalogue.unit(number)
        sessions = self._floor.at(number)
        first = sessions[0] if sessions else None
        why = first.why if first is not None and first.running else None
        return UnitNow(
            unit=number,
            name=settings.name,
            location=settings.location,
            group=facts.group,
            state=state_of(self._floor, number),
            unit_class=record.key_class,
            current=facts.nominal_current,
            maximum=facts.maximum_current,
            voltage=facts.voltage,
            phases=facts.phases,
            power=power_of(first),
            heard=self._floor.last_heard(number),
            reason=why.text if why is not None else None,
            why=WhyAnswer(code=why.code, values=why.values) if why is not None else None,
            waiting=sum(each.activity is Activity.QUEUED for each in sessions),
            sessions=[] if reduced else [session_view(each.record, self._code, each) for each in sessions],
        )


def state_of(floor: Floor, unit: int) -> str:
    """What a unit is doing, in one word."""
    live = floor.first_at(unit)
    if not floor.heard(unit):
        return "offline"
    return "free" if live is None else _STATES.get(live.activity, "free")


def power_of(live: LiveSession | None) -> int:
    """W that a session draws now."""
    drawing = live is not None and live.running and live.vehicle.closed
    return live.vehicle.power // 1000 if live is not None and drawing else 0


def alarm_answer(alarm: Alarm) -> AlarmAnswer:
    """An alarm as its answer."""
    return AlarmAnswer(
        id=alarm.id,
        kind=alarm.kind,
        unit=alarm.unit,
        session=alarm.session,
        raised_at=alarm.raised_at,
        cleared_at=alarm.cleared_at,
        value=alarm.value,
        limit=alarm.limit,
        text=alarm.text,
    )
