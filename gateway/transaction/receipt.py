"""Receipts: what a resident keeps of a session, gathered from the ledger alone."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, runtime_checkable

from chaincode.condominium import namespace_of
from chaincode.errors import StateConflict
from chaincode.session import ENDED, Session
from network.ledger import EvaluateError, Ledger

HostOf = Callable[[str], Awaitable[str | None]]


@runtime_checkable
class ProvingLedger(Ledger, Protocol):
    """A ledger whose blocks can be proven to somebody who is offline."""

    async def receipt(self, session: str, transactions: Sequence[str]) -> bytes:
        """The file that proves a session, of whose record `transactions` (ids) are all that wrote it.
        Raises LedgerError."""

    async def export(self, number: int) -> bytes:
        """One block as an auditor takes it away: a line without its end. Raises LedgerError."""


def proving(ledger: Ledger) -> ProvingLedger:
    """The ledger, where it gives proofs. Raises EvaluateError."""
    if not isinstance(ledger, ProvingLedger):
        raise EvaluateError("this ledger proves nothing to somebody who is offline")
    return ledger


class Receipts:
    """Gathers receipts of sessions, this condominium's and those that its residents had elsewhere."""

    def __init__(self, ledger: Ledger, code: str, host_of: HostOf) -> None:
        """`code` is this condominium's; `host_of` finds where a session is, None where nobody knows."""
        self._ledger = ledger
        self._code = code
        self._host_of = host_of

    async def of(self, session: str) -> bytes:
        """The receipt's file. Raises NotFound, StateConflict before the session has ended, LedgerError."""
        namespace = namespace_of(await self._host_of(session) or self._code)
        record = Session.decode(await self._ledger.evaluate(namespace, "audit.session", [session.encode()]))
        if record.state not in ENDED:
            raise StateConflict("session", f"is settled, cancelled or reclaimed; it is {record.state}")
        answer = await self._ledger.evaluate(namespace, "audit.history", [b"session", session.encode()])
        transactions = [each["transaction"] for each in json.loads(answer)["history"]]
        return await proving(self._ledger).receipt(session, transactions)
