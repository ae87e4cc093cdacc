"""Relaying what wallets signed to the ledger. The gateway checks the form and adds nothing: it cannot.

========== ============================================================ =================
kind       function                                                     namespace
========== ============================================================ =================
open       session.open                                                 this condominium's
stop       session.stop                                                 the session's host
reclaim    session.reclaim; escrow.reclaim for a session elsewhere      host; this issuer's
transfer   token.transfer                                               the issuer's
redeem     token.redeem                                                 the issuer's
mandate    mandate.grant                                                the issuer's
revoke     mandate.revoke                                               the issuer's
rotate-key wallet.rotate_key                                            the issuer's
========== ============================================================ =================
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from chaincode.condominium import namespace_of
from chaincode.errors import InvalidArgument, NotAuthorised, NotFound
from chaincode.session import Session
from chaincode.signing.domain import SIGNATURE_BYTES
from chaincode.signing.intent import (
    AnyIntent,
    MandateIntent,
    OpenIntent,
    ReclaimIntent,
    RedeemIntent,
    RevokeIntent,
    RotateKeyIntent,
    StopIntent,
    TransferIntent,
    intent_id,
    parse_intent,
)
from gateway.clock import Clock, doubt
from gateway.transaction.submission import Submitter

OnSession = Callable[[Session], Awaitable[None]]
HostOf = Callable[[str], Awaitable[str | None]]
IsServed = Callable[[int], bool]


class Admission(Protocol):
    """Who may open a session (`gateway.monitor.admission`)."""

    @property
    def least_escrow(self) -> int:
        """Minor units that a session has to lock."""

    def check(self, session: str, *, wallet: str, unit: int, amount: int) -> None:
        """Raises InvalidArgument and StateConflict where `wallet` may not open `session` at `unit` now."""

    def opened(self, session: str) -> None:
        """The session is on the ledger and known to the monitor."""


_FUNCTIONS: dict[type[AnyIntent], str] = {
    OpenIntent: "session.open",
    StopIntent: "session.stop",
    ReclaimIntent: "session.reclaim",
    TransferIntent: "token.transfer",
    RedeemIntent: "token.redeem",
    MandateIntent: "mandate.grant",
    RevokeIntent: "mandate.revoke",
    RotateKeyIntent: "wallet.rotate_key",
}


@dataclass(frozen=True, slots=True)
class Relayed:
    """An intent that is on the ledger."""

    id: str
    kind: str
    transaction: str
    block: int
    record: dict[str, Any]
    """What it made or changed, as the ledger has it."""


class Intents:
    """Relays intents and tells the monitor of the sessions that they open, stop or reclaim."""

    def __init__(
        self,
        submitter: Submitter,
        code: str,
        *,
        clock: Clock,
        on_session: OnSession,
        host_of: HostOf,
        is_served: IsServed,
        admission: Admission,
    ) -> None:
        """`code` is this condominium's; `host_of` finds where a session is, None where nobody knows;
        `is_served` says whether this gateway has settings for a unit; `admission`, who may open a session."""
        self._admission = admission
        self._submitter = submitter
        self._code = code
        self._clock = clock
        self._on_session = on_session
        self._host_of = host_of
        self._is_served = is_served

    async def relay(self, body: bytes, signature: bytes, proof: bytes | None = None) -> Relayed:
        """Put an intent on the ledger. The same intent twice is the same as once.

        Raises `ContractError` naming the field and the rule that it breaks, and `LedgerError`."""
        intent = parse_intent(body)
        arguments = self._check(intent, body, signature, proof)
        function, host = await self._route(intent)
        try:
            committed = await self._submitter.submit(function, arguments, namespace_of(host))
        except NotAuthorised as error:
            if error.field == "expires":
                raise NotAuthorised(error.field, error.rule + doubt(self._clock)) from error
            raise
        if function in ("session.open", "session.stop", "session.reclaim") and host == self._code:
            await self._on_session(Session.decode(committed.result))
        if isinstance(intent, OpenIntent):
            self._admission.opened(intent_id(body))
        return Relayed(
            id=intent_id(body),
            kind=intent.kind,
            transaction=committed.transaction_id,
            block=committed.block,
            record=json.loads(committed.result),
        )

    def _check(self, intent: AnyIntent, body: bytes, signature: bytes, proof: bytes | None) -> list[bytes]:
        """The transaction's arguments. What the gateway can know is refused before the ledger is asked."""
        if intent.network != self._submitter.ledger.channel:
            raise NotAuthorised("network", f"is {self._submitter.ledger.channel}")
        if len(signature) != SIGNATURE_BYTES:
            raise InvalidArgument("signature", f"has {SIGNATURE_BYTES} bytes")
        if isinstance(intent, OpenIntent):
            if intent.condominium != self._code:
                raise InvalidArgument("condominium", f"is {self._code}, whose gateway this is")
            if not self._is_served(intent.unit):
                raise NotFound("unit", f"is one that this gateway serves, which {intent.unit} is not")
            self._admission.check(
                intent_id(body), wallet=intent.wallet, unit=intent.unit, amount=intent.amount
            )
        if not isinstance(intent, RotateKeyIntent):
            if proof is not None:
                raise InvalidArgument("proof", "comes with kind rotate-key alone")
            return [body, signature]
        if proof is None or len(proof) != SIGNATURE_BYTES:
            raise InvalidArgument("proof", f"is the new key's signature, {SIGNATURE_BYTES} bytes")
        return [body, signature, proof]

    async def _route(self, intent: AnyIntent) -> tuple[str, str]:
        """The function, and the code of the condominium in whose namespace it runs."""
        function = _FUNCTIONS[type(intent)]
        if isinstance(intent, OpenIntent):
            return function, self._code
        if isinstance(intent, StopIntent | ReclaimIntent):
            host = await self._host_of(intent.session) or self._code
            if isinstance(intent, ReclaimIntent) and host != self._code:
                # The host has not settled; the issuer alone can end the escrow.
                return "escrow.reclaim", self._code
            return function, host
        return function, intent.issuer
