"""REST for sessions: one's own as it goes on, its readings and its receipt; all of them for operators."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints
from sqlalchemy import Connection

from chaincode.errors import NotFound, StateConflict
from chaincode.session import ENDED, Session
from gateway.access.authentication import note
from gateway.metering.readings import Readings
from gateway.metering.received import Received
from gateway.monitor.monitor import ChargeMonitor, topic_of
from gateway.monitor.view import SessionAnswer, session_view
from gateway.notification.bus import Bus
from gateway.projection import sessions
from gateway.rest import body
from gateway.rest.bookmark import Bookmark, Page, following, number
from gateway.rest.caller import Caller, CurrentPrincipal, Principal, allow
from gateway.rest.problem import ProblemError
from gateway.rest.stream import MEDIA_TYPE, ServerEvent, Streams
from gateway.store.database import Database
from gateway.transaction.receipt import Receipts
from gateway.transaction.wallet_routes import Wallet, require_own

_READERS = (Caller.ADMIN, Caller.OPERATOR, Caller.AUDITOR)
_OPERATORS = (Caller.ADMIN, Caller.OPERATOR)
_READINGS = 500
Instant = Annotated[int | None, Query(ge=0, le=2**40)]
SessionId = Annotated[
    str,
    StringConstraints(pattern="^[0-9a-f]{64}$"),
    Path(description="The session's id: that of the intent that opened it."),
]


class ReadingAnswer(body.Answer):
    """What a unit's meter said at the end of one batch."""

    time: int
    energy: int
    """Wh since the session's first reading."""
    power: int
    current: int
    voltage: int
    temperature: int | None
    humidity: int | None


class SessionBook:
    """Finds sessions, whether they are under way, have just ended, or are long over."""

    def __init__(self, monitor: ChargeMonitor, database: Database, code: str) -> None:
        """`code` is this condominium's."""
        self._monitor = monitor
        self._database = database
        self._code = code

    async def view(self, session: str) -> SessionAnswer:
        """A session as it stands. Raises NotFound."""
        live = self._monitor.live(session)
        if live is not None:
            return session_view(live.record, self._code, live)
        ended = self._monitor.ended(session)
        if ended is not None:
            return session_view(ended.record, self._code, None, ended.at)
        found = await self._database.read(lambda c: sessions.by_id(c, session))
        if found is None:
            raise NotFound("session", "was opened on this network")
        return session_view(found.record, found.host, None, found.ended_at)

    async def record(self, session: str) -> Session:
        """A session's record. Raises NotFound."""
        live = self._monitor.live(session)
        if live is not None:
            return live.record
        found = await self._database.read(lambda c: sessions.by_id(c, session))
        if found is None:
            raise NotFound("session", "was opened on this network")
        return found.record

    async def page(
        self,
        bookmark: str,
        *,
        wallet: str | None = None,
        unit: int | None = None,
        state: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> Page[SessionAnswer]:
        """Sessions, newest first."""
        before = number(bookmark)
        host = self._code if wallet is None else None

        def read(connection: Connection) -> list[sessions.Found]:
            return sessions.page(
                connection,
                wallet=wallet,
                unit=unit,
                host=host,
                state=state,
                since=since,
                until=until,
                before=before,
            )

        found = await self._database.read(read)
        rows = []
        for each in found:
            live = self._monitor.live(each.record.id)
            record = live.record if live is not None else each.record
            rows.append(session_view(record, each.host, live, each.ended_at))
        last = found[-1].position if found else 0
        return Page(rows=rows, bookmark=following(len(found), sessions.PAGE, last))


def router(
    *,
    monitor: ChargeMonitor,
    book: SessionBook,
    readings: Readings,
    receipts: Receipts,
    bus: Bus,
    streams: Streams,
) -> APIRouter:
    """The routes of sessions."""
    routes = APIRouter(tags=["sessions"])
    _one(routes, book, bus, streams)
    _lists(routes, book)
    _evidence(routes, book, readings, receipts)
    _control(routes, monitor)
    return routes


def _one(routes: APIRouter, book: SessionBook, bus: Bus, streams: Streams) -> None:
    @routes.get("/v1/sessions/{session}", dependencies=[allow(Caller.ANYBODY)], summary="A session")
    async def read_session(session: SessionId) -> SessionAnswer:
        """Open to whoever has the id: a locked phone goes on showing its session. The ledger tells ids, so
        anybody who looks there can follow a session; whose it is stands nowhere but in a wallet's number."""
        return await book.view(session)

    @routes.get(
        "/v1/sessions/{session}/events",
        dependencies=[allow(Caller.ANYBODY)],
        summary="A session as it goes on",
        response_class=StreamingResponse,
        responses={200: {"content": {MEDIA_TYPE: {}}}},
    )
    async def stream_session(session: SessionId) -> StreamingResponse:
        """Events named `session`: one at once, one at each change; ends after the one that has ended."""
        await book.view(session)
        return streams.response(_events(follow(book, bus, session)))


def _lists(routes: APIRouter, book: SessionBook) -> None:
    @routes.get(
        "/v1/wallets/{wallet}/sessions", dependencies=[allow(Caller.WALLET)], summary="A wallet's sessions"
    )
    async def list_wallet_sessions(
        wallet: Annotated[Wallet, Path()], principal: CurrentPrincipal, bookmark: Bookmark = ""
    ) -> Page[SessionAnswer]:
        require_own(principal, wallet)
        return await book.page(bookmark, wallet=wallet)

    @routes.get("/v1/sessions", dependencies=[allow(*_READERS)], summary="The condominium's sessions")
    async def list_sessions(
        unit: Annotated[int | None, Query(ge=0, le=65_535)] = None,
        state: Annotated[
            str | None, Query(pattern="^(opened|started|settled|cancelled|reclaimed|abandoned)$")
        ] = None,
        since: Instant = None,
        until: Instant = None,
        bookmark: Bookmark = "",
    ) -> Page[SessionAnswer]:
        """Those opened from `since` on and before `until`, Unix seconds."""
        return await book.page(bookmark, unit=unit, state=state, since=since, until=until)


def _evidence(routes: APIRouter, book: SessionBook, readings: Readings, receipts: Receipts) -> None:
    @routes.get(
        "/v1/sessions/{session}/readings",
        dependencies=[allow(Caller.WALLET, *_READERS)],
        summary="A session's readings",
    )
    async def list_readings(
        session: SessionId, principal: CurrentPrincipal, bookmark: Bookmark = ""
    ) -> Page[ReadingAnswer]:
        """Oldest first, as a meter's are."""
        record = await book.record(session)
        _require_reader(principal, record)
        after = number(bookmark)
        key = bytes.fromhex(session)[:16]
        found = await readings.of_session(key, -1 if after is None else after, _READINGS)
        start = record.first.register if record.first is not None else None
        if start is None and found:
            start = (await readings.of_session(key, -1, 1))[0].batch.register
        rows = [_reading(each, start or 0) for each in found]
        last = found[-1].batch.number if found else 0
        return Page(rows=rows, bookmark=following(len(found), _READINGS, last))

    @routes.get(
        "/v1/sessions/{session}/batches",
        dependencies=[allow(Caller.WALLET, *_READERS)],
        summary="A session's readings as the unit sent them",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/octet-stream": {}}}},
    )
    async def read_batches(session: SessionId, principal: CurrentPrincipal) -> StreamingResponse:
        """Every batch from the first to the last that the ledger holds, one after another: the last one
        commits to all of them, so they can be checked against the receipt."""
        record = await book.record(session)
        _require_reader(principal, record)
        return StreamingResponse(_batches(readings, record), media_type="application/octet-stream")

    @routes.get(
        "/v1/sessions/{session}/receipt",
        dependencies=[allow(Caller.ANYBODY)],
        summary="A session's receipt",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}}},
    )
    async def read_receipt(session: SessionId) -> Response:
        """To be kept as it is: it proves itself with the condominium's root certificate alone."""
        name = f'attachment; filename="receipt-{session[:12]}.json"'
        return Response(
            await receipts.of(session),
            media_type="application/json",
            headers={"Content-Disposition": name},
        )


