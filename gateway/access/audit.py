"""The audit log: who did what, when, from where, and what came of it.

An operation is written before it begins, so that none happens unrecorded, and again when it is over, with
its outcome; an entry without an end is one that was cut off. Rows are only ever added (the database refuses
changes) and each hash covers the row before, so a change shows. What a chain cannot show is a missing end:
keep the head's number and hash elsewhere from time to time, and `verify` compares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, select
from sqlalchemy.sql import ColumnElement

from gateway.access.records import AUDIT
from gateway.clock import Clock
from gateway.rest.caller import Principal
from gateway.store.database import Database

_DOMAIN = b"condocharge/audit/1\n"
_EXPORTED_AT_ONCE = 500
FIRST = bytes(32)


class Outcome(StrEnum):
    """What came of an operation."""

    BEGUN = "begun"
    DONE = "done"
    REFUSED = "refused"
    """By a rule or for lack of authority; nothing changed."""
    FAILED = "failed"
    """The ledger, the database or the gateway could not; the status says more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the log."""

    number: int
    time: int
    """Milliseconds since 1970."""
    completes: int | None
    """The number of the entry whose end this is."""
    account: int | None
    name: str
    role: str
    operation: str
    """The route's name, as in the OpenAPI document."""
    target: str
    """The path."""
    detail: dict[str, Any]
    """What the operation noted; never a secret."""
    outcome: Outcome
    status: int | None
    address: str

    def digest(self, previous: bytes) -> bytes:
        """The row's hash, over the row before's."""
        body = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(_DOMAIN + previous + body.encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries to show; None leaves a member open."""

    account: int | None = None
    operation: str | None = None
    outcome: Outcome | None = None
    since: int | None = None
    until: int | None = None
    before: int | None = None
    """Only entries with a smaller number: the way to the next page."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log ends."""

    number: int
    hash: bytes


class AuditAltered(Exception):
    """A row is not what was written."""

    def __init__(self, number: int) -> None:
        super().__init__(f"entry {number} of the audit log was altered, or one before it removed")
        self.number = number


class AuditLog:
    """The log in the database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def begin(self, principal: Principal, operation: str, target: str, address: str) -> int:
        """Write that an operation begins; returns the number that `finish` completes.

        Raises `StoreError`: what cannot be recorded is not done."""
        return await self._write(
            completes=None,
            account=principal.account,
            name=principal.name[:64],
            role=str(principal.caller),
            operation=operation[:64],
            target=target[:300],
            detail={},
            outcome=Outcome.BEGUN,
            status=None,
            address=address[:64],
        )

    async def finish(self, number: int, status: int, detail: dict[str, Any]) -> None:
        """Write how the operation that began with entry `number` ended: its HTTP status says."""

        def work(connection: Connection) -> None:
            began = _entry(connection.execute(select(AUDIT).where(AUDIT.c.number == number)).one())
            ended = asdict(began) | {
                "completes": number,
                "detail": detail,
                "outcome": _outcome(status),
                "status": status,
            }
            del ended["number"], ended["time"]
            append(connection, self._clock.now(), ended)

        await self._database.write(work)

    async def page(self, chosen: Filter, limit: int) -> list[Entry]:
        """The newest entries that fit, newest first."""
        query = select(AUDIT).where(*_conditions(chosen)).order_by(AUDIT.c.number.desc()).limit(limit)
        rows = await self._database.read(lambda c: c.execute(query).all())
        return [_entry(row) for row in rows]

    async def export(self, chosen: Filter) -> AsyncIterator[tuple[Entry, bytes]]:
        """Every entry that fits with its hash, oldest first."""
        after = 0
        while True:
            query = (
                select(AUDIT)
                .where(AUDIT.c.number > after, *_conditions(chosen))
                .order_by(AUDIT.c.number)
                .limit(_EXPORTED_AT_ONCE)
            )
            rows = await self._database.read(lambda c, query=query: c.execute(query).all())  # type: ignore[misc]
            for row in rows:
                yield _entry(row), row.hash
            if len(rows) < _EXPORTED_AT_ONCE:
                return
            after = rows[-1].number

    async def verify(self, known: Head | None = None) -> Head:
        """Check every row's hash; returns the head. `known` is a head that was kept elsewhere.

        Raises `AuditAltered` naming the first row that is not what was written."""
        previous, number = FIRST, 0
        async for entry, stored in self.export(Filter()):
            if entry.number != number + 1 or entry.digest(previous) != stored:
                raise AuditAltered(number + 1)
            previous, number = stored, entry.number
            if known is not None and known.number == number and known.hash != stored:
                raise AuditAltered(number)
        if known is not None and known.number > number:
            raise AuditAltered(number + 1)
        return Head(number, previous)

    async def _write(self, **members: Any) -> int:
        return await self._database.write(lambda c: append(c, self._clock.now(), members))


def append(connection: Connection, now: int, members: dict[str, Any]) -> int:
    """Add a row within the caller's transaction; returns its number."""
    last = connection.execute(
        select(AUDIT.c.number, AUDIT.c.hash).order_by(AUDIT.c.number.desc()).limit(1)
    ).one_or_none()
    number, previous = (last.number + 1, last.hash) if last is not None else (1, FIRST)
    entry = Entry(number=number, time=now, **members)
    values = asdict(entry) | {"detail": json.dumps(entry.detail, sort_keys=True)}
    connection.execute(insert(AUDIT).values(**values, previous=previous, hash=entry.digest(previous)))
    return number


def _outcome(status: int) -> Outcome:
    if status < 400:
        return Outcome.DONE
    return Outcome.REFUSED if status < 500 else Outcome.FAILED


def _entry(row: Row[Any]) -> Entry:
    members = row._asdict()
    del members["previous"], members["hash"]
    members["detail"] = json.loads(members["detail"])
    members["outcome"] = Outcome(members["outcome"])
    return Entry(**members)


def _conditions(chosen: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [and_(True)]
    if chosen.account is not None:
        conditions.append(AUDIT.c.account == chosen.account)
    if chosen.operation is not None:
        conditions.append(AUDIT.c.operation == chosen.operation)
    if chosen.outcome is not None:
        conditions.append(AUDIT.c.outcome == chosen.outcome)
    if chosen.since is not None:
        conditions.append(AUDIT.c.time >= chosen.since)
    if chosen.until is not None:
        conditions.append(AUDIT.c.time < chosen.until)
    if chosen.before is not None:
        conditions.append(AUDIT.c.number < chosen.before)
    return conditions
