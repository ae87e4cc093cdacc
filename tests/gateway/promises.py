"""What a gateway that is killed again and again has acknowledged, kept by those whom it told, and checked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from chaincode.session import Session
from chaincode.signing.export import decode_block
from chaincode.signing.transaction import VALIDATION_NUMBERS, TransactionRecord, decode_transaction
from client.auditor.ledger import LedgerAudit

_VALID = VALIDATION_NUMBERS["VALID"]
Batch = tuple[int, int]
"""Unit and number."""


@dataclass
class Promises:
    """Transactions, purchases and batches that were acknowledged, and an auditor who follows the ledger.

    The auditor has every block once, as it was exported at the time: a ledger that lost or changed one
    would not fit what follows."""

    directory: Path
    audit: LedgerAudit
    transactions: set[str] = field(default_factory=set)
    """Ids that the answers to intents and payments named."""
    purchases: dict[str, int] = field(default_factory=dict)
    """Amounts of the purchases that were asked for, by their references."""
    batches: dict[Batch, bytes] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    """Ids of the valid transactions of the ledger."""
    sessions: dict[str, Session] = field(default_factory=dict)
    """The newest record of each session of the ledger."""
    blocks: int = 0
    checked: int = 0
    """How many batches have been found in the database."""

    async def follow(self, client: httpx.AsyncClient) -> None:
        """Let the auditor verify what is new on the ledger. Raises LedgerWrong."""
        export = await client.get("/v1/ledger/export", params={"from": self.blocks}, timeout=60)
        for line in export.raise_for_status().text.splitlines():
            await self.audit.add(line.encode())
            for body in decode_block(line.encode()).transactions:
                self._note(decode_transaction(body))
            self.blocks += 1

    async def check(self, client: httpx.AsyncClient) -> None:
        """All that was acknowledged by now is there, on the ledger and in the database."""
        promised = set(self.transactions)
        await self.follow(client)
        assert promised <= self.seen, promised - self.seen
        self._check_database()

    def _check_database(self) -> None:
        """Every acknowledged batch is stored byte by byte, and every purchase can be paid."""
        database = f"file:{self.directory / 'gateway.sqlite'}?mode=ro"
        with closing(sqlite3.connect(database, uri=True, timeout=30)) as connection:
            asked = dict(connection.execute("SELECT reference, amount FROM pending_purchase"))
            stored = {
                (unit, number): message
                for unit, number, message in connection.execute(
                    "SELECT unit, number, message FROM reading_batch"
                )
            }
        assert self.purchases.items() <= asked.items()
        lost = sorted(self.batches.keys() - stored.keys())
        assert not lost, lost
        changed = sorted(key for key, message in self.batches.items() if stored[key] != message)
        assert not changed, changed
        self.checked = len(self.batches)

    def _note(self, record: TransactionRecord) -> None:
        if record.validation != _VALID:
            return
        proposal = record.proposal
        self.seen.add(proposal.transaction_id)
        if proposal.function.startswith("session."):
            session = Session.decode(record.result)
            self.sessions[session.id] = session
