"""The `Ledger` protocol: what the gateway asks of the place where the rules are agreed on.

`network.embedded` implements it in one process on SQLite, `network.fabric` on a Hyperledger Fabric
network. Errors, one type for each phase, each carrying the transaction id:

::

    LedgerError
    ├── EvaluateError      a query was not answered
    ├── EndorseError       no agreement on the proposal's result; nothing was ordered
    ├── SubmitError        the endorsed transaction could not be handed over; it may still commit
    ├── CommitStatusError  handed over, outcome unknown; ask `commit_status` again
    └── CommitError        ordered and found invalid; `validation` says why (MVCC_READ_CONFLICT, …)

A transaction that the rules themselves reject raises `chaincode.errors.ContractError` instead, from
`evaluate` and `submit` alike.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

VALID = "VALID"
DUPLICATE_TXID = "DUPLICATE_TXID"
MVCC_READ_CONFLICT = "MVCC_READ_CONFLICT"
PHANTOM_READ_CONFLICT = "PHANTOM_READ_CONFLICT"
ENDORSEMENT_POLICY_FAILURE = "ENDORSEMENT_POLICY_FAILURE"
"""Validation codes as Fabric names them (`peer.TxValidationCode`)."""


class LedgerError(Exception):
    """A phase of a transaction failed for a reason other than the rules."""

    def __init__(self, sentence: str, transaction_id: str = "") -> None:
        super().__init__(sentence)
        self.transaction_id = transaction_id


class EvaluateError(LedgerError):
    """A query was not answered."""


class EndorseError(LedgerError):
    """No agreement on the proposal's result; nothing was ordered."""


class SubmitError(LedgerError):
    """The endorsed transaction could not be handed over; it may still commit."""


class CommitStatusError(LedgerError):
    """Handed over, outcome unknown."""


class CommitError(LedgerError):
    """Ordered and found invalid."""

    def __init__(self, sentence: str, transaction_id: str, validation: str) -> None:
        super().__init__(sentence, transaction_id)
        self.validation = validation


@dataclass(frozen=True, slots=True)
class Committed:
    """A transaction that is on the ledger and valid."""

    transaction_id: str
    block: int
    result: bytes


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """Where a transaction ended: its block and the validation code (VALID, MVCC_READ_CONFLICT, …)."""

    transaction_id: str
    block: int
    validation: str


@dataclass(frozen=True, slots=True)
class Event:
    """What a valid transaction published."""

    block: int
    transaction_id: str
    timestamp: int
    """Milliseconds since 1970, from the transaction."""
    namespace: str
    name: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """One key read, with the version (block, index of the transaction) it had; None where it was absent."""

    key: str
    version: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class RangeRead:
    """One range read: every key that it returned, so that a later phantom shows."""

    start: str
    end: str
    reads: tuple[Read, ...]


@dataclass(frozen=True, slots=True)
class Write:
    """One key written; `value` is None where it is deleted."""

    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class ReadWriteSet:
    """What a transaction read and wrote in one namespace."""

    namespace: str
    reads: tuple[Read, ...]
    ranges: tuple[RangeRead, ...]
    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction of a block, as an auditor reads it."""

    id: str
    timestamp: int
    """Milliseconds since 1970."""
    creator_msp_id: str
    creator_certificate: bytes
    namespace: str
    function: str
    arguments: tuple[bytes, ...]
    validation: str
    read_write_sets: tuple[ReadWriteSet, ...]
    event: tuple[str, bytes] | None
    result: bytes
    envelope: bytes
    """The signed bytes as they are in the block; the block's data hash covers them."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block: `hash` is over the header (number, previous hash, data hash)."""

    number: int
    previous_hash: bytes
    data_hash: bytes
    hash: bytes
    transactions: tuple[Transaction, ...]


class Ledger(Protocol):
    """A channel, as one identity sees it."""

    @property
    def channel(self) -> str:
        """The channel's name."""

    @property
    def msp_id(self) -> str:
        """The MSP id of the identity that signs what is submitted here."""

    async def evaluate(self, namespace: str, function: str, arguments: Sequence[bytes]) -> bytes:
        """Run a query on one peer; nothing is ordered.

        Raises `ContractError` where the rules reject it, `EvaluateError` where nobody answers."""

    async def submit(self, namespace: str, function: str, arguments: Sequence[bytes]) -> Committed:
        """Endorse, order and wait for the commit.

        Raises `ContractError` where the rules reject it; `EndorseError`, `SubmitError`,
        `CommitStatusError` or `CommitError` where a phase fails. Conflicts are not retried here: the
        caller knows whether its transaction still makes sense."""

    async def commit_status(self, transaction_id: str) -> CommitStatus:
        """Where a transaction ended; waits for one under way. Raises `CommitStatusError`."""

    def events(self, start_block: int) -> AsyncIterator[Event]:
        """Every event of valid transactions of all namespaces from `start_block` on, in block order;
        goes on for ever as blocks come."""

    async def block(self, number: int) -> Block:
        """One block, its hashes checked. Raises `EvaluateError` where there is none or it is altered."""

    async def height(self) -> int:
        """How many blocks there are; the last one's number is one less."""
