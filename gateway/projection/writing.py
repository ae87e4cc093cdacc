"""Writing projected rows: each table's in one statement, over what is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.projection.projector import Projector, Reclaim, Row
from gateway.projection.records import CLAIM, CURSOR, SESSION, STATEMENT

_KEPT = {"position"}
"""Columns that keep their first value: where a list has a row does not change."""


def cursor(connection: Connection) -> tuple[int, int]:
    """The block whose events were applied last, and how many of them."""
    # Needs no lock: writes are serialisable, so of two gateways that apply the same events one is run again.
    row = connection.execute(select(CURSOR.c.block, CURSOR.c.events)).one_or_none()
    return (0, 0) if row is None else (row.block, row.events)


def write(connection: Connection, projected: Projector, block: int, events: int) -> None:
    """Write everything projected, and how far it goes, in the caller's transaction."""
    for table, rows in projected.rows.items():
        upsert(connection, table, list(rows.values()))
    for reclaim in projected.reclaims:
        _reclaim(connection, reclaim)
    for clearing in projected.clearings:
        pair = (clearing.first, clearing.second)
        connection.execute(
            update(CLAIM)
            .where(CLAIM.c.session.in_(clearing.claims), CLAIM.c.host.in_(pair), CLAIM.c.issuer.in_(pair))
            .values(clearing=clearing.id)
        )
    upsert(connection, CURSOR, [{"id": 1, "block": block, "events": events}])


def upsert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, or update those whose primary key is there."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key.columns]
    updated = [name for name in rows[0] if name not in keys and name not in _KEPT]
    statement: Any = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    if updated:
        changes = {name: statement.excluded[name] for name in updated}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changes)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    connection.execute(statement, rows)


def _reclaim(connection: Connection, reclaim: Reclaim) -> None:
    release, event = reclaim.release, reclaim.event
    session = connection.execute(
        select(SESSION.c.wallet, SESSION.c.host).where(SESSION.c.session == release.session)
    ).one_or_none()
    if session is None:
        return
    row = {
        "position": reclaim.position,
        "line": 0,
        "wallet": session.wallet,
        "issuer": reclaim.issuer,
        "time": event.timestamp,
        "kind": "reclaim",
        "amount": release.refund,
        "session": release.session,
        "transaction": event.transaction_id,
    }
    connection.execute(insert(STATEMENT), row)
    if release.paid:
        claim = {
            "host": session.host,
            "issuer": reclaim.issuer,
            "session": release.session,
            "amount": release.paid,
            "at": event.timestamp // 1000,
            "clearing": None,
        }
        upsert(connection, CLAIM, [claim])
