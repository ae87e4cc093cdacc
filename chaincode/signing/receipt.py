"""Receipts: everything that is needed to check a session offline, in one JSON file.

======= ==========================================================================================
version 1
kind    `condocharge-receipt`
ledger  `embedded`: the form of the proofs
network the channel
session the session's id
proofs  inclusion proofs (`chaincode.signing.block.InclusionProof`), in the ledger's order
======= ==========================================================================================

The proofs are those of every transaction that wrote the session's record, and of every transaction that
wrote what those read: the read sets name each by block and index. So the session can be run again from the
file alone (`client.auditor`), and nothing in the file is a claim that nobody signed.

One read is not followed: the meter's row as it stood before the session, which is a neighbour's.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from chaincode import meter
from chaincode.errors import InvalidArgument
from chaincode.fields import Fields, encode
from chaincode.signing.block import InclusionProof, ProofError, decode_header
from chaincode.signing.octets import MalformedError
from chaincode.signing.transaction import ABSENT, MAX_TRANSACTIONS, decode_transaction
from chaincode.stub import split_composite_key

VERSION = 1
KIND = "condocharge-receipt"
LEDGER = "embedded"
MAX_BYTES = 16 * 1024 * 1024
"""Of a file: a week-long session with a checkpoint an hour is far below."""
MAX_PROOFS = 4_096


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as its parts."""

    network: str
    session: str
    proofs: tuple[InclusionProof, ...]

    def encode(self) -> bytes:
        """The receipt's file."""
        return encode(
            {
                "version": VERSION,
                "kind": KIND,
                "ledger": LEDGER,
                "network": self.network,
                "session": self.session,
                "proofs": [proof.to_json() for proof in self.proofs],
            }
        )


def decode_receipt(file: bytes) -> Receipt:
    """The parts of a receipt's file, whose truth is still to be checked.

    Raises InvalidArgument for any other bytes than `Receipt.encode` writes."""
    if len(file) > MAX_BYTES:
        raise InvalidArgument("receipt", f"has at most {MAX_BYTES} bytes")
    try:
        members = json.loads(file)
        if not isinstance(members, dict):
            raise InvalidArgument("receipt", "is one JSON object")
        fields = Fields(members)
        fields.integer("version", VERSION, VERSION)
        fields.choice("kind", KIND)
        fields.choice("ledger", LEDGER)
        receipt = Receipt(
            network=fields.text("network", longest=64),
            session=fields.hexadecimal("session", 32),
            proofs=tuple(map(InclusionProof.from_json, fields.members("proofs", MAX_PROOFS))),
        )
        fields.done()
        canonical = receipt.encode()
    except (ValueError, RecursionError) as error:
        raise InvalidArgument("receipt", f"is a file of proofs: {error}") from error
    if canonical != file:
        raise InvalidArgument("receipt", "is written exactly as receipts are, with nothing added")
    return receipt


def position(proof: InclusionProof) -> int:
    """Where a proof says that its transaction is, as read sets name it: block · 65,536 + index.

    Raises ProofError where its header cannot be read."""
    try:
        return decode_header(proof.header).number * MAX_TRANSACTIONS + proof.index
    except MalformedError as error:
        raise ProofError(f"block header {error}") from error


def is_meter(key: str) -> bool:
    """Whether a key of the world state is a unit's meter."""
    try:
        return split_composite_key(key)[0] == meter.KIND
    except ValueError:
        return False


async def collect(
    network: str,
    session: str,
    own: Iterable[InclusionProof],
    prove: Callable[[int, int], Awaitable[InclusionProof]],
) -> Receipt:
    """The receipt of an ended session.

    `own` proves every transaction that wrote the session's record; `prove(block, index)` proves any other."""
    proofs = {position(proof): proof for proof in own}
    wanted: set[int] = set()
    for proof in proofs.values():
        for each in decode_transaction(proof.transaction).sets:
            # A meter's row that none of these wrote is the neighbour's before.
            wanted.update(read.version for read in each.reads if not is_meter(read.key))
    for version in sorted(wanted - proofs.keys() - {ABSENT}):
        proofs[version] = await prove(*divmod(version, MAX_TRANSACTIONS))
    return Receipt(network, session, tuple(proofs[version] for version in sorted(proofs)))
