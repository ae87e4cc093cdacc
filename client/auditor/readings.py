"""Checking a session's raw readings against its receipt.

The ledger holds a session's first and last batch and any checkpoints; the batches between stay off it. Each
names the hash of the one before, so the ones that the ledger holds commit to all of them, and whoever hands
them over can neither leave one out nor change one. After a restart a unit begins a new chain: there a unit
that signs is still believed by its signature, and for one that cannot sign the gap is reported.
"""

from __future__ import annotations

from dataclasses import dataclass

from chaincode.errors import InvalidArgument
from chaincode.session import SIGNED, Session
from chaincode.signing import domain
from chaincode.signing.batch import NO_BATCH, SESSION_BYTES, Batch, batch_hash, body_length, decode_batch
from client.auditor.errors import ReceiptError


@dataclass(frozen=True, slots=True)
class VerifiedReadings:
    """A session's readings, oldest first, and what commits to them."""

    batches: tuple[Batch, ...]
    restarts: int
    """How often the unit began a new chain within the session."""


def verify_readings(raw: bytes, session: Session) -> VerifiedReadings:
    """The batches in `raw` (one after another, as units send them), where they are the session's and whole.

    `session` is a verified receipt's. Raises ReceiptError naming the first batch that is wrong."""
    if session.first is None or session.last is None:
        raise ReceiptError("the session has no readings: it never started")
    signed = session.metering == SIGNED
    batches: list[Batch] = []
    hashes: list[str] = []
    restarts = 0
    for number, message in enumerate(_split(raw, domain.SIGNATURE_BYTES if signed else domain.MAC_BYTES)):
        body = message[: body_length(message)]
        batch = _read(number, body)
        if batch.session.hex() != session.id[: 2 * SESSION_BYTES]:
            raise ReceiptError(f"reading {number} is of another session")
        if signed and not _is_signed(session, body, message[len(body) :]):
            raise ReceiptError(f"reading {number} is not signed by the unit")
        if hashes and batch.previous.hex() != hashes[-1]:
            if batch.previous != NO_BATCH or batch.boot <= batches[-1].boot:
                raise ReceiptError(f"reading {number} does not follow the one before it: some are missing")
            restarts += 1
        if batches and batch.register < batches[-1].register:
            raise ReceiptError(f"reading {number} has a lower register than the one before it")
        batches.append(batch)
        hashes.append(batch_hash(message).hex())
    if session.first.hash not in hashes or hashes[-1] != session.last.hash:
        raise ReceiptError("the readings do not lead from the session's first to its last on the ledger")
    return VerifiedReadings(tuple(batches), restarts)


def _split(raw: bytes, authentication: int) -> list[bytes]:
    messages: list[bytes] = []
    rest = raw
    while rest:
        try:
            end = body_length(rest) + authentication
        except InvalidArgument as error:
            raise ReceiptError(f"reading {len(messages)}: {error}") from error
        if len(rest) < end:
            raise ReceiptError(f"reading {len(messages)} is cut off")
        messages.append(rest[:end])
        rest = rest[end:]
    return messages


def _read(number: int, body: bytes) -> Batch:
    try:
        return decode_batch(body)
    except InvalidArgument as error:
        raise ReceiptError(f"reading {number}: {error}") from error


def _is_signed(session: Session, body: bytes, signature: bytes) -> bool:
    return any(
        domain.verifies(bytes.fromhex(key), domain.BATCH, body, signature) for key in session.meter_keys
    )
