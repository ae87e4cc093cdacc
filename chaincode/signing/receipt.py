"""Receipts: everything that is needed to check a session offline, in one JSON file.

Its envelope (`chaincode.signing.envelope`) says `ledger: embedded`, and holds `proofs`: inclusion proofs
(`chaincode.signing.block.InclusionProof`), in the ledger's order.

The proofs are those of every transaction that wrote the session's record, and of every transaction that
wrote what those read: the read sets name each by block and index. So the session can be run again from the
file alone (`client.auditor`), and nothing in the file is a claim that nobody signed.

One read is not followed: the meter's row as it stood before the session, which is a neighbour's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from chaincode import meter
from chaincode.fields import Fields
from chaincode.signing.block import InclusionProof, ProofError, decode_header
from chaincode.signing.envelope import seal, unseal
from chaincode.signing.octets import MalformedError
from chaincode.signing.transaction import ABSENT, MAX_TRANSACTIONS, decode_transaction
from chaincode.stub import split_composite_key

LEDGER = "embedded"
MAX_PROOFS = 4_096


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as its parts."""

    network: str
    session: str
    proofs: tuple[InclusionProof, ...]

    def encode(self) -> bytes:
        """The receipt's file."""
        return seal(
            LEDGER, self.network, self.session, {"proofs": [proof.to_json() for proof in self.proofs]}
        )


def decode_receipt(file: bytes) -> Receipt:
    """The parts of a receipt's file, whose truth is still to be checked.

    Raises InvalidArgument for any other bytes than `Receipt.encode` writes."""

    def parts(network: str, session: str, fields: Fields) -> Receipt:
        proofs = tuple(map(InclusionProof.from_json, fields.members("proofs", MAX_PROOFS)))
        return Receipt(network, session, proofs)

    return unseal(file, LEDGER, parts)


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
