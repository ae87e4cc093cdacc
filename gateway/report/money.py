"""What was sold, earned and given back, by day, week or month."""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, select

from gateway.projection.records import CLAIM, PURCHASE, SESSION, STATEMENT
from gateway.report.period import Span, Step, step_of


@dataclass(slots=True)
class Turnover:
    """The sums of one step. Money in minor units of the condominium's token, energy in mWh."""

    sold: int = 0
    """Tokens issued against payments."""
    sales: int = 0
    """How many payments."""
    income: int = 0
    """What sessions here paid with the condominium's own tokens."""
    visitors: int = 0
    """What visitors' sessions left as claims on their condominiums."""
    abroad: int = 0
    """What other condominiums claim for residents' sessions there."""
    refunded: int = 0
    """Escrow that went back when sessions here ended."""
    redeemed: int = 0
    """Tokens that wallets gave back."""
    sessions: int = 0
    """Sessions here that ended."""
    energy: int = 0


Turnovers = dict[datetime.date, Turnover]
"""By the first day of the step; only steps in which something happened."""


def turnover(connection: Connection, code: str, span: Span, step: Step, zone: ZoneInfo) -> Turnovers:
    """The steps of a span, in order."""
    since, until = span
    found: Turnovers = defaultdict(Turnover)
    for instant, amount in connection.execute(_sales(code, since, until)):
        row = found[step_of(instant, step, zone)]
        row.sold += amount
        row.sales += 1
    for instant, issuer, cost, refund, energy in connection.execute(_sessions(code, since, until)):
        row = found[step_of(instant, step, zone)]
        row.income += (cost or 0) if issuer == code else 0
        row.refunded += refund or 0
        row.sessions += 1
        row.energy += energy or 0
    for instant, host, issuer, amount in connection.execute(_claims(code, since, until)):
        row = found[step_of(instant, step, zone)]
        row.visitors += amount if host == code else 0
        row.abroad += amount if issuer == code else 0
    for instant, amount in connection.execute(_redemptions(code, since, until)):
        found[step_of(instant // 1000, step, zone)].redeemed -= amount
    return {start: found[start] for start in sorted(found)}


def _sales(code: str, since: int, until: int) -> Select[Any]:
    at = PURCHASE.c.issued_at
    return select(at, PURCHASE.c.amount).where(PURCHASE.c.issuer == code, at >= since, at < until)


def _sessions(code: str, since: int, until: int) -> Select[Any]:
    at = SESSION.c.ended_at
    return select(at, SESSION.c.issuer, SESSION.c.cost, SESSION.c.refund, SESSION.c.energy).where(
        SESSION.c.host == code, at >= since, at < until
    )


def _claims(code: str, since: int, until: int) -> Select[Any]:
    at = CLAIM.c.at
    return select(at, CLAIM.c.host, CLAIM.c.issuer, CLAIM.c.amount).where(
        (CLAIM.c.host == code) | (CLAIM.c.issuer == code), at >= since, at < until
    )


def _redemptions(code: str, since: int, until: int) -> Select[Any]:
    at = STATEMENT.c.time
    return select(at, STATEMENT.c.amount).where(
        STATEMENT.c.issuer == code,
        STATEMENT.c.kind == "redemption",
        at >= since * 1000,
        at < until * 1000,
    )
