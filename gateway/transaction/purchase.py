"""Selling tokens: a wallet asks, pays by the reference that it is given, and an operator confirms.

The ledger keys purchases by their payment reference, so however often a payment is confirmed, and wherever
the gateway is killed in between, its tokens are issued once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, select, update

from chaincode.errors import NotFound, StateConflict
from chaincode.fields import encode
from gateway.clock import Clock
from gateway.projection.records import PURCHASE
from gateway.store.database import Database
from gateway.transaction.records import PENDING_PURCHASE
from gateway.transaction.submission import Submitter

EXPIRY_MS = 30 * 86_400_000
"""After which an unpaid purchase counts as given up; a late payment can still be confirmed."""
FORGET_MS = 90 * 86_400_000
"""After which an unpaid purchase is deleted."""
MOST_PENDING = 20
"""Unpaid purchases of one wallet at a time."""
MOST_UNKNOWN = 10_000
"""Unpaid purchases of wallets that never paid one, which anybody can make as many of as they like: the oldest
beyond so many are deleted."""
_TIDY_EVERY_MS = 600_000
PAGE = 100
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is read as another."""
_LENGTH = 12


class PurchaseState(StrEnum):
    """Where a purchase is."""

    PENDING = "pending"
    PAID = "paid"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class TokenPurchase:
    """Tokens that a wallet has asked for, or has got."""

    reference: str
    wallet: str
    amount: int
    """Minor units."""
    created_at: int
    """Milliseconds since 1970."""
    state: PurchaseState
    transaction: str | None
    """That issued the tokens."""


