"""The envelope of a receipt's file, the same whichever ledger the receipt is from.

======= ==========================================================================================
version 1
kind    `condocharge-receipt`
ledger  `embedded` or `fabric`: the form of the proofs, which are the other members
network the channel
session the session's id
======= ==========================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from chaincode.errors import InvalidArgument
from chaincode.fields import Fields, encode

VERSION = 1
KIND = "condocharge-receipt"
MAX_BYTES = 16 * 1024 * 1024
"""Of a file: a week-long session with a checkpoint an hour is far below."""


class Sealed(Protocol):
    """A receipt of any ledger."""

    def encode(self) -> bytes:
        """The receipt's file."""
        ...


_Receipt = TypeVar("_Receipt", bound=Sealed)


def seal(ledger: str, network: str, session: str, proofs: dict[str, Any]) -> bytes:
    """The file of a receipt whose members beside the envelope's are `proofs`."""
    envelope = {"version": VERSION, "kind": KIND, "ledger": ledger, "network": network, "session": session}
    return encode(envelope | proofs)


def unseal(file: bytes, ledger: str, receipt_of: Callable[[str, str, Fields], _Receipt]) -> _Receipt:
    """The receipt in a file, whose truth is still to be checked.

    `receipt_of` makes it of the network, the session and the members that are left. Raises InvalidArgument
    for any other bytes than the receipt's own `encode` writes."""
    if len(file) > MAX_BYTES:
        raise InvalidArgument("receipt", f"has at most {MAX_BYTES} bytes")
    try:
        members = json.loads(file)
        if not isinstance(members, dict):
            raise InvalidArgument("receipt", "is one JSON object")
        fields = Fields(members)
        fields.integer("version", VERSION, VERSION)
        fields.choice("kind", KIND)
        fields.choice("ledger", ledger)
        network, session = fields.text("network", longest=64), fields.hexadecimal("session", 32)
        receipt = receipt_of(network, session, fields)
        fields.done()
        canonical = receipt.encode()
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidArgument("receipt", f"is a file of proofs: {error}") from error
    if canonical != file:
        raise InvalidArgument("receipt", "is written exactly as receipts are, with nothing added")
    return receipt
