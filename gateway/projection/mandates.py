"""Reading projected mandates: those under which a start request is worth a try, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from chaincode.errors import NotAuthorised
from chaincode.mandate import Mandate
from chaincode.tariff import Tariff
from gateway.projection import sessions, wallets
from gateway.projection.records import MANDATE, MANDATE_USE

PLUGGED_IN = ""
"""In the place of a tag: plugging in."""
_EVERY_UNIT = -1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mandate that seems to permit a start request."""

    mandate: Mandate
    issuer: str
    amount: int
    """What it would lock, minor units: its cap for a session, or the balance where that is less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A start request as mandates are looked up for it."""

    host: str
    """Code of the condominium where it was made."""
    unit: int
    tag: str
    """The tag's hash, hexadecimal, or `PLUGGED_IN`."""
    time: int
    """Unix seconds."""


def candidates(
    connection: Connection, request: Request, tariff: Tariff, *, least: int, most: int
) -> list[Candidate]:
    """At most `most` mandates, of one wallet each, that would lock `least` minor units under `tariff`.

    Whoever has named the tag before comes first, whichever of a wallet's mandates did so: a renewal keeps the
    place. A mandate that would open nothing takes nobody's place."""
    found: dict[str, Candidate] = {}
    for candidate in _standing(connection, request):
        wallet = candidate.mandate.wallet
        if wallet in found or not _would_lock(connection, candidate, request.time, tariff, least):
            continue
        found[wallet] = candidate
        if len(found) == most:
            break
    return list(found.values())


def named_by(connection: Connection, wallet: str, tags: list[str], now: int) -> set[str]:
    """Which of `tags` stand in a mandate of this wallet, at `now` (Unix seconds)."""
    query = (
        select(MANDATE_USE.c.tag)
        .join(MANDATE, MANDATE_USE.c.mandate == MANDATE.c.mandate)
        .where(
            MANDATE_USE.c.tag.in_(tags),
            MANDATE.c.wallet == wallet,
            MANDATE.c.revoked_at.is_(None),
            MANDATE.c.until >= now,
        )
    )
    return set(connection.scalars(query))


def _standing(connection: Connection, request: Request) -> Iterator[Candidate]:
    """Those that neither ended nor were revoked, in the order of their wallets' first for the same use."""
    here = MANDATE_USE.c.unit.in_((request.unit, _EVERY_UNIT))
    named = [MANDATE_USE.c.tag == request.tag, MANDATE.c.condominium == request.host]
    # A tag is its owner's at every unit, but who plugs in at one unit is nobody at the next.
    same = [*named, here] if request.tag == PLUGGED_IN else named
    used = MANDATE.join(MANDATE_USE, MANDATE_USE.c.mandate == MANDATE.c.mandate)
    place = func.min(MANDATE.c.position).label("place")
    first = select(MANDATE.c.wallet, place).select_from(used).where(*same).group_by(MANDATE.c.wallet)
    places = first.subquery()
    query = (
        select(MANDATE.c.record, MANDATE.c.issuer)
        .select_from(used.join(places, places.c.wallet == MANDATE.c.wallet))
        .where(*named, here, MANDATE.c.revoked_at.is_(None), MANDATE.c.until >= request.time)
        .order_by(places.c.place, MANDATE.c.position)
    )
    held: dict[tuple[str, str], int] = {}
    for row in connection.execute(query):
        mandate = Mandate.decode(row.record.encode())
        key = mandate.wallet, row.issuer
        if key not in held:
            held[key] = wallets.balance(connection, *key)
        yield Candidate(mandate, row.issuer, min(mandate.session_cap, held[key]))


def _would_lock(connection: Connection, candidate: Candidate, now: int, tariff: Tariff, least: int) -> bool:
    mandate, amount = candidate.mandate, candidate.amount
    if not least <= amount <= mandate.period_cap:
        return False
    try:
        mandate.check_affordable(tariff)
    except NotAuthorised:
        return False
    return sessions.spent_under(connection, mandate, now) + amount <= mandate.period_cap
