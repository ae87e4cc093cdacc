"""Blocks of the embedded ledger: the header that is signed, and the proof that a transaction is in it.

A *header*, written with `chaincode.signing.octets`:

============ ===========================================================================
version      u8, 1
channel      text
number       u64, from 0
previous     32 bytes: hash of the header before; zeros in block 0
data         32 bytes: Merkle root over the transactions (`chaincode.signing.merkle`)
size         u32: how many transactions there are
============ ===========================================================================

The block's hash is SHA-256 over these bytes. The ledger's own identity (role `ledger`, certified by the
condominium's root) signs `condocharge/block/1\\n` and the header with ECDSA P-256 and SHA-256. So whoever
holds the root certificate can check, offline, that a transaction was committed and found valid.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from chaincode.signing import certificate as certificates
from chaincode.signing import domain, merkle
from chaincode.signing.certificate import CertificateError
from chaincode.signing.octets import MalformedError, Reader, text, u32, u64
from chaincode.signing.transaction import TransactionRecord, decode_transaction

FORMAT = 1
HASH_BYTES = 32
NO_BLOCK = bytes(HASH_BYTES)
LEDGER_ROLE = "ledger"


class ProofError(ValueError):
    """A proof does not show what it should; the sentence says which link is missing."""


@dataclass(frozen=True, slots=True)
class Header:
    """A block's header."""

    channel: str
    number: int
    previous_hash: bytes
    data_hash: bytes
    size: int

    def encode(self) -> bytes:
        """The header's bytes."""
        return b"".join(
            (b"\1", text(self.channel), u64(self.number), self.previous_hash, self.data_hash, u32(self.size))
        )


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """What shows that a transaction is in a block that the ledger signed."""

    header: bytes
    signature: bytes
    certificate: bytes
    """The signing ledger's certificate, PEM."""
    transaction: bytes
    index: int
    path: tuple[bytes, ...]

    def to_json(self) -> dict[str, Any]:
        """This proof as a member of a receipt."""
        return {
            "version": FORMAT,
            "header": _base64(self.header),
            "signature": _base64(self.signature),
            "certificate": self.certificate.decode(),
            "transaction": _base64(self.transaction),
            "index": self.index,
            "path": [_base64(sibling) for sibling in self.path],
        }

    @classmethod
    def from_json(cls, members: object) -> Self:
        """Read what `to_json` made. Raises ProofError where it has another form."""
        if not isinstance(members, dict) or members.get("version") != FORMAT:
            raise ProofError(f"the proof is not of version {FORMAT}")
        try:
            index, path = members["index"], members["path"]
            if not isinstance(index, int) or not isinstance(path, list):
                raise ProofError("the proof's index is an integer and its path a list")
            return cls(
                _octets(members["header"]),
                _octets(members["signature"]),
                members["certificate"].encode(),
                _octets(members["transaction"]),
                index,
                tuple(map(_octets, path)),
            )
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise ProofError("the proof lacks a member or holds one of another form") from error


@dataclass(frozen=True, slots=True)
class ProvenTransaction:
    """A transaction that a proof showed to be on the ledger."""

    header: Header
    index: int
    record: TransactionRecord


def decode_header(encoded: bytes) -> Header:
    """Read a header. Raises MalformedError where it is not one of this version."""
    reader = Reader(encoded)
    version = reader.u8()
    if version != FORMAT:
        raise MalformedError(f"has version {version} where {FORMAT} is known")
    header = Header(
        reader.text(), reader.u64(), reader.take(HASH_BYTES), reader.take(HASH_BYTES), reader.u32()
    )
    reader.done()
    return header


def header_hash(encoded: bytes) -> bytes:
    """SHA-256 over a header's bytes: the block's hash."""
    return sha256(encoded).digest()


def verify_proof(proof: InclusionProof, root: bytes, channel: str | None = None) -> ProvenTransaction:
    """Check a proof with nothing but the condominium's root certificate (PEM).

    Certificate under root with the role `ledger` and valid at the transaction's time, header signed by it
    (for `channel`, where one is given), transaction in the header's tree. Says nothing of whether the
    transaction is valid: that is in its record. Raises ProofError naming the link that fails."""
    try:
        ledger = certificates.parse(proof.certificate)
        ledger.check_issuer(certificates.parse(root))
    except CertificateError as error:
        raise ProofError(f"ledger's certificate: {error}") from error
    if ledger.role != LEDGER_ROLE:
        raise ProofError("ledger's certificate: its role is not that of a ledger")
    if not ledger.verifies(domain.BLOCK + proof.header, proof.signature):
        raise ProofError("block header: the ledger's signature does not verify")
    try:
        header = decode_header(proof.header)
        record = decode_transaction(proof.transaction)
        proposal = record.proposal
    except MalformedError as error:
        raise ProofError(f"header or transaction {error}") from error
    if channel is not None and channel != header.channel:
        raise ProofError(f"block header: it is for the channel {header.channel}, not {channel}")
    if proposal.channel != header.channel:
        raise ProofError(f"transaction: it was proposed for the channel {proposal.channel}")
    leaf = merkle.leaf_hash(proof.transaction)
    if merkle.root_from_path(leaf, proof.index, header.size, proof.path) != header.data_hash:
        raise ProofError("transaction: it is not at this place of the block")
    try:
        ledger.check_time(proposal.timestamp)
    except CertificateError as error:
        raise ProofError(f"ledger's certificate, at the transaction's time: {error}") from error
    return ProvenTransaction(header, proof.index, record)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _octets(value: str) -> bytes:
    return base64.b64decode(value, validate=True)
