"""Charging sessions of a period, each in a few figures: what charts and spreadsheets are made of."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from gateway.projection.records import SESSION
from gateway.report.period import Span

MOST = 20_000
"""Sessions in one report."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The sessions of one report."""

    sessions: list[Charged]
    complete: bool
    """False where there were more than `MOST`: these are the newest."""


@dataclass(frozen=True, slots=True)
class Charged:
    """One session at a condominium. Energy in mWh, money in minor units, times in Unix seconds."""

    session: str
    unit: int
    wallet: str
    issuer: str
    state: str
    reason: str | None
    opened_at: int
    started_at: int | None
    ended_at: int | None
    energy: int | None
    amount: int
    """The escrow."""
    cost: int | None
    refund: int | None
    attested: bool


_COLUMNS = [SESSION.c[name] for name in Charged.__dataclass_fields__]


def opened(connection: Connection, host: str, span: Span, unit: int | None) -> Opened:
    """The sessions opened at `host` in a span, newest first, at most `MOST`."""
    query = select(*_COLUMNS).where(
        SESSION.c.host == host, SESSION.c.opened_at >= span.since, SESSION.c.opened_at < span.until
    )
    if unit is not None:
        query = query.where(SESSION.c.unit == unit)
    rows = connection.execute(query.order_by(SESSION.c.position.desc()).limit(MOST + 1))
    found = [Charged(*row) for row in rows]
    return Opened(found[:MOST], complete=len(found) <= MOST)
