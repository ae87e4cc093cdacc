"""Receipts: what a resident keeps of a session, gathered from the ledger alone."""

from __future__ import annotations

import json
from typing import Protocol, runtime_checkable

from chaincode.errors import StateConflict
from chaincode.session import ENDED, Session
from chaincode.signing.block import InclusionProof
from chaincode.signing.export import ExportedBlock
from chaincode.signing.receipt import collect
from network.ledger import EvaluateError, Ledger


@runtime_checkable
class ProvingLedger(Ledger, Protocol):
    """A ledger whose blocks can be proven to somebody who is offline."""

    async def prove(self, transaction_id: str) -> InclusionProof:
        """What shows that a transaction is on the ledger. Raises EvaluateError."""

    async def prove_at(self, block: int, index: int) -> InclusionProof:
        """As `prove`, for the transaction at a place."""

    async def export(self, number: int) -> ExportedBlock:
        """One block as an auditor takes it away. Raises EvaluateError."""


def proving(ledger: Ledger) -> ProvingLedger:
    """The ledger, where it gives proofs. Raises EvaluateError."""
    if not isinstance(ledger, ProvingLedger):
        raise EvaluateError("this ledger's blocks are proven by its own peers: ask one of them")
    return ledger


class Receipts:
    """Gathers receipts of sessions in one namespace."""

    def __init__(self, ledger: Ledger, namespace: str) -> None:
        self._ledger = ledger
        self._namespace = namespace

    async def of(self, session: str) -> bytes:
        """The receipt's file. Raises NotFound, StateConflict before the session has ended, LedgerError."""
        record = Session.decode(
            await self._ledger.evaluate(self._namespace, "audit.session", [session.encode()])
        )
        if record.state not in ENDED:
            raise StateConflict("session", f"is settled, cancelled or reclaimed; it is {record.state}")
        answer = await self._ledger.evaluate(self._namespace, "audit.history", [b"session", session.encode()])
        transactions = [each["transaction"] for each in json.loads(answer)["history"]]
        ledger = proving(self._ledger)
        proofs = [await ledger.prove(each) for each in transactions]
        receipt = await collect(ledger.channel, session, proofs, ledger.prove_at)
        return receipt.encode()
