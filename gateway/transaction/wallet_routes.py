"""REST for wallets: intents, balance, statement, sessions, purchases."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints

from chaincode.errors import InvalidArgument, NotFound
from chaincode.signing.intent import MAX_AMOUNT
from gateway.projection import wallets
from gateway.projection.follower import Follower
from gateway.projection.wallets import Movement
from gateway.rest import body
from gateway.rest.bookmark import Bookmark, Page, following, pair
from gateway.rest.caller import Caller, CurrentPrincipal, Principal, allow
from gateway.rest.problem import ProblemError
from gateway.store.database import Database
from gateway.transaction.intent import Intents
from gateway.transaction.purchase import Purchases, TokenPurchase
from gateway.transaction.submission import Submitter

Wallet = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
_WalletPath = Annotated[Wallet, Path(description="The wallet's id: its first public key, hexadecimal.")]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Amount = Annotated[int, Field(ge=1, le=MAX_AMOUNT, description="Minor units of the token.")]
_Base64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,21848}$")]
_CATCH_UP = 2.0
"""Seconds that an answer waits for the projections to show what was just written."""


class IntentBody(body.Request):
    """What a wallet signed, in base64url without padding: the exact bytes."""

    body: _Base64Url
    signature: _Base64Url
    proof: _Base64Url | None = Field(None, description="With kind rotate-key: the new key's signature.")


class IntentAnswer(body.Answer):
    """An intent that is on the ledger."""

    id: str
    kind: str
    transaction: str
    record: dict[str, Any] = Field(description="What it made or changed, as the ledger has it.")


class WalletAnswer(body.Answer):
    """What a wallet holds of this condominium's tokens, minor units."""

    wallet: str
    key: str = Field(description="The Ed25519 key that signs for it now.")
    issuer: str
    balance: int
    escrow: int


class StatementRow(body.Answer):
    """One movement of a wallet's tokens; a negative amount left the balance."""

    time: int = Field(description="Unix seconds.")
    kind: str
    amount: int
    session: str | None
    transaction: str


class PurchaseBody(body.Request):
    """How many tokens to buy."""

    amount: Amount


class PurchaseAnswer(body.Answer):
    """A purchase of tokens."""

    reference: str = Field(description="To be named in the payment.")
    wallet: str
    amount: int
    state: str = Field(description="pending, paid or expired.")
    created: int = Field(description="Unix seconds.")
    transaction: str | None


def router(
    *,
    intents: Intents,
    purchases: Purchases,
    submitter: Submitter,
    follower: Follower,
    database: Database,
    code: str,
) -> APIRouter:
    """The routes of wallets; `code` is this condominium's."""
    routes = APIRouter(tags=["wallets"])
    _intents(routes, intents, follower)
    _balances(routes, submitter, database, code)
    _purchases(routes, purchases)
    return routes


def _intents(routes: APIRouter, intents: Intents, follower: Follower) -> None:
    @routes.post(
        "/v1/intents", status_code=201, dependencies=[allow(Caller.ANYBODY)], summary="Relay an intent"
    )
    async def relay_intent(intent: IntentBody) -> IntentAnswer:
        """The wallet's signature is in the body; the ledger checks it. The same intent twice is one."""
        proof = None if intent.proof is None else _bytes("proof", intent.proof)
        relayed = await intents.relay(
            _bytes("body", intent.body), _bytes("signature", intent.signature), proof
        )
        # So that whoever asks for a list next finds it there.
        await follower.reached(relayed.block, _CATCH_UP)
        return IntentAnswer(
            id=relayed.id, kind=relayed.kind, transaction=relayed.transaction, record=relayed.record
        )


