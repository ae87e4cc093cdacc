"""Receipts: everything that is needed to check a session offline, in one JSON file.

======== =======================================================================================
version   1
network   the channel
condominium  code of the condominium where the session was
opening   `intent` and `signature`; or, under a mandate, `request` (the unit's start request, as evidence),
          `mandate` (the intent that granted it) and its `signature`
tariff    the tariff's record; the session names its hash
unit      the unit's record
evidence  the reading batches that transactions of the session carried, oldest first
session   the session's record after its last transaction
proof     that this record was committed: for the embedded ledger a signed block header and the
          transaction's place in it (`chaincode.signing.block.InclusionProof`)
======== =======================================================================================

Bytes are base64url without padding. The file proves itself: `client.auditor` checks it against the
condominium's root certificate alone.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from chaincode.errors import InvalidArgument
from chaincode.fields import encode
from chaincode.session import Session
from chaincode.tariff import Tariff
from chaincode.unit import Unit

VERSION = 1
MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Opening:
    """What opened the session: the wallet's intent, or a start request under the wallet's mandate."""

    body: bytes
    """The open intent's body, or the mandate's."""
    signature: bytes
    request: bytes | None
    """The start request with its authentication (and attestation), None for an intent."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as its parts."""

    network: str
    condominium: str
    opening: Opening
    tariff: Tariff
    unit: Unit
    evidence: tuple[bytes, ...]
    session: Session
    proof: dict[str, Any]

    def encode(self) -> bytes:
        """The receipt's file."""
        opening = {"signature": to_base64url(self.opening.signature)}
        if self.opening.request is None:
            opening["intent"] = to_base64url(self.opening.body)
        else:
            opening["mandate"] = to_base64url(self.opening.body)
            opening["request"] = to_base64url(self.opening.request)
        return encode(
            {
                "version": VERSION,
                "network": self.network,
                "condominium": self.condominium,
                "opening": opening,
                "tariff": self.tariff.members(),
                "unit": self.unit.members(),
                "evidence": [to_base64url(message) for message in self.evidence],
                "session": self.session.members(),
                "proof": self.proof,
            }
        )


def decode_receipt(file: bytes) -> Receipt:
    """The parts of a receipt's file, whose truth is still to be checked. Raises InvalidArgument."""
    if len(file) > MAX_BYTES:
        raise InvalidArgument("receipt", f"has at most {MAX_BYTES} bytes")
    try:
        members = json.loads(file)
        if members["version"] != VERSION:
            raise InvalidArgument("version", f"is {VERSION}")
        opening = members["opening"]
        under_mandate = "request" in opening
        return Receipt(
            network=str(members["network"]),
            condominium=str(members["condominium"]),
            opening=Opening(
                body=from_base64url(opening["mandate" if under_mandate else "intent"]),
                signature=from_base64url(opening["signature"]),
                request=from_base64url(opening["request"]) if under_mandate else None,
            ),
            tariff=Tariff.of(members["tariff"]),
            unit=Unit.of(members["unit"]),
            evidence=tuple(from_base64url(each) for each in members["evidence"]),
            session=Session.of(members["session"]),
            proof=dict(members["proof"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidArgument("receipt", "has the members of a receipt, each of its form") from error


def to_base64url(value: bytes) -> str:
    """RFC 4648, section 5, without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """What `to_base64url` wrote. Raises ValueError for anything else."""
    try:
        value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("is not base64url") from error
    if to_base64url(value) != text:
        raise ValueError("is not base64url in its one canonical form")
    return value