def _control(routes: APIRouter, monitor: ChargeMonitor) -> None:
    @routes.post(
        "/v1/sessions/{session}/stop",
        status_code=202,
        dependencies=[allow(*_OPERATORS)],
        summary="Stop a session",
    )
    async def stop_session(session: SessionId, request: Request) -> None:
        """The relay opens, the last reading settles it, and the resident has the rest back."""
        note(request, session=session)
        live = monitor.live(session)
        if live is None:
            raise StateConflict("session", "is under way at this condominium")
        monitor.stop(live)


async def _batches(readings: Readings, record: Session) -> AsyncGenerator[bytes, None]:
    if record.first is None or record.last is None:
        return
    after, last = record.first.number - 1, record.last.number
    while after < last:
        found = await readings.of_session(bytes.fromhex(record.id)[:16], after, _READINGS)
        if not found:
            return
        yield b"".join(each.message for each in found if each.batch.number <= last)
        after = found[-1].batch.number


async def follow(book: SessionBook, bus: Bus, session: str) -> AsyncGenerator[SessionAnswer, None]:
    """A session now and at each change, until it has ended. Raises NotFound."""
    with bus.subscribe(topic_of(session)) as notices:
        shown = await book.view(session)
        yield shown
        while shown.state not in ENDED:
            try:
                await anext(notices)
            except StopAsyncIteration:
                return
            now = await book.view(session)
            if now != shown:
                shown = now
                yield shown


async def _events(sessions: AsyncGenerator[SessionAnswer, None]) -> AsyncGenerator[ServerEvent, None]:
    async with aclosing(sessions):
        async for shown in sessions:
            yield ServerEvent("session", shown.model_dump(mode="json"))


def _require_reader(principal: Principal, record: Session) -> None:
    """A resident's consumption by the minute is for the wallet and the operators."""
    if principal.wallet is not None and principal.wallet != record.wallet:
        raise ProblemError(403, "not-authorised", "wallet", "is the one that opened the session")


def _reading(received: Received, start: int) -> ReadingAnswer:
    batch = received.batch
    last = batch.samples[-1] if batch.samples else None
    return ReadingAnswer(
        time=batch.time,
        energy=(batch.register - start) // 1000,
        power=0 if last is None else last.current * last.voltage // 10_000,
        current=0 if last is None else last.current,
        voltage=0 if last is None else last.voltage // 10,
        temperature=None if batch.temperature == -128 else batch.temperature,
        humidity=None if batch.humidity == 255 else batch.humidity,
    )
