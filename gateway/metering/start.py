"""Taking start requests in: somebody held a tag to a unit's reader, or plugged in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import Connection, insert, select

from chaincode.opening import REQUEST_VALIDITY
from chaincode.signing.request import StartRequest
from gateway.clock import Clock
from gateway.metering.directory import EnrolledUnit
from gateway.metering.identification import Identification
from gateway.metering.outbox import Outbox
from gateway.metering.readings import Readings
from gateway.metering.received import RequestReceived
from gateway.metering.records import START_REQUEST
from gateway.metering.refusal import RefusalKind, Refused
from gateway.metering.verification import check_request, evidence_of
from gateway.store.database import Database

OnRequest = Callable[[RequestReceived], Awaitable[None]]
_TABLE = START_REQUEST.c


class StartRequests:
    """The one way in for start requests, whatever transport brought them."""

    def __init__(
        self,
        database: Database,
        readings: Readings,
        identification: Identification,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._database = database
        self._readings = readings
        self._identification = identification
        self._outbox = outbox
        self._clock = clock
        self._on_request: OnRequest | None = None

    def subscribe(self, on_request: OnRequest) -> None:
        """Hand each request to `on_request` once it is durable and before it is answered. The latest one of
        a unit is handed on again when the unit repeats it: its session's id is made from its bytes, so
        opening it twice is opening it once."""
        self._on_request = on_request

    async def receive(self, message: bytes, unit: int | None = None) -> EnrolledUnit:
        """Take one start request; `unit` is whose it is to be, where that is known. Returns its unit.

        Raises `Refused` where it is not taken, `StoreError` where the database fails, `LedgerError` where
        the unit could not be looked up, and whatever the subscriber raises."""
        known = None
        try:
            known = await self._identification.unit(message, unit, "request")
            request = check_request(message, known, self._identification.network)
            await self._take(message, request, known)
        except Refused as refused:
            await self._identification.refusals.note(refused, None if known is None else known.number)
            raise
        return known

    async def _take(self, message: bytes, request: StartRequest, unit: EnrolledUnit) -> None:
        now = self._clock.now()
        if abs(now // 1_000 - request.time) > REQUEST_VALIDITY:
            raise Refused(
                RefusalKind.OLD_REQUEST, "request.time", f"is within {REQUEST_VALIDITY} seconds of now"
            )
        await self._database.write(lambda c: _keep(c, unit, request, message, now))
        tail = await self._readings.tail(unit)
        self._outbox.meet(unit, request.boot, 0 if tail is None else tail.number)
        if self._on_request is not None:
            evidence = evidence_of(message, unit, self._identification.keys)
            await self._on_request(RequestReceived(unit.number, request, message, evidence, now))


def _keep(
    connection: Connection, unit: EnrolledUnit, request: StartRequest, message: bytes, now: int
) -> None:
    """Store a request above the unit's latest; the latest itself may come again. Raises Refused."""
    query = (
        select(_TABLE.boot, _TABLE.number, _TABLE.message)
        .where(_TABLE.unit == unit.number, _TABLE.enrolled_at == unit.enrolled_at)
        .order_by(_TABLE.boot.desc(), _TABLE.number.desc())
        .limit(1)
    )
    latest = connection.execute(query).first()
    if latest is not None:
        boot, number, stored = latest
        if stored == message:
            return
        if (request.boot, request.number) == (boot, number):
            sentence = f"{number} is not used by another request"
            raise Refused(RefusalKind.REPEATED_NUMBER, "request.number", sentence)
        if (request.boot, request.number) < (boot, number):
            sentence = f"is above {number} of start {boot}, the last one's"
            raise Refused(RefusalKind.OLD_REQUEST, "request.number", sentence)
    connection.execute(
        insert(START_REQUEST).values(
            unit=unit.number,
            enrolled_at=unit.enrolled_at,
            boot=request.boot,
            number=request.number,
            received_at=now,
            message=message,
        )
    )
