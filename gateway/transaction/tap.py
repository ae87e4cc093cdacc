"""Start requests: a tag held to a unit's reader, or plugging in, opens a session under a mandate."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from chaincode.errors import ContractError
from chaincode.fields import encode
from chaincode.session import Session
from chaincode.settlement import Usage, cost
from chaincode.signing.intent import MAX_AMOUNT
from chaincode.signing.request import RequestKind, session_of_request
from chaincode.tariff import Tariff
from gateway.clock import Clock
from gateway.metering.received import RequestReceived
from gateway.projection import mandates
from gateway.store.database import Database
from gateway.transaction.catalogue import Catalogue
from gateway.transaction.intent import Admission
from gateway.transaction.submission import Submitter

MOST_TRIED = 16
"""Mandates that one start request is tried under, of as many wallets: anybody may grant one that names
another's tag, and each costs the ledger a try. Which they are: `gateway.projection.mandates`."""
_KWH = 10**6
"""mWh."""
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
        admission: Admission,
    ) -> None:
        """`is_free` says whether no session is under way at a unit: a tap there must not lock more tokens;
        `admission`, who may open a session."""
        self._database = database
        self._submitter = submitter
        self._catalogue = catalogue
        self._clock = clock
        self._code = code
        self._on_session = on_session
        self._is_free = is_free
        self._admission = admission

    async def on_request(self, received: RequestReceived) -> None:
        """Open a session for a start request that is verified and stored. The same request is one session.

        Raises LedgerError and StoreError; the unit repeats its request then."""
        request = received.request
        if not self._is_free(received.unit):
            _LOG.info("unit %d asked for a session while one is under way", received.unit)
            return
        tariff = await self._catalogue.tariff_in_force()
        if tariff is None:
            _LOG.info("unit %d asked for a session before there is a tariff", received.unit)
            return
        least = await self._least(tariff)
        made = mandates.Request(
            host=self._code,
            unit=received.unit,
            tag=request.tag.hex() if request.kind is RequestKind.TAG else mandates.PLUGGED_IN,
            time=self._clock.now() // 1000,
        )
        found = await self._database.read(
            lambda c: mandates.candidates(c, made, tariff, least=least, most=MOST_TRIED)
        )
        if not found:
            _LOG.info("unit %d asked for a session that no mandate permits", received.unit)
        for candidate in found:
            if await self._open(received, candidate, tariff):
                return

    async def _open(self, received: RequestReceived, candidate: mandates.Candidate, tariff: Tariff) -> bool:
        """Whether the request opened a session under this mandate."""
        mandate, session = candidate.mandate, session_of_request(received.request.encode())
        order = encode({"mandate": mandate.id, "issuer": candidate.issuer, "tariff": tariff.number})
        try:
            self._admission.check(session, wallet=mandate.wallet, unit=received.unit, amount=candidate.amount)
            committed = await self._submitter.submit("session.open_under_mandate", [order, received.evidence])
        except ContractError as error:
            # The wallet is empty since, or has sessions without a vehicle: perhaps another permits it.
            _LOG.info("mandate %s does not permit it: %s", mandate.id, error)
            return False
        await self._on_session(Session.decode(committed.result))
        self._admission.opened(session)
        return True

    async def _least(self, tariff: Tariff) -> int:
        """Minor units that a mandate has to lock: less than a kilowatt-hour only keeps others away."""
        decimals = (await self._catalogue.condominium()).decimals
        dearest = max(
            cost(tariff, (Usage(band=band, energy=_KWH, idle=0),), decimals, MAX_AMOUNT)
            for band in range(len(tariff.bands))
        )
        return max(1, self._admission.least_escrow, dearest)
