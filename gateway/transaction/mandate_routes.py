"""REST for a wallet's mandates: which stand, what they have spent, and tags just held to a reader."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import Connection, select

from chaincode.errors import NotAuthorised
from chaincode.mandate import Mandate
from chaincode.signing.request import BODY_BYTES, RequestKind, decode_request, session_of_request
from gateway.clock import Clock
from gateway.metering.records import START_REQUEST
from gateway.projection import mandates, sessions, wallets
from gateway.projection.records import MANDATE
from gateway.rest import body
from gateway.rest.bookmark import Bookmark, Page, following, number
from gateway.rest.caller import Caller, CurrentPrincipal, allow
from gateway.store.database import Database
from gateway.transaction.submission import Submitter
from gateway.transaction.wallet_routes import Wallet, require_own

PAGE = 50
RECENT_MS = 180_000
"""How long a tag is shown to whoever held it to a reader and wants to give it a mandate."""
_WalletPath = Annotated[Wallet, Path(description="The wallet's id: its first public key, hexadecimal.")]
_Row = tuple[int, Mandate, str, int]
"""Its place in the list, the record, the issuer's code, and what it has spent in the period of now."""


class MandateAnswer(body.Answer):
    """A standing permission to open sessions. Amounts in minor units, times in Unix seconds."""

    mandate: str
    issuer: str
    condominium: str
    units: list[int] = Field(description="Empty for every unit.")
    tags: list[str] = Field(description="Tags' hashes; empty for plugging in.")
    session_cap: int
    period_cap: int
    period: int = Field(description="Seconds.")
    spent: int = Field(description="Of the period cap, in the period of now: locked, less what came back.")
    until: int
    duration: int = Field(description="Seconds of each session.")
    price_limit: int = Field(description="Millionths of a token per kWh.")
    start_fee_limit: int
    idle_price_limit: int
    revoked: int | None


class TagAnswer(body.Answer):
    """A tag that asked for a session and was given none."""

    tag: str = Field(description="The tag's hash.")
    unit: int
    time: int = Field(description="Unix seconds.")


def router(*, submitter: Submitter, database: Database, clock: Clock, code: str) -> APIRouter:
    """The routes of mandates; `code` is this condominium's."""
    routes = APIRouter(tags=["wallets"])

    @routes.get(
        "/v1/wallets/{wallet}/mandates", dependencies=[allow(Caller.WALLET)], summary="A wallet's mandates"
    )
    async def list_mandates(
        wallet: _WalletPath, principal: CurrentPrincipal, bookmark: Bookmark = ""
    ) -> Page[MandateAnswer]:
        """Those of this condominium's tokens, revoked and expired ones too."""
        require_own(principal, wallet)
        before, now = number(bookmark), clock.now() // 1000
        found = await database.read(lambda c: _mandates(c, wallet, code, before, now))
        last = found[-1][0] if found else 0
        rows = [_answer(mandate, issuer, spent) for _, mandate, issuer, spent in found]
        return Page(rows=rows, bookmark=following(len(found), PAGE, last))

    @routes.get(
        "/v1/wallets/{wallet}/tags",
        dependencies=[allow(Caller.WALLET)],
        summary="Tags just held to a unit's reader",
    )
    async def list_recent_tags(
        wallet: _WalletPath, principal: CurrentPrincipal, unit: Annotated[int, Query(ge=0, le=65_535)]
    ) -> Page[TagAnswer]:
        """Of the last three minutes, those that opened no session and that no mandate of this wallet
        names, whatever others name. A hash opens nothing, but any key could ask: the wallet must have had
        tokens."""
        require_own(principal, wallet)
        now = clock.now()
        return Page(rows=await database.read(lambda c: _tags(c, wallet, unit, now)), bookmark="")

    return routes


def _mandates(connection: Connection, wallet: str, issuer: str, before: int | None, now: int) -> list[_Row]:
    query = select(MANDATE.c.position, MANDATE.c.record, MANDATE.c.issuer).where(
        MANDATE.c.wallet == wallet, MANDATE.c.issuer == issuer
    )
    if before is not None:
        query = query.where(MANDATE.c.position < before)
    found = []
    for row in connection.execute(query.order_by(MANDATE.c.position.desc()).limit(PAGE)).all():
        mandate = Mandate.decode(row.record.encode())
        found.append((row.position, mandate, row.issuer, sessions.spent_under(connection, mandate, now)))
    return found


def _tags(connection: Connection, wallet: str, unit: int, now: int) -> list[TagAnswer]:
    """Raises NotAuthorised for a wallet that never had tokens. `now` is in milliseconds."""
    if not wallets.is_known(connection, wallet):
        raise NotAuthorised("wallet", "has had tokens, so that the ledger knows it")
    query = (
        select(START_REQUEST.c.message)
        .where(START_REQUEST.c.unit == unit, START_REQUEST.c.received_at >= now - RECENT_MS)
        .order_by(START_REQUEST.c.received_at.desc())
        .limit(PAGE)
    )
    found: dict[str, TagAnswer] = {}
    for row in connection.execute(query).all():
        body = bytes(row.message)[:BODY_BYTES]
        request = decode_request(body)
        if request.kind is RequestKind.TAG and sessions.by_id(connection, session_of_request(body)) is None:
            tag = request.tag.hex()
            found.setdefault(tag, TagAnswer(tag=tag, unit=unit, time=request.time))
    own = mandates.named_by(connection, wallet, list(found), now // 1000)
    return [answer for tag, answer in found.items() if tag not in own]


def _answer(mandate: Mandate, issuer: str, spent: int) -> MandateAnswer:
    return MandateAnswer(
        mandate=mandate.id,
        issuer=issuer,
        condominium=mandate.condominium,
        units=list(mandate.units),
        tags=list(mandate.tags),
        session_cap=mandate.session_cap,
        period_cap=mandate.period_cap,
        period=mandate.period,
        spent=spent,
        until=mandate.until,
        duration=mandate.duration,
        price_limit=mandate.price_limit,
        start_fee_limit=mandate.start_fee_limit,
        idle_price_limit=mandate.idle_price_limit,
        revoked=mandate.revoked_at,
    )
