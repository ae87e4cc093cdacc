"""REST for who keeps the ledger, how far it is and how far the gateway's lists are, and for checking it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import Field

from chaincode.condominium import msp_id_of
from chaincode.errors import StateConflict
from gateway.membership import Membership
from gateway.projection.writing import cursor
from gateway.rest import body
from gateway.rest.caller import Caller, allow
from gateway.rest.stream import MEDIA_TYPE, ServerEvent, Streams
from gateway.store.database import Database
from gateway.transaction.verification import Outcome, check
from network.ledger import VALID, Ledger, LedgerError

_READERS = [allow(Caller.ADMIN, Caller.OPERATOR, Caller.AUDITOR)]
_MOST = 500
"""Blocks that are looked through for events which the lists do not show yet."""


class MemberAnswer(body.Answer):
    """A condominium that keeps the ledger."""

    code: str
    msp_id: str
    own: bool
    height: int | None = Field(description="As this gateway knows it: of its own peer alone.")


class MembersAnswer(body.Answer):
    """Who keeps the ledger, and how far the gateway follows it."""

    network: str
    height: int
    behind: int = Field(description="Blocks with events that the gateway's lists do not show yet.")
    members: list[MemberAnswer]


def router(membership: Membership, database: Database, streams: Streams, code: str) -> APIRouter:
    """The routes; `code` is this condominium's."""
    ledger = membership.ledger
    routes = APIRouter(tags=["ledger"])
    checking = asyncio.Lock()

    @routes.get("/v1/ledger/members", dependencies=_READERS, summary="Who keeps the ledger, and how far")
    async def read_ledger_members() -> MembersAnswer:
        height = await ledger.height()
        return MembersAnswer(
            network=ledger.channel,
            height=height,
            behind=await _behind(ledger, database, height),
            members=[
                MemberAnswer(
                    code=each,
                    msp_id=msp_id_of(each),
                    own=each == code,
                    height=height if each == code else None,
                )
                for each in membership.members
            ],
        )

    @routes.get(
        "/v1/ledger/verification",
        dependencies=_READERS,
        summary="Check the whole ledger",
        response_class=StreamingResponse,
        responses={200: {"content": {MEDIA_TYPE: {}}}},
    )
    async def verify_ledger() -> StreamingResponse:
        """Events named `progress` (`read`, `of`), then one named `outcome`, or `failed` where the ledger
        could not be read. One check at a time."""
        if checking.locked():
            raise StateConflict("ledger", "is not being checked already; wait for that check to end")
        return streams.response(_events(membership, checking))

    return routes


async def _events(membership: Membership, checking: asyncio.Lock) -> AsyncGenerator[ServerEvent, None]:
    async with aclosing(check(membership.ledger, membership.verify, checking)) as steps:
        try:
            async for step in steps:
                yield ServerEvent("outcome" if isinstance(step, Outcome) else "progress", asdict(step))
        except LedgerError as error:
            yield ServerEvent("failed", {"text": str(error)})


async def _behind(ledger: Ledger, database: Database, height: int) -> int:
    followed, _ = await database.read(cursor)
    behind = 0
    for number in range(max(followed + 1, height - _MOST), height):
        block = await ledger.block(number)
        behind += any(each.event is not None and each.validation == VALID for each in block.transactions)
    return behind
