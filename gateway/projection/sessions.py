"""Reading projected sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from chaincode.mandate import Mandate
from chaincode.session import CANCELLED, OPENED, STARTED, Session
from gateway.projection.records import SESSION

PAGE = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A session as it was projected."""

    position: int
    """Its place in lists."""
    host: str
    """Code of the condominium where it is."""
    record: Session
    ended_at: int | None
    """Unix seconds."""


_COLUMNS = (SESSION.c.position, SESSION.c.host, SESSION.c.record, SESSION.c.ended_at)


def by_id(connection: Connection, session: str) -> Found | None:
    """A session, None where no event of it has come."""
    row = connection.execute(select(*_COLUMNS).where(SESSION.c.session == session)).one_or_none()
    return None if row is None else _found(row)


def under_way(connection: Connection, host: str) -> list[Session]:
    """The sessions at a condominium that have not ended, oldest first."""
    query = (
        select(SESSION.c.record)
        .where(SESSION.c.state.in_((OPENED, STARTED)), SESSION.c.host == host)
        .order_by(SESSION.c.position)
    )
    return [Session.decode(row.record.encode()) for row in connection.execute(query)]


def page(
    connection: Connection,
    *,
    wallet: str | None = None,
    unit: int | None = None,
    host: str | None = None,
    state: str | None = None,
    since: int | None = None,
    until: int | None = None,
    before: int | None = None,
) -> list[Found]:
    """At most `PAGE` sessions, newest first, those before a position; opened from `since` on and before
    `until` (Unix seconds)."""
    query: Select[Any] = select(*_COLUMNS)
    for column, value in (
        (SESSION.c.wallet, wallet),
        (SESSION.c.unit, unit),
        (SESSION.c.host, host),
        (SESSION.c.state, state),
    ):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(SESSION.c.opened_at >= since)
    if until is not None:
        query = query.where(SESSION.c.opened_at < until)
    if before is not None:
        query = query.where(SESSION.c.position < before)
    rows = connection.execute(query.order_by(SESSION.c.position.desc()).limit(PAGE))
    return [_found(row) for row in rows]


def between(
    connection: Connection, wallet: str, host: str, *, since: int, until: int, before: int | None, limit: int
) -> list[Found]:
    """At most `limit` of a wallet's sessions at a condominium that had begun to charge before `until` and had
    not ended by `since` (Unix seconds), newest first, those before a position."""
    query = select(*_COLUMNS).where(
        SESSION.c.wallet == wallet,
        SESSION.c.host == host,
        SESSION.c.started_at < until,
        SESSION.c.ended_at.is_(None) | (SESSION.c.ended_at >= since),
    )
    if before is not None:
        query = query.where(SESSION.c.position < before)
    rows = connection.execute(query.order_by(SESSION.c.position.desc()).limit(limit))
    return [_found(row) for row in rows]


def spent_under(connection: Connection, mandate: Mandate, now: int) -> int:
    """What a mandate's sessions of the period of `now` (Unix seconds) have locked, less what came back."""
    begun = mandate.period_of(now) * mandate.period
    query = select(SESSION.c.amount, SESSION.c.refund, SESSION.c.state, SESSION.c.record).where(
        SESSION.c.wallet == mandate.wallet,
        SESSION.c.opened_at >= begun,
        SESSION.c.opened_at < begun + mandate.period,
    )
    spent = 0
    for row in connection.execute(query):
        if Session.decode(row.record.encode()).mandate == mandate.id:
            spent += row.amount - (row.amount if row.state == CANCELLED else row.refund or 0)
    return spent


def _found(row: Any) -> Found:
    return Found(row.position, row.host, Session.decode(row.record.encode()), row.ended_at)
