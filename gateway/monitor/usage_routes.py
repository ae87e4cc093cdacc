"""REST for a resident's usage: what its charts are drawn from."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query

from chaincode.errors import InvalidArgument
from chaincode.session import Session
from chaincode.signing.batch import Batch
from gateway.metering.readings import Readings
from gateway.monitor.usage import usage
from gateway.projection import sessions
from gateway.projection.sessions import Found
from gateway.rest import body
from gateway.rest.bookmark import Bookmark, Page, following, number
from gateway.rest.caller import Caller, CurrentPrincipal, allow
from gateway.store.database import Database
from gateway.transaction.wallet_routes import Wallet, require_own

SESSIONS = 20
"""Whose quarters of an hour one page holds."""
LONGEST = 400 * 86_400
"""Seconds that one question may span: a year and what surrounds it."""
_Moment = Annotated[int, Query(ge=0, le=2**40, description="Unix seconds.")]


class UsageAnswer(body.Answer):
    """One quarter of an hour of one session. Energy in Wh, power in W, current in mA."""

    time: int
    session: str
    unit: int
    energy: int
    power: int
    current: int
    least: int
    greatest: int
    samples: int
    temperature: int | None
    humidity: int | None


def router(*, database: Database, readings: Readings, code: str) -> APIRouter:
    """The route of usage; `code` is this condominium's, which alone has its units' readings."""
    routes = APIRouter(tags=["wallets"])

    @routes.get(
        "/v1/wallets/{wallet}/usage",
        dependencies=[allow(Caller.WALLET)],
        summary="A wallet's usage by the quarter of an hour",
    )
    async def read_usage(
        wallet: Annotated[Wallet, Path()],
        principal: CurrentPrincipal,
        since: _Moment,
        until: _Moment,
        bookmark: Bookmark = "",
    ) -> Page[UsageAnswer]:
        """The sessions of this wallet here that charged between `since` and `until`, newest first,
        each with its quarters of an hour in order. A page holds those of 20 sessions."""
        require_own(principal, wallet)
        if not since < until <= since + LONGEST:
            raise InvalidArgument("until", f"is after since, by at most {LONGEST // 86_400} days")
        before = number(bookmark)
        found = await database.read(
            lambda c: sessions.between(
                c, wallet, code, since=since, until=until, before=before, limit=SESSIONS
            )
        )
        rows = [row for each in found for row in await _rows(each) if since <= row.time < until]
        last = found[-1].position if found else 0
        return Page(rows=rows, bookmark=following(len(found), SESSIONS, last))

    async def _rows(found: Found) -> list[UsageAnswer]:
        record = found.record
        received = await readings.of_session(bytes.fromhex(record.id)[:16])
        # Up to 10,000 batches, and units' own are waiting for the event loop.
        return await asyncio.to_thread(_answers, record, [each.batch for each in received])

    return routes


def _answers(record: Session, batches: list[Batch]) -> list[UsageAnswer]:
    return [
        UsageAnswer(session=record.id, unit=record.unit, **asdict(quarter))
        for quarter in usage(record, batches)
    ]