def _balances(routes: APIRouter, submitter: Submitter, database: Database, code: str) -> None:
    @routes.get("/v1/wallets/{wallet}", dependencies=[allow(Caller.WALLET)], summary="A wallet's balance")
    async def read_wallet(wallet: _WalletPath, principal: CurrentPrincipal) -> WalletAnswer:
        """A wallet that the ledger has never seen holds nothing."""
        require_own(principal, wallet)
        return await holdings(submitter, database, code, wallet)

    @routes.get(
        "/v1/wallets/{wallet}/statement", dependencies=[allow(Caller.WALLET)], summary="A wallet's statement"
    )
    async def read_statement(
        wallet: _WalletPath, principal: CurrentPrincipal, bookmark: Bookmark = ""
    ) -> Page[StatementRow]:
        """The amounts of all rows add up to the balance."""
        require_own(principal, wallet)
        return await movements(database, code, wallet, bookmark)


def _purchases(routes: APIRouter, purchases: Purchases) -> None:
    @routes.post(
        "/v1/wallets/{wallet}/purchases",
        status_code=201,
        dependencies=[allow(Caller.WALLET)],
        summary="Ask for tokens",
    )
    async def ask_for_tokens(
        wallet: _WalletPath, purchase: PurchaseBody, principal: CurrentPrincipal
    ) -> PurchaseAnswer:
        """Tokens are issued when an operator confirms the payment that names the reference."""
        require_own(principal, wallet)
        return purchase_answer(await purchases.ask(wallet, purchase.amount))

    @routes.get(
        "/v1/wallets/{wallet}/purchases/{reference}",
        dependencies=[allow(Caller.WALLET)],
        summary="A wallet's purchase",
    )
    async def read_purchase(
        wallet: _WalletPath, reference: Annotated[Reference, Path()], principal: CurrentPrincipal
    ) -> PurchaseAnswer:
        require_own(principal, wallet)
        purchase = await purchases.get(reference)
        if purchase.wallet != wallet:
            raise NotFound("reference", "names a purchase that a wallet has asked for")
        return purchase_answer(purchase)


async def holdings(submitter: Submitter, database: Database, code: str, wallet: str) -> WalletAnswer:
    """What a wallet holds of the tokens of `code`. Raises LedgerError, StoreError."""
    argument = [wallet.encode()]
    key = await submitter.evaluate("wallet.key", argument)
    balance = json.loads(await submitter.evaluate("token.balance", argument))["amount"]
    held = await database.read(lambda c: wallets.escrow(c, wallet, code))
    return WalletAnswer(wallet=wallet, key=key.decode(), issuer=code, balance=balance, escrow=held)


async def movements(database: Database, code: str, wallet: str, bookmark: str) -> Page[StatementRow]:
    """A page of the movements of a wallet's tokens of `code`. Raises InvalidArgument, StoreError."""
    before = None
    if bookmark:
        position, line = pair(bookmark)
        if not line.isdigit():
            raise InvalidArgument("bookmark", "is one that a page before gave")
        before = (position, int(line))
    rows = await database.read(lambda c: wallets.statement(c, wallet, code, before))
    last = (rows[-1].position, rows[-1].line) if rows else (0, 0)
    return Page(rows=[_row(each) for each in rows], bookmark=following(len(rows), wallets.PAGE, *last))


def require_own(principal: Principal, wallet: str) -> None:
    """Let a wallet see its own records alone. Raises `ProblemError`."""
    if principal.wallet != wallet:
        raise ProblemError(403, "not-authorised", "wallet", "is the one that signed the request")


def purchase_answer(purchase: TokenPurchase) -> PurchaseAnswer:
    """A purchase as its answer."""
    return PurchaseAnswer(
        reference=purchase.reference,
        wallet=purchase.wallet,
        amount=purchase.amount,
        state=purchase.state,
        created=purchase.created_at // 1000,
        transaction=purchase.transaction,
    )


def _row(movement: Movement) -> StatementRow:
    return StatementRow(
        time=movement.time // 1000,
        kind=movement.kind,
        amount=movement.amount,
        session=movement.session,
        transaction=movement.transaction,
    )


def _bytes(name: str, text: str) -> bytes:
    """The bytes in base64url without padding (RFC 4648, section 5). Raises InvalidArgument."""
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        decoded = b""
    # Other spellings of the same bytes are refused, as the ledger's ids are of bytes.
    if not decoded or base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != text:
        raise InvalidArgument(name, "is base64url without padding")
    return decoded
