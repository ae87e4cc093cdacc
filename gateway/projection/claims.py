"""Reading what condominiums owe each other for visitors' sessions."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from gateway.projection.records import CLAIM

PAGE = 100


@dataclass(frozen=True, slots=True)
class Claimed:
    """One visitor's session; `amount` in minor units, `at` in Unix seconds."""

    host: str
    """Where the visitor charged: who is owed."""
    issuer: str
    """Whose tokens paid: who owes."""
    session: str
    amount: int
    at: int
    clearing: str | None
    """The clearing that netted it, None while it is open."""


def page(connection: Connection, code: str, before: tuple[int, str] | None = None) -> list[Claimed]:
    """At most `PAGE` claims of or on a condominium, newest first, those before an (at, session)."""
    query = select(CLAIM).where((CLAIM.c.host == code) | (CLAIM.c.issuer == code))
    if before is not None:
        at, session = before
        query = query.where((CLAIM.c.at < at) | ((CLAIM.c.at == at) & (CLAIM.c.session < session)))
    rows = connection.execute(query.order_by(CLAIM.c.at.desc(), CLAIM.c.session.desc()).limit(PAGE))
    return [Claimed(**row._mapping) for row in rows]
