"""Receipts: what a resident keeps of a session, gathered from the ledger alone."""

from __future__ import annotations

import json
from typing import Protocol

from chaincode.errors import StateConflict
from chaincode.session import CANCELLED, RECLAIMED, SETTLED, Session
from chaincode.signing.block import InclusionProof
from chaincode.signing.export import ExportedBlock
from chaincode.signing.receipt import collect
from network.ledger import Ledger


class ProvingLedger(Ledger, Protocol):
    """A ledger whose blocks can be proven to somebody who is offline."""

    async def prove(self, transaction_id: str) -> InclusionProof:
        """What shows that a transaction is on the ledger. Raises EvaluateError."""

    async def prove_at(self, block: int, index: int) -> InclusionProof:
        """As `prove`, for the transaction at a place."""

    async def export(self, number: int) -> ExportedBlock:
        """One block as an auditor takes it away. Raises EvaluateError."""


class Receipts:
    """Gathers receipts of sessions in one namespace."""

    def __init__(self, ledger: ProvingLedger, namespace: str) -> None:
        self._ledger = ledger
        self._namespace = namespace

    async def of(self, session: str) -> bytes:
        """The receipt's file. Raises NotFound, StateConflict before the session has ended, LedgerError."""
        record = Session.decode(
            await self._ledger.evaluate(self._namespace, "audit.session", [session.encode()])
        )
        if record.state not in (SETTLED, CANCELLED, RECLAIMED):
            raise StateConflict("session", f"is settled, cancelled or reclaimed; it is {record.state}")
        answer = await self._ledger.evaluate(self._namespace, "audit.history", [b"session", session.encode()])
        transactions = [each["transaction"] for each in json.loads(answer)["history"]]
        proofs = [await self._ledger.prove(each) for each in transactions]
        receipt = await collect(self._ledger.channel, session, proofs, self._ledger.prove_at)
        return receipt.encode()
