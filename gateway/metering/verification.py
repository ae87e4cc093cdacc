"""Which of a unit's messages are sound, before anything is looked up in the store.

Pure functions on bytes. A body holds one or more batches one after another; each says its own length, and
its class's authentication follows it. Each is judged by itself: one bad batch costs nothing but itself, or
a unit whose memory flipped a bit could never send the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chaincode.errors import InvalidArgument
from chaincode.signing import domain
from chaincode.signing.batch import (
    HEADER_BYTES,
    MAX_SAMPLES,
    Batch,
    attest,
    batch_hash,
    body_length,
    decode_batch,
)
from chaincode.signing.request import BODY_BYTES, StartRequest, decode_request
from chaincode.signing.status import BODY_BYTES as STATUS_BYTES
from chaincode.signing.status import UnitStatus, decode_status
from chaincode.unit import ED25519
from gateway.metering.directory import EnrolledUnit
from gateway.metering.keys import Keys
from gateway.metering.refusal import RefusalKind, Refused

MAX_BATCHES = 64
"""In one body: what a unit of 2 KiB has no room for, and a gateway answers well within a second."""
MAX_BODY_BYTES = MAX_BATCHES * (HEADER_BYTES + 4 * MAX_SAMPLES + domain.SIGNATURE_BYTES)
_RETIRED_KEYS_TRIED = 4
_Said = TypeVar("_Said", Batch, StartRequest, UnitStatus)


@dataclass(frozen=True, slots=True)
class SoundBatch:
    """A batch that its unit made for this network."""

    batch: Batch
    message: bytes
    hash: bytes
    """`batch_hash` of the message."""


def split(body: bytes, authentication: int) -> list[bytes]:
    """The messages of a body whose unit's authentication has `authentication` bytes.

    Raises Refused where the body is too long, or does not end where its last batch does."""
    if len(body) > MAX_BODY_BYTES:
        raise Refused(RefusalKind.MALFORMED, "body", f"has at most {MAX_BODY_BYTES} bytes")
    messages = []
    start = 0
    while start < len(body):
        try:
            end = start + body_length(body[start : start + HEADER_BYTES]) + authentication
        except InvalidArgument as error:
            raise Refused(RefusalKind.MALFORMED, error.field, error.rule) from None
        if end > len(body):
            raise Refused(RefusalKind.MALFORMED, "body", "ends where its last batch's authentication does")
        messages.append(body[start:end])
        start = end
    if not 0 < len(messages) <= MAX_BATCHES:
        raise Refused(RefusalKind.MALFORMED, "body", f"holds 1 to {MAX_BATCHES} batches")
    return messages


def check_batch(message: bytes, unit: EnrolledUnit, network: bytes) -> SoundBatch:
    """The batch in `message`, which `split` has cut. Raises Refused where it is not `unit`'s own, or not
    for `network`."""
    body = _authenticated(message, unit, domain.BATCH, "batch")
    batch = _decoded(body, unit, network, "batch", decode_batch)
    return SoundBatch(batch, message, batch_hash(message))


def check_request(message: bytes, unit: EnrolledUnit, network: bytes) -> StartRequest:
    """The start request in `message`. Raises Refused as `check_batch` does."""
    _check_length(message, unit, BODY_BYTES, "request")
    body = _authenticated(message, unit, domain.REQUEST, "request")
    return _decoded(body, unit, network, "request", decode_request)


def check_status(message: bytes, unit: EnrolledUnit, network: bytes) -> UnitStatus:
    """The status in `message`. Raises Refused as `check_batch` does."""
    _check_length(message, unit, STATUS_BYTES, "status")
    body = _authenticated(message, unit, domain.STATUS, "status")
    return _decoded(body, unit, network, "status", decode_status)


def evidence_of(message: bytes, unit: EnrolledUnit, keys: Keys) -> bytes:
    """The message as the ledger verifies it: with the gateway's attestation where the unit cannot sign."""
    return message if unit.unit_class == ED25519 else message + attest(message, keys.signing_key())


def _check_length(message: bytes, unit: EnrolledUnit, body: int, field: str) -> None:
    """Of a message whose body has always the same number of bytes."""
    size = body + unit.authentication_bytes
    if len(message) != size:
        raise Refused(RefusalKind.MALFORMED, field, f"has {size} bytes")


def _decoded(
    body: bytes, unit: EnrolledUnit, network: bytes, field: str, decode: Callable[[bytes], _Said]
) -> _Said:
    """What `unit` says for `network` in an authenticated body."""
    try:
        said = decode(body)
    except InvalidArgument as error:
        raise Refused(RefusalKind.MALFORMED, error.field, error.rule) from None
    _check_place(said.unit, said.network, unit, network, field)
    return said


def _authenticated(message: bytes, unit: EnrolledUnit, line: bytes, field: str) -> bytes:
    """The message without its authentication, which is `unit`'s over `line`."""
    length = len(message) - unit.authentication_bytes
    body, authentication = message[:length], message[length:]
    if unit.unit_class == ED25519:
        if not domain.verifies(unit.key, line, body, authentication):
            for key in unit.retired_keys[-_RETIRED_KEYS_TRIED:]:
                if domain.verifies(key, line, body, authentication):
                    raise Refused(
                        RefusalKind.RETIRED_KEY,
                        f"{field}.signature",
                        f"is by unit {unit.number}'s present key",
                    )
            raise Refused(RefusalKind.FORGED, f"{field}.signature", f"is unit {unit.number}'s")
    elif not domain.authenticates(unit.key, line, body, authentication):
        raise Refused(RefusalKind.FORGED, f"{field}.mac", f"is unit {unit.number}'s")
    if not unit.active:
        raise Refused(RefusalKind.RETIRED_UNIT, "unit", f"{unit.number} is not retired")
    return body


def _check_place(number: int, tag: bytes, unit: EnrolledUnit, network: bytes, field: str) -> None:
    if number != unit.number:
        raise Refused(RefusalKind.WRONG_UNIT, f"{field}.unit", f"is {unit.number}")
    if tag != network:
        raise Refused(RefusalKind.WRONG_NETWORK, f"{field}.network", "is this condominium's on this channel")
