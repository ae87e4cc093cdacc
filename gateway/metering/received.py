"""What the gateway hands on when a unit's message is verified and stored."""

from __future__ import annotations

from dataclasses import dataclass

from chaincode.signing.batch import Batch
from chaincode.signing.request import StartRequest


@dataclass(frozen=True, slots=True)
class Received:
    """A reading batch that is authentic and durable."""

    unit: int
    batch: Batch
    message: bytes
    """The exact bytes that the unit sent, authentication included."""
    evidence: bytes
    """What the ledger verifies: the message (class ed25519), or the message and the gateway's attestation
    (class mac)."""
    received_at: int
    """Milliseconds since 1970."""
    enrolled_at: int
    """Unix seconds: new hardware at an old number counts its batches from the start again."""

    @property
    def place(self) -> tuple[int, int, int]:
        """Where the batch stands among all of its unit's: what it made later stands higher."""
        return self.enrolled_at, self.batch.boot, self.batch.number


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A start request that is authentic and durable."""

    unit: int
    request: StartRequest
    message: bytes
    """The exact bytes that the unit sent, authentication included."""
    evidence: bytes
    """What the ledger verifies, as for a batch."""
    received_at: int
    """Milliseconds since 1970."""
