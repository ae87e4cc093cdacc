"""What wallets want to be told, and by which browsers; and what they were told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from chaincode.errors import StateConflict
from gateway.clock import Clock
from gateway.notification.kind import NoticeKind
from gateway.notification.push import Address
from gateway.notification.records import NOTICE, NOTICE_CHOICE, PUSH_SUBSCRIPTION
from gateway.projection import wallets
from gateway.store.database import Database

MOST = 10
"""Browsers of one wallet."""
PAGE = 50


@dataclass(frozen=True, slots=True)
class Told:
    """Something that a wallet was told. `at` in milliseconds since 1970."""

    id: int
    wallet: str
    kind: str
    name: str
    session: str
    unit: int
    at: int
    values: Mapping[str, int]


class Subscriptions:
    """Choices, browsers and notices, in the database; which wallets chose what is known in memory too."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._chosen: dict[str, frozenset[NoticeKind]] = {}

    async def load(self) -> None:
        """Learn what was chosen before."""
        rows = await self._database.read(lambda c: c.execute(select(NOTICE_CHOICE)).all())
        self._chosen = {row.wallet: _kinds(row.kinds) for row in rows if row.kinds}

    @property
    def anybody(self) -> bool:
        """Whether any wallet wants to be told anything."""
        return bool(self._chosen)

    def chosen(self, wallet: str) -> frozenset[NoticeKind]:
        """What a wallet wants to be told."""
        return self._chosen.get(wallet, frozenset())

    async def choose(self, wallet: str, kinds: Collection[NoticeKind]) -> None:
        """From now on tell a wallet these kinds, and no others.

        Raises StateConflict where it is told any and the ledger has never seen it."""
        text = ",".join(sorted(kinds))

        def work(connection: Connection) -> None:
            connection.execute(delete(NOTICE_CHOICE).where(NOTICE_CHOICE.c.wallet == wallet))
            if kinds:
                _require_known(connection, wallet)
                connection.execute(insert(NOTICE_CHOICE).values(wallet=wallet, kinds=text))

        await self._database.write(work)
        if kinds:
            self._chosen[wallet] = frozenset(kinds)
        else:
            self._chosen.pop(wallet, None)

    async def add(self, wallet: str, address: Address) -> str:
        """Push to a browser too; returns what it is called. A browser speaks for one wallet at a time.

        Raises StateConflict where the wallet has too many, or the ledger has never seen it."""
        identity = hashlib.sha256(address.endpoint.encode()).hexdigest()
        row = {
            "id": identity,
            "wallet": wallet,
            "endpoint": address.endpoint,
            "key": address.key,
            "secret": address.secret,
            "created_at": self._clock.now(),
        }

        def work(connection: Connection) -> None:
            _require_known(connection, wallet)
            connection.execute(delete(PUSH_SUBSCRIPTION).where(PUSH_SUBSCRIPTION.c.id == identity))
            own = select(func.count()).where(PUSH_SUBSCRIPTION.c.wallet == wallet)
            if connection.execute(own).scalar_one() >= MOST:
                raise StateConflict("wallet", f"has at most {MOST} browsers; end the push of one first")
            connection.execute(insert(PUSH_SUBSCRIPTION), row)

        await self._database.write(work)
        return identity

    async def remove(self, identity: str, wallet: str | None = None) -> None:
        """Push to a browser no more, where it is `wallet`'s (None: whoever's). Twice is once."""
        query = delete(PUSH_SUBSCRIPTION).where(PUSH_SUBSCRIPTION.c.id == identity)
        if wallet is not None:
            query = query.where(PUSH_SUBSCRIPTION.c.wallet == wallet)
        await self._database.write(lambda c: c.execute(query))

    async def browsers(self, wallet: str) -> dict[str, Address]:
        """A wallet's browsers by what they are called."""
        query = select(PUSH_SUBSCRIPTION).where(PUSH_SUBSCRIPTION.c.wallet == wallet)
        rows = await self._database.read(lambda c: c.execute(query).all())
        return {row.id: Address(row.endpoint, row.key, row.secret) for row in rows}

    async def note(self, told: Told) -> bool:
        """Keep a notice; False where it was told before, by this gateway or another."""
        row = {
            "wallet": told.wallet,
            "kind": told.kind,
            "name": told.name,
            "session": told.session,
            "unit": told.unit,
            "at": told.at,
            "values": json.dumps(dict(told.values), sort_keys=True),
        }

        def work(connection: Connection) -> bool:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            return (
                connection.execute(dialect.insert(NOTICE).values(row).on_conflict_do_nothing()).rowcount > 0
            )

        return await self._database.write(work)

    async def names(self, session: str) -> set[str]:
        """Names of what was told of a session."""
        query = select(NOTICE.c.name).where(NOTICE.c.session == session)
        return set(await self._database.read(lambda c: c.execute(query).scalars().all()))

    async def page(self, wallet: str, before: int | None) -> list[Told]:
        """At most `PAGE` of a wallet's notices, newest first, those with an id below `before`."""
        query = select(NOTICE).where(NOTICE.c.wallet == wallet)
        if before is not None:
            query = query.where(NOTICE.c.id < before)
        query = query.order_by(NOTICE.c.id.desc()).limit(PAGE)
        rows = await self._database.read(lambda c: c.execute(query).mappings().all())
        return [Told(**{**row, "values": json.loads(row["values"])}) for row in rows]


def _require_known(connection: Connection, wallet: str) -> None:
    """Keys cost nothing: whoever makes many would fill the database, and the memory of choices."""
    if not wallets.is_known(connection, wallet):
        raise StateConflict("wallet", "is told something once it has had tokens")


def _kinds(text: str) -> frozenset[NoticeKind]:
    return frozenset(NoticeKind(each) for each in text.split(",") if each)
