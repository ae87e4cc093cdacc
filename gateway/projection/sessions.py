"""Reading projected sessions."""

from __future__ import annotations

from sqlalchemy import Connection, Select, select

from chaincode.session import OPENED, STARTED, Session
from gateway.projection.records import SESSION

PAGE = 100


def by_id(connection: Connection, session: str) -> tuple[str, Session] | None:
    """A session with its host's code, None where no event of it has come."""
    row = connection.execute(
        select(SESSION.c.host, SESSION.c.record).where(SESSION.c.session == session)
    ).one_or_none()
    return None if row is None else (row.host, Session.decode(row.record.encode()))


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
    before: int | None = None,
) -> list[tuple[int, str, Session]]:
    """Position, host and record of at most `PAGE` sessions, newest first, those before a position."""
    query: Select[tuple[int, str, str]] = select(SESSION.c.position, SESSION.c.host, SESSION.c.record)
    for column, value in (
        (SESSION.c.wallet, wallet),
        (SESSION.c.unit, unit),
        (SESSION.c.host, host),
        (SESSION.c.state, state),
    ):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(SESSION.c.position < before)
    rows = connection.execute(query.order_by(SESSION.c.position.desc()).limit(PAGE))
    return [(row.position, row.host, Session.decode(row.record.encode())) for row in rows]