class Purchases:
    """The sale of this condominium's tokens."""

    def __init__(self, database: Database, submitter: Submitter, clock: Clock, code: str) -> None:
        self._database = database
        self._submitter = submitter
        self._clock = clock
        self._code = code
        self._tidy_at = 0

    async def ask(self, wallet: str, amount: int) -> TokenPurchase:
        """A new purchase with the reference to pay by. Raises StateConflict where too many are unpaid."""
        now = self._clock.now()
        if now >= self._tidy_at:
            self._tidy_at = now + _TIDY_EVERY_MS
            await self._database.write(lambda c: _tidy(c, now))
        row = {
            "reference": creditor_reference(),
            "wallet": wallet,
            "amount": amount,
            "created_at": now,
            "transaction": None,
        }

        def work(connection: Connection) -> None:
            waiting = connection.execute(
                select(func.count()).where(
                    PENDING_PURCHASE.c.wallet == wallet,
                    PENDING_PURCHASE.c.transaction.is_(None),
                    PENDING_PURCHASE.c.created_at > now - EXPIRY_MS,
                )
            ).scalar_one()
            if waiting >= MOST_PENDING:
                raise StateConflict("wallet", f"has at most {MOST_PENDING} unpaid purchases; pay one first")
            connection.execute(insert(PENDING_PURCHASE), row)

        await self._database.write(work)
        return TokenPurchase(str(row["reference"]), wallet, amount, now, PurchaseState.PENDING, None)

    async def get(self, reference: str) -> TokenPurchase:
        """A purchase by its reference. Raises NotFound."""
        row = await self._database.read(
            lambda c: c.execute(self._query().where(PENDING_PURCHASE.c.reference == reference)).one_or_none()
        )
        if row is None:
            raise NotFound("reference", "names a purchase that a wallet has asked for")
        return self._purchase(row)

    async def page(
        self, *, state: PurchaseState | None = None, before: tuple[int, str] | None = None
    ) -> list[TokenPurchase]:
        """At most `PAGE` purchases, newest first, those before a (created_at, reference)."""
        query = self._query()
        if state is PurchaseState.PAID:
            query = query.where(_issued().is_not(None))
        elif state is not None:
            edge = self._clock.now() - EXPIRY_MS
            created = PENDING_PURCHASE.c.created_at
            recent = created > edge if state is PurchaseState.PENDING else created <= edge
            query = query.where(_issued().is_(None), recent)
        if before is not None:
            moment, reference = before
            query = query.where(
                (PENDING_PURCHASE.c.created_at < moment)
                | ((PENDING_PURCHASE.c.created_at == moment) & (PENDING_PURCHASE.c.reference < reference))
            )
        order = (PENDING_PURCHASE.c.created_at.desc(), PENDING_PURCHASE.c.reference.desc())
        rows = await self._database.read(lambda c: c.execute(query.order_by(*order).limit(PAGE)).all())
        return [self._purchase(row) for row in rows]

    async def confirm(self, reference: str) -> TokenPurchase:
        """The payment has come: issue the tokens. Twice is once.

        Raises NotFound, ContractError, LedgerError."""
        purchase = await self.get(reference)
        if purchase.state is PurchaseState.PAID:
            return purchase
        return await self._issue(purchase)

    async def sell(self, reference: str, wallet: str, amount: int) -> TokenPurchase:
        """Issue tokens for a payment that no wallet asked to make, such as cash. Twice is once.

        Raises StateConflict where the reference is another purchase's, LedgerError."""
        now = self._clock.now()
        row = {"reference": reference, "wallet": wallet, "amount": amount, "created_at": now}

        def work(connection: Connection) -> None:
            found = connection.execute(
                select(PENDING_PURCHASE).where(PENDING_PURCHASE.c.reference == reference)
            ).one_or_none()
            if found is None:
                connection.execute(insert(PENDING_PURCHASE), row)
            elif (found.wallet, found.amount) != (wallet, amount):
                raise StateConflict("reference", "is another purchase's; name one that was not used")

        await self._database.write(work)
        return await self.confirm(reference)

    async def _issue(self, purchase: TokenPurchase) -> TokenPurchase:
        request = {"reference": purchase.reference, "wallet": purchase.wallet, "amount": purchase.amount}
        committed = await self._submitter.submit("token.issue", [encode(request)])
        transaction = committed.transaction_id
        done = (
            update(PENDING_PURCHASE)
            .where(PENDING_PURCHASE.c.reference == purchase.reference)
            .values(transaction=transaction)
        )
        await self._database.write(lambda c: c.execute(done))
        return TokenPurchase(
            purchase.reference,
            purchase.wallet,
            purchase.amount,
            purchase.created_at,
            PurchaseState.PAID,
            transaction,
        )

    def _query(self) -> Select[Any]:
        # The ledger knows of an issue even where the gateway was killed before it could note it.
        return select(
            PENDING_PURCHASE.c.reference,
            PENDING_PURCHASE.c.wallet,
            PENDING_PURCHASE.c.amount,
            PENDING_PURCHASE.c.created_at,
            _issued().label("transaction"),
        ).outerjoin(
            PURCHASE,
            (PURCHASE.c.reference == PENDING_PURCHASE.c.reference) & (PURCHASE.c.issuer == self._code),
        )

    def _purchase(self, row: Row[Any]) -> TokenPurchase:
        reference, wallet, amount, created_at, transaction = tuple(row)
        state = PurchaseState.PENDING
        if transaction is not None:
            state = PurchaseState.PAID
        elif created_at <= self._clock.now() - EXPIRY_MS:
            state = PurchaseState.EXPIRED
        return TokenPurchase(reference, wallet, amount, created_at, state, transaction)


def _tidy(connection: Connection, now: int) -> None:
    """Delete unpaid purchases that are too old, or too many. What the ledger knows of stays."""
    issued = select(PURCHASE.c.reference)
    unpaid = PENDING_PURCHASE.c.transaction.is_(None) & PENDING_PURCHASE.c.reference.not_in(issued)
    old = PENDING_PURCHASE.c.created_at <= now - FORGET_MS
    connection.execute(delete(PENDING_PURCHASE).where(unpaid, old))
    surplus = (
        select(PENDING_PURCHASE.c.reference)
        .where(unpaid, PENDING_PURCHASE.c.wallet.not_in(select(PURCHASE.c.wallet)))
        .order_by(PENDING_PURCHASE.c.created_at.desc(), PENDING_PURCHASE.c.reference)
        .offset(MOST_UNKNOWN)
    )
    connection.execute(delete(PENDING_PURCHASE).where(PENDING_PURCHASE.c.reference.in_(surplus)))


def creditor_reference() -> str:
    """A new payment reference that banks check: RF, two check digits, twelve characters (ISO 11649)."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    digits = "".join(str(int(character, 36)) for character in body + "RF00")
    return f"RF{98 - int(digits) % 97:02d}{body}"


def _issued() -> ColumnElement[str | None]:
    return func.coalesce(PURCHASE.c.transaction, PENDING_PURCHASE.c.transaction)
