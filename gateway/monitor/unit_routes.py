"""REST for units as anybody sees them, and for alarms and events as operators do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from chaincode.errors import NotFound
from gateway.monitor.alarm import PAGE, TOPIC, Alarms
from gateway.monitor.fleet import ConfiguredFleet
from gateway.monitor.monitor import SESSIONS, ChargeMonitor
from gateway.monitor.overview import AlarmAnswer, Lookout, Overview, alarm_answer, power_of, state_of
from gateway.monitor.view import WhyAnswer
from gateway.notification.bus import Bus
from gateway.rest import body
from gateway.rest.bookmark import Bookmark, Page, following, number
from gateway.rest.caller import ROLES, Caller, CurrentPrincipal, Principal, allow
from gateway.rest.stream import MEDIA_TYPE, ServerEvent, Streams
from gateway.transaction.catalogue import Catalogue

_READERS = (Caller.ADMIN, Caller.OPERATOR, Caller.AUDITOR)


class UnitAnswer(body.Answer):
    """A unit as anybody sees it. Current in mA, voltage in 0.1 V, power in W."""

    unit: int
    state: str = Field(description="free, queued, charging, paused or offline.")
    reason: str | None = Field(description="A sentence, where a session waits or charges.")
    why: WhyAnswer | None = Field(description="The same as code and values, for a reader's own language.")
    unit_class: str = Field(serialization_alias="class")
    current: int
    voltage: int
    phases: int
    name: str
    location: str
    group: str
    power: int
    session: str | None = Field(description="Always null: what is looked up by socket names no session.")


def router(
    *,
    monitor: ChargeMonitor,
    fleet: ConfiguredFleet,
    catalogue: Catalogue,
    alarms: Alarms,
    lookout: Lookout,
    bus: Bus,
    streams: Streams,
) -> APIRouter:
    """The routes of units and alarms."""
    routes = APIRouter(tags=["units"])
    _units(routes, monitor, fleet, catalogue)
    _overview(routes, lookout, streams)
    _alarms(routes, alarms, bus, streams)
    return routes


def _units(routes: APIRouter, monitor: ChargeMonitor, fleet: ConfiguredFleet, catalogue: Catalogue) -> None:
    async def answer(unit: int) -> UnitAnswer:
        facts, settings = fleet.unit(unit), fleet.settings(unit)
        if facts is None or settings is None:
            raise NotFound("unit", f"{unit} is in service here")
        record = await catalogue.unit(unit)
        live = monitor.floor.first_at(unit)
        why = live.why if live is not None and live.running else None
        return UnitAnswer(
            unit=unit,
            state=state_of(monitor.floor, unit),
            reason=None if why is None else why.text,
            why=None if why is None else WhyAnswer(code=why.code, values=why.values),
            unit_class=record.key_class,
            current=facts.nominal_current,
            voltage=facts.voltage,
            phases=facts.phases,
            name=settings.name,
            location=settings.location,
            group=facts.group,
            power=power_of(live),
            session=None,
        )

    @routes.get("/v1/units", dependencies=[allow(Caller.ANYBODY)], summary="Units in service")
    async def list_units() -> Page[UnitAnswer]:
        """By number; all of them."""
        return Page(rows=[await answer(unit) for unit in fleet.numbers], bookmark="")

    @routes.get("/v1/units/{unit}", dependencies=[allow(Caller.ANYBODY)], summary="A unit")
    async def read_unit(unit: Annotated[int, Path(ge=0, le=65_535)]) -> UnitAnswer:
        return await answer(unit)


def _overview(routes: APIRouter, lookout: Lookout, streams: Streams) -> None:
    @routes.get("/v1/overview", dependencies=[allow(*ROLES)], summary="Groups, units and who waits for what")
    async def read_overview(principal: CurrentPrincipal) -> Overview:
        """A USER is told neither whose sessions they are nor of alarms."""
        return await lookout.picture(reduced=_is_user(principal))

    @routes.get(
        "/v1/overview/events",
        dependencies=[allow(*ROLES)],
        summary="The same as it changes",
        response_class=StreamingResponse,
        responses={200: {"content": {MEDIA_TYPE: {}}}},
    )
    async def stream_overview(principal: CurrentPrincipal) -> StreamingResponse:
        """Events named `overview`: one at once, one soon after each change, and one every five seconds, so
        that who hears none knows that the connection is lost."""
        return streams.response(_pictures(lookout.follow(reduced=_is_user(principal))))


def _is_user(principal: Principal) -> bool:
    return principal.caller is Caller.USER


async def _pictures(overviews: AsyncGenerator[Overview, None]) -> AsyncGenerator[ServerEvent, None]:
    async with aclosing(overviews):
        async for overview in overviews:
            yield ServerEvent("overview", overview.model_dump(mode="json", by_alias=True))


def _alarms(routes: APIRouter, alarms: Alarms, bus: Bus, streams: Streams) -> None:
    @routes.get("/v1/alarms", dependencies=[allow(*_READERS)], summary="Alarms")
    async def list_alarms(
        unit: Annotated[int | None, Query(ge=0, le=65_535)] = None,
        lasting: Annotated[bool, Query(description="Only those that last.")] = False,
        bookmark: Bookmark = "",
    ) -> Page[AlarmAnswer]:
        found = await alarms.page(unit=unit, lasting=lasting, before=number(bookmark))
        last = found[-1].id if found else 0
        return Page(rows=[alarm_answer(each) for each in found], bookmark=following(len(found), PAGE, last))

    @routes.get(
        "/v1/events",
        dependencies=[allow(*_READERS)],
        summary="Alarms and sessions as they change",
        response_class=StreamingResponse,
        responses={200: {"content": {MEDIA_TYPE: {}}}},
    )
    async def stream_events() -> StreamingResponse:
        """Events named `alarms` and `sessions`: each says what to read again. One whose
        `what` is `lagged` comes last to a reader that is too slow."""
        return streams.response(_events(bus))


async def _events(bus: Bus) -> AsyncGenerator[ServerEvent, None]:
    with bus.subscribe(TOPIC, SESSIONS) as notices:
        async for notice in notices:
            yield ServerEvent(notice.topic, {"what": notice.name, **notice.data})
