"""REST for reports: sessions, money, claims, and what a tariff would have brought; sheets to calculate in."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from pydantic import Field

from chaincode.condominium import Condominium
from chaincode.signing.intent import MAX_DURATION
from gateway.clock import Clock
from gateway.configuration.routes import TariffPrices
from gateway.configuration.tariff import Prices, Tariffs
from gateway.projection import claims
from gateway.report import sessions
from gateway.report.money import Turnover, Turnovers, turnover
from gateway.report.period import Since, Span, Step, Until, span
from gateway.report.rehearsal import MOST, Line, Rehearsal
from gateway.report.sessions import Charged, Opened
from gateway.rest import body
from gateway.rest.bookmark import Bookmark, Page, following, pair
from gateway.rest.caller import Caller, allow
from gateway.rest.sheet import MEDIA_TYPE, Cell, amount, download
from gateway.store.database import Database
from gateway.transaction.catalogue import Catalogue

_READERS = [allow(Caller.ADMIN, Caller.OPERATOR, Caller.AUDITOR)]
_SHEET: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: {}}}}
_Unit = Annotated[int | None, Query(ge=0, le=65_535)]
_By = Annotated[Step, Query(description="How long one row is.")]


class ChargedAnswer(body.Answer):
    """A session in a few figures. Energy in Wh, times in Unix seconds."""

    session: str
    unit: int
    wallet: str
    issuer: str
    state: str
    reason: str | None
    opened: int
    started: int | None
    ended: int | None
    energy: int | None
    escrow: int
    cost: int | None
    refund: int | None
    attested: bool


class SessionReport(body.Answer):
    """The sessions opened in a period, newest first."""

    since: int
    until: int
    complete: bool = Field(description=f"False where there were more than {sessions.MOST}.")
    sessions: list[ChargedAnswer]


class TurnoverAnswer(body.Answer):
    """The sums of one step. Money in minor units, energy in Wh."""

    start: datetime.date
    sold: int
    sales: int
    income: int
    visitors: int = Field(description="Claimed from other condominiums for their residents' sessions here.")
    abroad: int = Field(description="Claimed by other condominiums for residents' sessions there.")
    refunded: int
    redeemed: int
    sessions: int
    energy: int


class MoneyReport(body.Answer):
    """Steps in which something happened, oldest first."""

    since: int
    until: int
    by: Step
    steps: list[TurnoverAnswer]


class ClaimAnswer(body.Answer):
    """What one condominium owes another for a visitor's session."""

    host: str = Field(description="Where the visitor charged: who is owed.")
    issuer: str = Field(description="Whose tokens paid: who owes.")
    session: str
    amount: int
    at: int
    clearing: str | None


class RehearsalBody(TariffPrices):
    """A tariff that is not published yet, and the sessions to try it on."""

    since: Annotated[int, Field(ge=0, le=2**40)] | None = None
    until: Annotated[int, Field(ge=0, le=2**40)] | None = None


class LineAnswer(body.Answer):
    """One session under both tariffs. Money in minor units, energy in Wh."""

    session: str
    unit: int
    ended: int
    energy: int
    before: int
    after: int
    capped: bool = Field(description="Its escrow would have been used up: it would have ended earlier.")


class RehearsalAnswer(body.Answer):
    """What the sessions that ended in a period would have cost."""

    since: int
    until: int
    before: int = Field(description="As the ledger settled them.")
    after: int
    capped: int = Field(description="Sessions whose escrow would have been used up.")
    agreed: int = Field(description="Sessions whose readings give what was settled, under their own tariff.")
    unread: int = Field(description="Sessions left out, whose readings this gateway does not have.")
    complete: bool = Field(description=f"False where more than {MOST} ended: only the newest were tried.")
    lines: list[LineAnswer]


