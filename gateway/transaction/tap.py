"""Start requests: a tag held to a unit's reader, or plugging in, opens a session under a mandate."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection, select

from chaincode.errors import ContractError
from chaincode.fields import encode
from chaincode.session import Session
from chaincode.signing.request import RequestKind
from gateway.clock import Clock
from gateway.metering.received import RequestReceived
from gateway.projection.records import MANDATE, MANDATE_USE
from gateway.store.database import Database
from gateway.transaction.catalogue import Catalogue
from gateway.transaction.submission import Submitter

EVERY_UNIT = -1
PLUGGED_IN = ""
MOST_TRIED = 16
"""Mandates that one start request is tried under: anybody may grant one that names another's tag, and each
costs the ledger a try. The oldest go first, so that whoever copies a tag from the ledger comes after the
wallet that named it before."""
_LOG = logging.getLogger(__name__)


class Taps:
    """Finds the mandate that permits a start request and opens the session."""

    def __init__(
        self,
        database: Database,
        submitter: Submitter,
        catalogue: Catalogue,
        clock: Clock,
        *,
        code: str,
        on_session: Callable[[Session], Awaitable[None]],
        is_free: Callable[[int], bool],
    ) -> None:
        """`is_free` says whether no session is under way at a unit: a tap there must not lock more tokens."""
        self._database = database
        self._submitter = submitter
        self._catalogue = catalogue
        self._clock = clock
        self._code = code
        self._on_session = on_session
        self._is_free = is_free

    async def on_request(self, received: RequestReceived) -> None:
        """Open a session for a start request that is verified and stored. The same request is one session.

        Raises LedgerError and StoreError; the unit repeats its request then."""
        request = received.request
        if not self._is_free(received.unit):
            _LOG.info("unit %d asked for a session while one is under way", received.unit)
            return
        tag = request.tag.hex() if request.kind is RequestKind.TAG else PLUGGED_IN
        now = self._clock.now() // 1000
        mandates = await self._database.read(lambda c: self._mandates(c, tag, received.unit, now))
        tariff = await self._catalogue.tariff_in_force()
        if tariff is None or not mandates:
            _LOG.info("unit %d asked for a session that no mandate permits", received.unit)
            return
        for mandate, issuer in mandates:
            order = encode({"mandate": mandate, "issuer": issuer, "tariff": tariff.number})
            try:
                committed = await self._submitter.submit(
                    "session.open_under_mandate", [order, received.evidence]
                )
            except ContractError as error:
                # The wallet is empty or its cap is reached: perhaps another mandate permits it.
                _LOG.info("mandate %s does not permit it: %s", mandate, error)
                continue
            await self._on_session(Session.decode(committed.result))
            return

    def _mandates(self, connection: Connection, tag: str, unit: int, now: int) -> list[tuple[str, str]]:
        """Id and issuer of the mandates that may permit it, in the order in which they are tried."""
        query = (
            select(MANDATE.c.mandate, MANDATE.c.issuer)
            .join(MANDATE_USE, MANDATE_USE.c.mandate == MANDATE.c.mandate)
            .where(
                MANDATE_USE.c.tag == tag,
                MANDATE_USE.c.unit.in_((unit, EVERY_UNIT)),
                MANDATE.c.condominium == self._code,
                MANDATE.c.revoked_at.is_(None),
                MANDATE.c.until >= now,
            )
            .order_by(MANDATE.c.position)
            .limit(MOST_TRIED)
        )
        return [(row.mandate, row.issuer) for row in connection.execute(query)]
