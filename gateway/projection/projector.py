"""From the ledger's events to rows: pure, one event after another.

The sum of a wallet's statement rows is its balance: an escrow leaves it, a settlement, refund or reclaim
brings back what was not used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from chaincode.claim import Clearing
from chaincode.escrow import Release
from chaincode.mandate import Mandate
from chaincode.session import ATTESTED, CANCELLED, RECLAIMED, Session
from gateway.projection import records
from network.ledger import Event

EVENTS_PER_BLOCK = 1 << 20
"""More than a block has transactions: a position is block times this plus the event's place in its block."""
NAMESPACE = "condocharge-"

Row = dict[str, Any]
Rows = dict[Table, dict[tuple[Any, ...], Row]]
"""What to write: for each table its rows by primary key, the latest of each."""


@dataclass(frozen=True, slots=True)
class Reclaim:
    """A visitor took tokens back from their issuer; the host's session stays as its host left it."""

    event: Event
    issuer: str
    position: int
    release: Release


class Projector:
    """Collects the rows of a run of events."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self.reclaims: list[Reclaim] = []
        self.clearings: list[Clearing] = []

    def apply(self, event: Event, place: int) -> None:
        """Take in one event, the `place`-th of its block (from 0). Events of other chaincodes are passed
        over."""
        if not event.namespace.startswith(NAMESPACE):
            return
        handler = _HANDLERS.get(event.name)
        if handler is not None:
            position = event.block * EVENTS_PER_BLOCK + place
            handler(self, event, event.namespace.removeprefix(NAMESPACE), position)

    def _put(self, table: Table, row: Row) -> None:
        key = tuple(row[column.name] for column in table.primary_key.columns)
        rows = self.rows.setdefault(table, {})
        if (before := rows.get(key)) is not None and "position" in row:
            # Where a list has a row does not change.
            row["position"] = before["position"]
        rows[key] = row

    def _move(
        self,
        event: Event,
        position: int,
        moves: Iterable[tuple[str, str, int]],
        issuer: str,
        session: str | None = None,
    ) -> None:
        """Statement rows for (wallet, kind, amount)."""
        for line, (wallet, kind, amount) in enumerate(moves):
            row = {
                "position": position,
                "line": line,
                "wallet": wallet,
                "issuer": issuer,
                "time": event.timestamp,
                "kind": kind,
                "amount": amount,
                "session": session,
                "transaction": event.transaction_id,
            }
            self._put(records.STATEMENT, row)

    def _issued(self, event: Event, code: str, position: int) -> None:
        record = json.loads(event.payload)
        row = {name: record[name] for name in ("reference", "wallet", "amount", "issued_at")}
        row |= {"issuer": code, "transaction": event.transaction_id, "position": position}
        self._put(records.PURCHASE, row)
        self._move(event, position, [(record["wallet"], "purchase", record["amount"])], code)

    def _transferred(self, event: Event, code: str, position: int) -> None:
        record = json.loads(event.payload)
        moves = [
            (record["wallet"], "transfer", -record["amount"]),
            (record["to"], "transfer", record["amount"]),
        ]
        self._move(event, position, moves, code)

    def _redeemed(self, event: Event, code: str, position: int) -> None:
        record = json.loads(event.payload)
        self._move(event, position, [(record["wallet"], "redemption", -record["amount"])], code)

    def _session(self, event: Event, code: str, position: int) -> None:
        record = Session.decode(event.payload)
        self._put(records.SESSION, _session_row(record, code, position, event))
        settlement = record.settlement
        back = record.amount if record.state == CANCELLED else settlement.refund if settlement else 0
        moves = {
            "session.opened": ("escrow", -record.amount),
            "session.settled": ("settlement", back),
            "session.cancelled": ("refund", back),
            "session.reclaimed": ("reclaim", back),
        }
        if event.name in moves:
            kind, amount = moves[event.name]
            self._move(event, position, [(record.wallet, kind, amount)], record.issuer, record.id)
        if event.name == "session.settled" and record.issuer != code and settlement and settlement.cost:
            claim = {
                "host": code,
                "issuer": record.issuer,
                "session": record.id,
                "amount": settlement.cost,
                "at": event.timestamp // 1000,
                "clearing": None,
            }
            self._put(records.CLAIM, claim)

    def _escrow_reclaimed(self, event: Event, code: str, position: int) -> None:
        # The record names no wallet: the session's own row does.
        self.reclaims.append(Reclaim(event, code, position, Release.decode(event.payload)))

    def _claim_cleared(self, event: Event, code: str, position: int) -> None:
        self.clearings.append(Clearing.decode(event.payload))

    def _mandate(self, event: Event, code: str, position: int) -> None:
        record = Mandate.decode(event.payload)
        row = {
            "mandate": record.id,
            "issuer": code,
            "wallet": record.wallet,
            "condominium": record.condominium,
            "until": record.until,
            "revoked_at": record.revoked_at,
            "record": event.payload.decode(),
            "position": position,
        }
        self._put(records.MANDATE, row)
        for tag in record.tags or ("",):
            for unit in record.units or (-1,):
                self._put(records.MANDATE_USE, {"mandate": record.id, "tag": tag, "unit": unit})

    def _tariff(self, event: Event, code: str, position: int) -> None:
        record = json.loads(event.payload)
        row = {"condominium": code, "number": record["number"], "valid_from": record["valid_from"]}
        self._put(records.TARIFF, row | {"record": event.payload.decode()})


def _session_row(record: Session, host: str, position: int, event: Event) -> Row:
    settlement = record.settlement
    ended = settlement.ended_at if settlement is not None else None
    if record.state in (CANCELLED, RECLAIMED) and ended is None:
        ended = event.timestamp // 1000
    refund = settlement.refund if settlement is not None else None
    return {
        "session": record.id,
        "host": host,
        "unit": record.unit,
        "wallet": record.wallet,
        "issuer": record.issuer,
        "state": record.state,
        "opened_at": record.opened_at,
        "started_at": record.first.time if record.first is not None else None,
        "ended_at": ended,
        "amount": record.amount,
        "cost": settlement.cost if settlement is not None else None,
        "refund": record.amount if record.state == CANCELLED else refund,
        "energy": settlement.energy if settlement is not None else None,
        "reason": settlement.reason if settlement is not None else None,
        "attested": record.metering == ATTESTED,
        "record": event.payload.decode(),
        "position": position,
    }


_HANDLERS: dict[str, Callable[[Projector, Event, str, int], None]] = {
    "token.issued": Projector._issued,
    "token.transferred": Projector._transferred,
    "token.redeemed": Projector._redeemed,
    "session.opened": Projector._session,
    "session.started": Projector._session,
    "session.checkpointed": Projector._session,
    "session.stop-requested": Projector._session,
    "session.settled": Projector._session,
    "session.cancelled": Projector._session,
    "session.reclaimed": Projector._session,
    "escrow.reclaimed": Projector._escrow_reclaimed,
    "claim.cleared": Projector._claim_cleared,
    "mandate.granted": Projector._mandate,
    "mandate.revoked": Projector._mandate,
    "tariff.published": Projector._tariff,
}