@dataclass(frozen=True, slots=True)
class Books:
    """What reports are made of."""

    condominium: Condominium
    database: Database
    rehearsal: Rehearsal
    tariffs: Tariffs
    zone: ZoneInfo
    """The condominium's, whose days and months are counted."""
    clock: Clock

    @property
    def code(self) -> str:
        """The condominium's."""
        return self.condominium.code

    def span(self, since: int | None, until: int | None) -> Span:
        """What a request asks for. Raises InvalidArgument."""
        return span(since, until, self.clock.now() // 1000)


def router(books: Books, catalogue: Catalogue) -> APIRouter:
    """The routes of reports."""
    routes = APIRouter(tags=["reports"])
    _sessions(routes, books, catalogue)
    _money(routes, books, catalogue)
    _claims(routes, books)
    _rehearsal(routes, books)
    return routes


def _sessions(routes: APIRouter, books: Books, catalogue: Catalogue) -> None:
    async def read(asked: Span, unit: int | None) -> Opened:
        return await books.database.read(lambda c: sessions.opened(c, books.code, asked, unit))

    @routes.get("/v1/reports/sessions", dependencies=_READERS, summary="A period's sessions, in figures")
    async def report_sessions(since: Since = None, until: Until = None, unit: _Unit = None) -> SessionReport:
        asked = books.span(since, until)
        found = await read(asked, unit)
        return SessionReport(
            since=asked.since,
            until=asked.until,
            complete=found.complete,
            sessions=[_charged(each) for each in found.sessions],
        )

    @routes.get(
        "/v1/reports/sessions.csv",
        dependencies=_READERS,
        summary="The same for a spreadsheet",
        response_class=Response,
        responses=_SHEET,
    )
    async def export_sessions(since: Since = None, until: Until = None, unit: _Unit = None) -> Response:
        """Energy in Wh, money as people write it, times in UTC (ISO 8601). Where there were more than 20,000
        sessions, the last row says so."""
        found = await read(books.span(since, until), unit)
        decimals = (await catalogue.condominium()).decimals
        heads = (
            "session", "unit", "wallet", "issuer", "state", "reason", "opened", "started", "ended",
            "energy_wh", "escrow", "cost", "refund", "attested",
        )  # fmt: skip
        rows: list[tuple[Cell, ...]] = [
            (
                each.session, each.unit, each.wallet, each.issuer, each.state, each.reason,
                _iso(each.opened_at), _iso(each.started_at), _iso(each.ended_at),
                None if each.energy is None else each.energy // 1000,
                amount(each.amount, decimals), amount(each.cost, decimals), amount(each.refund, decimals),
                "yes" if each.attested else "no",
            )
            for each in found.sessions
        ]  # fmt: skip
        if not found.complete:
            cut = f"Only the newest {len(rows)} sessions are listed: choose a shorter period."
            rows.append((cut, *(None,) * (len(heads) - 1)))
        return download("sessions.csv", heads, rows)


def _money(routes: APIRouter, books: Books, catalogue: Catalogue) -> None:
    async def read(asked: Span, by: Step) -> Turnovers:
        return await books.database.read(lambda c: turnover(c, books.code, asked, by, books.zone))

    @routes.get("/v1/reports/money", dependencies=_READERS, summary="Sales, income and what was given back")
    async def report_money(since: Since = None, until: Until = None, by: _By = Step.DAY) -> MoneyReport:
        asked = books.span(since, until)
        steps = await read(asked, by)
        return MoneyReport(
            since=asked.since,
            until=asked.until,
            by=by,
            steps=[_turnover(day, each) for day, each in steps.items()],
        )

    @routes.get(
        "/v1/reports/money.csv",
        dependencies=_READERS,
        summary="The same for a spreadsheet",
        response_class=Response,
        responses=_SHEET,
    )
    async def export_money(since: Since = None, until: Until = None, by: _By = Step.DAY) -> Response:
        steps = await read(books.span(since, until), by)
        decimals = (await catalogue.condominium()).decimals
        heads = (
            "from", "sold", "sales", "income", "visitors", "abroad", "refunded", "redeemed", "sessions",
            "energy_wh",
        )  # fmt: skip
        rows = (
            (
                day.isoformat(), amount(each.sold, decimals), each.sales, amount(each.income, decimals),
                amount(each.visitors, decimals), amount(each.abroad, decimals),
                amount(each.refunded, decimals), amount(each.redeemed, decimals), each.sessions,
                each.energy // 1000,
            )
            for day, each in steps.items()
        )  # fmt: skip
        return download("money.csv", heads, rows)


def _claims(routes: APIRouter, books: Books) -> None:
    @routes.get(
        "/v1/claims", dependencies=_READERS, summary="What condominiums owe each other for visitors' sessions"
    )
    async def list_claims(bookmark: Bookmark = "") -> Page[ClaimAnswer]:
        before = pair(bookmark) if bookmark else None
        found = await books.database.read(lambda c: claims.page(c, books.code, before))
        last = (found[-1].at, found[-1].session) if found else (0, "")
        return Page(
            rows=[ClaimAnswer(**asdict(each)) for each in found],
            bookmark=following(len(found), claims.PAGE, *last),
        )


def _rehearsal(routes: APIRouter, books: Books) -> None:
    @routes.post(
        "/v1/tariffs/rehearsal",
        dependencies=_READERS,
        summary="What a period's sessions would have cost under a tariff",
    )
    async def rehearse_tariff(draft: RehearsalBody) -> RehearsalAnswer:
        """Settles the readings of sessions that ended in the period again, by the ledger's own rules;
        nothing is published. At most the 2,000 newest sessions."""
        asked = books.span(draft.since, draft.until)
        members = draft.model_dump()
        prices = Prices(start_fee=members["start_fee"], bands=members["bands"], week=members["week"])
        # Sessions that ended in the period began before it, some of them.
        tariff = books.tariffs.draft(prices, max(0, asked.since - MAX_DURATION))
        found = await books.rehearsal.run(tariff, asked)
        return RehearsalAnswer(
            since=asked.since,
            until=asked.until,
            before=sum(line.before for line in found.lines),
            after=sum(line.after for line in found.lines),
            capped=sum(line.is_capped for line in found.lines),
            agreed=sum(line.agreed for line in found.lines),
            unread=found.unread,
            complete=found.complete,
            lines=[_line(line) for line in found.lines],
        )


def _charged(each: Charged) -> ChargedAnswer:
    return ChargedAnswer(
        session=each.session,
        unit=each.unit,
        wallet=each.wallet,
        issuer=each.issuer,
        state=each.state,
        reason=each.reason,
        opened=each.opened_at,
        started=each.started_at,
        ended=each.ended_at,
        energy=None if each.energy is None else each.energy // 1000,
        escrow=each.amount,
        cost=each.cost,
        refund=each.refund,
        attested=each.attested,
    )


def _turnover(start: datetime.date, each: Turnover) -> TurnoverAnswer:
    return TurnoverAnswer(**(asdict(each) | {"start": start, "energy": each.energy // 1000}))


def _line(line: Line) -> LineAnswer:
    return LineAnswer(
        session=line.session,
        unit=line.unit,
        ended=line.ended_at,
        energy=line.energy // 1000,
        before=line.before,
        after=line.after,
        capped=line.is_capped,
    )


def _iso(instant: int | None) -> str | None:
    """Unix seconds as ISO 8601, UTC."""
    if instant is None:
        return None
    return datetime.datetime.fromtimestamp(instant, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
