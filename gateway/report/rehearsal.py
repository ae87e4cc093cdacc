"""What sessions that have ended would have cost under a tariff that is not published yet.

Each session's stored readings are counted anew by the account that the monitor keeps of a session under way
(`gateway.monitor.account`), which chooses the batches to show and prices them with the ledger's own rules
(`chaincode.settlement`). The same is done under the tariff that the session had: where that gives what the
ledger settled, the readings are the ones that were settled by, and `agreed` counts the session.

Sessions are taken as they ran. A tariff that prices idle time lets a car that is full stay, and one that is
dearer ends a session where its escrow is used up: the first is not foreseen here, the second is marked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from chaincode.evidence import reading_of
from chaincode.session import OPENED, SETTLED, Session
from chaincode.settlement import cost
from chaincode.tariff import Tariff
from chaincode.unit import Unit
from gateway.metering.readings import Readings
from gateway.metering.received import Received
from gateway.monitor.account import Account
from gateway.projection.records import SESSION
from gateway.report.period import Span
from gateway.store.database import Database
from gateway.transaction.catalogue import Catalogue

MOST = 2_000
"""Sessions that one rehearsal looks at, the newest of its period."""
_BATCHES = 10_000
_BEYOND = 10**15
"""Minor units: more than any escrow, to see what a session would have cost without one."""


@dataclass(frozen=True, slots=True)
class Line:
    """One session under both tariffs; money in minor units, energy in mWh."""

    session: str
    unit: int
    ended_at: int
    energy: int
    before: int
    """As the ledger settled it."""
    after: int
    is_capped: bool
    """Whether its escrow would have been used up before its end: it would have stopped earlier."""
    agreed: bool
    """Whether its readings give `before` under the tariff that it had."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of it."""

    lines: tuple[Line, ...]
    unread: int
    """Sessions whose readings this gateway does not have: not among the lines."""
    complete: bool
    """False where more than `MOST` sessions ended in the span: only the newest were looked at."""


class Rehearsal:
    """Settles ended sessions of one condominium again, on paper."""

    def __init__(self, database: Database, readings: Readings, catalogue: Catalogue, code: str) -> None:
        self._database = database
        self._readings = readings
        self._catalogue = catalogue
        self._code = code
        self._alone = asyncio.Lock()

    async def run(self, tariff: Tariff, span: Span) -> Rehearsed:
        """The sessions that ended in a span, newest first. One rehearsal at a time; others wait.

        Raises LedgerError, StoreError."""
        async with self._alone:
            records = await self._database.read(lambda c: _settled(c, self._code, span))
            tried = [await self._line(record, tariff) for record in records[:MOST]]
        lines = tuple(line for line in tried if line is not None)
        return Rehearsed(lines, unread=len(tried) - len(lines), complete=len(records) <= MOST)

    async def _line(self, record: Session, tariff: Tariff) -> Line | None:
        settlement, first, last = record.settlement, record.first, record.last
        assert settlement is not None
        if first is None or last is None:
            return None
        batches = await self._readings.of_session(bytes.fromhex(record.id)[:16], first.number - 1, _BATCHES)
        used = [each for each in batches if each.batch.number <= last.number]
        if not used or (used[0].batch.number, used[-1].batch.number) != (first.number, last.number):
            return None
        own = await self._catalogue.tariff(record.tariff)
        unit = replace(await self._catalogue.unit(record.unit), key_class=record.unit_class)
        # Units' batches are waiting for the event loop.
        after, again = await asyncio.to_thread(
            lambda: [_account(record, unit, used, each) for each in (tariff, own)]
        )
        return Line(
            session=record.id,
            unit=record.unit,
            ended_at=settlement.ended_at,
            energy=settlement.energy,
            before=settlement.cost,
            after=after.cost,
            is_capped=cost(tariff, after.usage, record.decimals, _BEYOND) > record.amount,
            agreed=again.cost == settlement.cost,
        )


def _account(record: Session, unit: Unit, batches: Sequence[Received], tariff: Tariff) -> Account:
    """The session's account as it stood at its end, under `tariff`."""
    opened = replace(record, state=OPENED, first=None, last=None, usage=(), settlement=None)
    account = Account(opened, tariff)
    for each in batches:
        account.count(reading_of(unit, each.evidence, each.batch), each.evidence)
    return account


def _settled(connection: Connection, host: str, span: Span) -> list[Session]:
    """The newest `MOST`, and one more where there are more."""
    query = (
        select(SESSION.c.record)
        .where(
            SESSION.c.host == host,
            SESSION.c.state == SETTLED,
            SESSION.c.ended_at >= span.since,
            SESSION.c.ended_at < span.until,
        )
        .order_by(SESSION.c.position.desc())
        .limit(MOST + 1)
    )
    return [Session.decode(row.record.encode()) for row in connection.execute(query)]
