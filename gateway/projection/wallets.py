"""Reading what is projected of a wallet: whether it is known, its balance, its escrow and its statement."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from chaincode.session import OPENED, STARTED
from gateway.projection.records import SESSION, STATEMENT

PAGE = 200


@dataclass(frozen=True, slots=True)
class Movement:
    """One row of a statement; `amount` is what it added to the balance."""

    position: int
    line: int
    time: int
    """Milliseconds since 1970."""
    kind: str
    amount: int
    session: str | None
    transaction: str


def escrow(connection: Connection, wallet: str, issuer: str) -> int:
    """What sessions under way hold of a wallet's tokens, minor units."""
    query = select(func.coalesce(func.sum(SESSION.c.amount), 0)).where(
        SESSION.c.wallet == wallet, SESSION.c.issuer == issuer, SESSION.c.state.in_((OPENED, STARTED))
    )
    return int(connection.execute(query).scalar_one())


def balance(connection: Connection, wallet: str, issuer: str) -> int:
    """What a wallet holds of an issuer's tokens: the sum of its statement, minor units."""
    query = select(func.coalesce(func.sum(STATEMENT.c.amount), 0)).where(
        STATEMENT.c.wallet == wallet, STATEMENT.c.issuer == issuer
    )
    return int(connection.execute(query).scalar_one())


def is_known(connection: Connection, wallet: str) -> bool:
    """Whether a wallet has ever had tokens, of whichever issuer."""
    query = select(STATEMENT.c.position).where(STATEMENT.c.wallet == wallet).limit(1)
    return connection.execute(query).first() is not None


def statement(
    connection: Connection, wallet: str, issuer: str, before: tuple[int, int] | None = None
) -> list[Movement]:
    """At most `PAGE` movements of a wallet's tokens, newest first, those before a (position, line)."""
    query = select(STATEMENT).where(STATEMENT.c.wallet == wallet, STATEMENT.c.issuer == issuer)
    if before is not None:
        position, line = before
        query = query.where(
            (STATEMENT.c.position < position)
            | ((STATEMENT.c.position == position) & (STATEMENT.c.line < line))
        )
    rows = connection.execute(
        query.order_by(STATEMENT.c.position.desc(), STATEMENT.c.line.desc()).limit(PAGE)
    )
    return [
        Movement(row.position, row.line, row.time, row.kind, row.amount, row.session, row.transaction)
        for row in rows
    ]
