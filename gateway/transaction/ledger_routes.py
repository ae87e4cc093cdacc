"""REST for anybody and for auditors: the condominium, its tariffs, and the ledger itself."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from sqlalchemy import select

from chaincode.errors import InvalidArgument, NotFound
from gateway.projection.records import TARIFF
from gateway.rest import body
from gateway.rest.bookmark import Bookmark, Page, following, number
from gateway.rest.caller import Caller, allow
from gateway.rest.places import PlacedResponse, Places
from gateway.rest.stream import MEDIA_TYPE, ServerEvent, Streams
from gateway.store.database import Database
from gateway.transaction.catalogue import Catalogue
from gateway.transaction.receipt import proving
from gateway.transaction.submission import Submitter
from gateway.transaction.supply import read_supply
from network.ledger import Block, Event, Ledger, Transaction

_READERS = (Caller.ADMIN, Caller.OPERATOR, Caller.AUDITOR)
_TARIFFS = 50
_MOST = 2**53 - 1
_EVENT_ID = re.compile(r"([0-9]{1,15})\.([0-9]{1,9})")


class CondominiumAnswer(body.Answer):
    """Whose gateway this is, and what its tokens are."""

    code: str
    name: str
    network: str = Field(description="The channel: intents name it.")
    namespace: str
    currency: str
    decimals: int
    grace: int = Field(description="Seconds after a deadline before an escrow can be reclaimed.")
    tariff: dict[str, Any] | None = Field(description="In force now.")
    root_certificate: str = Field(description="PEM: what receipts are checked with.")
    signing_key: str


class SupplyAnswer(body.Answer):
    """Minor units; issued is the sum of the others while nothing moves."""

    issued: int
    balances: int
    escrow: int
    income: int
    redeemed: int


class LedgerAnswer(body.Answer):
    """How far the ledger is."""

    network: str
    height: int
    hash: str | None = Field(description="Of the last block's header; null before the first.")


class TransactionAnswer(body.Answer):
    """One transaction of a block. Bytes in base64."""

    id: str
    timestamp: int = Field(description="Milliseconds since 1970.")
    creator: str = Field(description="MSP id.")
    namespace: str
    function: str
    arguments: list[str]
    validation: str
    event: str | None
    result: str
    writes: list[dict[str, Any]] = Field(description="Namespace, key and value; null where it was deleted.")


class BlockAnswer(body.Answer):
    """One block."""

    number: int
    previous_hash: str
    data_hash: str
    hash: str
    transactions: list[TransactionAnswer]


def router(
    *,
    submitter: Submitter,
    ledger: Ledger,
    catalogue: Catalogue,
    database: Database,
    streams: Streams,
    exports: Places,
    root: bytes,
) -> APIRouter:
    """The routes of the ledger; `exports` are the places for whole exports, `root` is the condominium's root
    certificate, PEM."""
    routes = APIRouter(tags=["ledger"])
    _condominium(routes, submitter, catalogue, root)
    _tariffs(routes, submitter, catalogue, database)
    _blocks(routes, ledger, exports)
    _supply(routes, submitter)
    _streams(routes, ledger, streams)
    return routes


def _condominium(routes: APIRouter, submitter: Submitter, catalogue: Catalogue, root: bytes) -> None:
    @routes.get("/v1/condominium", dependencies=[allow(Caller.ANYBODY)], summary="The condominium")
    async def read_condominium() -> CondominiumAnswer:
        record = await catalogue.condominium()
        tariff = await catalogue.tariff_in_force()
        return CondominiumAnswer(
            code=record.code,
            name=record.name,
            network=submitter.ledger.channel,
            namespace=submitter.namespace,
            currency=record.currency,
            decimals=record.decimals,
            grace=record.grace,
            tariff=tariff.members() if tariff is not None else None,
            root_certificate=root.decode(),
            signing_key=record.signing_key,
        )


def _tariffs(routes: APIRouter, submitter: Submitter, catalogue: Catalogue, database: Database) -> None:
    @routes.get("/v1/tariffs", dependencies=[allow(Caller.ANYBODY)], summary="Published tariffs")
    async def list_tariffs(bookmark: Bookmark = "") -> Page[dict[str, Any]]:
        before = number(bookmark)
        code = (await catalogue.condominium()).code
        query = select(TARIFF.c.number, TARIFF.c.record).where(TARIFF.c.condominium == code)
        if before is not None:
            query = query.where(TARIFF.c.number < before)
        query = query.order_by(TARIFF.c.number.desc()).limit(_TARIFFS)
        rows = await database.read(lambda c: c.execute(query).all())
        last = rows[-1].number if rows else 0
        return Page(
            rows=[json.loads(row.record) for row in rows], bookmark=following(len(rows), _TARIFFS, last)
        )

    @routes.get(
        "/v1/tariffs/{tariff}",
        dependencies=[allow(Caller.ANYBODY)],
        summary="A tariff, as the ledger has it",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}}},
    )
    async def read_tariff(tariff: Annotated[int, Path(ge=1, le=99_999_999)]) -> Response:
        value = await submitter.evaluate("tariff.get", [str(tariff).encode()])
        return Response(value, media_type="application/json")


def _blocks(routes: APIRouter, ledger: Ledger, exports: Places) -> None:
    @routes.get("/v1/ledger", dependencies=[allow(Caller.ANYBODY)], summary="How far the ledger is")
    async def read_ledger() -> LedgerAnswer:
        height = await ledger.height()
        last = await ledger.block(height - 1) if height else None
        return LedgerAnswer(
            network=ledger.channel, height=height, hash=last.hash.hex() if last is not None else None
        )

    @routes.get("/v1/ledger/blocks/{block}", dependencies=[allow(Caller.ANYBODY)], summary="A block")
    async def read_block(block: Annotated[int, Path(ge=0, le=_MOST)]) -> BlockAnswer:
        await require_block(ledger, block)
        return _block(await ledger.block(block))

    @routes.get(
        "/v1/ledger/export",
        dependencies=[allow(Caller.ANYBODY)],
        summary="All blocks, to verify elsewhere",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/x-ndjson": {}}}},
    )
    async def export_ledger(
        start: Annotated[int, Query(alias="from", ge=0, le=_MOST)] = 0,
    ) -> StreamingResponse:
        """One block a line, up to the height of now."""
        height, exporting = await ledger.height(), proving(ledger)

        async def lines() -> AsyncGenerator[bytes, None]:
            for block in range(start, height):
                yield await exporting.export(block) + b"\n"

        return PlacedResponse(lines(), exports, "application/x-ndjson")


def _supply(routes: APIRouter, submitter: Submitter) -> None:
    @routes.get("/v1/supply", dependencies=[allow(*_READERS)], summary="Where all tokens are")
    async def read_token_supply() -> SupplyAnswer:
        return SupplyAnswer(**asdict(await read_supply(submitter)))


def _streams(routes: APIRouter, ledger: Ledger, streams: Streams) -> None:
    @routes.get(
        "/v1/ledger/events",
        dependencies=[allow(Caller.ANYBODY)],
        summary="The ledger's events as they come",
        response_class=StreamingResponse,
        responses={200: {"content": {MEDIA_TYPE: {}}}},
    )
    async def stream_ledger_events(
        start: Annotated[int | None, Query(alias="from", ge=0, le=_MOST)] = None,
        last_event_id: Annotated[str | None, Header(max_length=40)] = None,
    ) -> StreamingResponse:
        """From a block on, or from the next one. An event's id is its block and its place among the block's
        events; a reader that comes again with the last one it has seen misses none."""
        place = (start if start is not None else await ledger.height(), -1)
        if last_event_id is not None:
            match = _EVENT_ID.fullmatch(last_event_id)
            if match is None:
                raise InvalidArgument("last-event-id", "is the id of an event of this stream")
            place = (int(match[1]), int(match[2]))
        return streams.response(_events(ledger, place))


async def numbered(ledger: Ledger, after: tuple[int, int]) -> AsyncGenerator[tuple[int, Event], None]:
    """The ledger's events after a block and a place in it, each with its place among its block's events."""
    block, index = -1, 0
    async for event in ledger.events(after[0]):
        block, index = (block, index + 1) if event.block == block else (event.block, 0)
        if (block, index) > after:
            yield index, event


async def _events(ledger: Ledger, after: tuple[int, int]) -> AsyncGenerator[ServerEvent, None]:
    async with aclosing(numbered(ledger, after)) as events:
        async for index, event in events:
            data = {
                "block": event.block,
                "transaction": event.transaction_id,
                "timestamp": event.timestamp,
                "namespace": event.namespace,
                "payload": json.loads(event.payload),
            }
            yield ServerEvent(event.name, data, f"{event.block}.{index}")


async def require_block(ledger: Ledger, block: int) -> None:
    """Raises NotFound where the ledger is not so far."""
    height = await ledger.height()
    if block >= height:
        raise NotFound("block", f"is below the ledger's height, {height}")


def _block(block: Block) -> BlockAnswer:
    return BlockAnswer(
        number=block.number,
        previous_hash=block.previous_hash.hex(),
        data_hash=block.data_hash.hex(),
        hash=block.hash.hex(),
        transactions=[_transaction(each) for each in block.transactions],
    )


def _transaction(transaction: Transaction) -> TransactionAnswer:
    return TransactionAnswer(
        id=transaction.id,
        timestamp=transaction.timestamp,
        creator=transaction.creator_msp_id,
        namespace=transaction.namespace,
        function=transaction.function,
        arguments=[_base64(each) for each in transaction.arguments],
        validation=transaction.validation,
        event=transaction.event[0] if transaction.event is not None else None,
        result=_base64(transaction.result),
        writes=[
            {
                "namespace": each.namespace,
                "key": write.key,
                "value": None if write.value is None else _base64(write.value),
            }
            for each in transaction.read_write_sets
            for write in each.writes
        ],
    )


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
