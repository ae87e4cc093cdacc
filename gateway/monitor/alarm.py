"""Alarms: what is wrong, on record from when it began to when it ended, and told to whoever listens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from gateway.clock import Clock
from gateway.monitor.anomaly import Anomaly, Kind
from gateway.monitor.records import ALARM
from gateway.notification.bus import Bus, Notice
from gateway.store.database import Database
from gateway.store.errors import StoreError

TOPIC = "alarms"
PAGE = 100
_LOG = logging.getLogger(__name__)
_Key = tuple[Kind, int | None, str | None]


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it is on record. Times in milliseconds since 1970."""

    id: int
    kind: str
    unit: int | None
    session: str | None
    raised_at: int
    cleared_at: int | None
    value: int | None
    limit: int | None
    text: str


class Alarms:
    """Raises and clears alarms. One of a kind for a unit and session lasts until it is cleared."""

    def __init__(self, database: Database, bus: Bus, clock: Clock) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._lasting: set[_Key] = set()
        self._writes: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Learn which alarms lasted when the gateway stopped."""
        query = select(ALARM.c.kind, ALARM.c.unit, ALARM.c.session).where(ALARM.c.cleared_at.is_(None))
        rows = await self._database.read(lambda c: c.execute(query).all())
        self._lasting = {(Kind(kind), unit, session) for kind, unit, session in rows}

    def raise_(self, anomaly: Anomaly, unit: int | None, session: str | None = None) -> None:
        """Put an anomaly on record, unless it lasts already."""
        key = (anomaly.kind, unit, session)
        if key in self._lasting:
            return
        self._lasting.add(key)
        self._record(anomaly, unit, session, None)

    def note(self, anomaly: Anomaly, unit: int | None, session: str | None = None) -> None:
        """Put on record what was wrong for a moment."""
        self._record(anomaly, unit, session, self._clock.now())

    def clear(self, kinds: Iterable[Kind], unit: int | None, session: str | None = None) -> None:
        """What is no longer wrong."""
        for kind in kinds:
            key = (kind, unit, session)
            if key not in self._lasting:
                continue
            self._lasting.discard(key)
            now = self._clock.now()
            self._write(_clearing(kind, unit, session, now))
            row = {"kind": str(kind), "unit": unit, "session": session, "cleared_at": now}
            self._bus.publish(Notice(TOPIC, "cleared", row))

    async def page(
        self, *, unit: int | None = None, lasting: bool = False, before: int | None = None
    ) -> list[Alarm]:
        """Alarms, newest first, at most `PAGE`; those with an id below `before`. Raises `StoreError`."""
        query = select(ALARM).order_by(ALARM.c.id.desc()).limit(PAGE)
        if unit is not None:
            query = query.where(ALARM.c.unit == unit)
        if lasting:
            query = query.where(ALARM.c.cleared_at.is_(None))
        if before is not None:
            query = query.where(ALARM.c.id < before)
        rows = await self._database.read(lambda c: c.execute(query).mappings().all())
        return [Alarm(**row) for row in rows]

    def _record(
        self, anomaly: Anomaly, unit: int | None, session: str | None, cleared_at: int | None
    ) -> None:
        row = {
            "kind": str(anomaly.kind),
            "unit": unit,
            "session": session,
            "raised_at": self._clock.now(),
            "cleared_at": cleared_at,
            "value": anomaly.value,
            "limit": anomaly.limit,
            "text": anomaly.text,
        }
        _LOG.warning("%s: unit %s, session %s: %s", anomaly.kind, unit, session, anomaly.text)
        self._write(lambda connection: connection.execute(insert(ALARM), row))
        self._bus.publish(Notice(TOPIC, "raised", row))

    async def close(self) -> None:
        """Return when all that was raised and cleared is durable."""
        while self._writes:
            await asyncio.wait(self._writes)

    def _write(self, work: Callable[[Connection], object]) -> None:
        task = asyncio.create_task(self._store(work))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _store(self, work: Callable[[Connection], object]) -> None:
        def run(connection: Connection) -> None:
            work(connection)

        try:
            await self._database.write(run)
        except StoreError as error:
            # The log above has the alarm; charging goes on.
            _LOG.error("an alarm could not be put on record: %s", error)


def _clearing(kind: Kind, unit: int | None, session: str | None, now: int) -> Callable[[Connection], object]:
    query = (
        update(ALARM)
        .where(
            ALARM.c.kind == str(kind),
            ALARM.c.unit == unit if unit is not None else ALARM.c.unit.is_(None),
            ALARM.c.session == session if session is not None else ALARM.c.session.is_(None),
            ALARM.c.cleared_at.is_(None),
        )
        .values(cleared_at=now)
    )
    return lambda connection: connection.execute(query)
