"""Transactions of the embedded ledger, byte by byte.

Written with `chaincode.signing.octets`. A *proposal* is what a client signs (ECDSA P-256 with SHA-256, DER,
over `condocharge/proposal/1\\n` and these bytes):

=========== ========================================================================================
version     u8, 1
channel     text
timestamp   u64, milliseconds since 1970
nonce       octets, 24 random bytes
creator     octets: text MSP id, octets certificate (PEM)
namespace   text: the chaincode that is called first
function    text
arguments   u32 count, then octets each
=========== ========================================================================================

The transaction's id is SHA-256 over nonce and creator, as on Hyperledger Fabric. A *transaction* is a leaf of
its block's Merkle tree:

=========== ========================================================================================
version     u8, 1
proposal    octets
signature   octets
validation  u8, Fabric's `peer.TxValidationCode`
result      octets
event       u8 0, or u8 1, text name, octets payload
sets        u32 count, then for each namespace: text, u32 count of reads, of ranges and of writes, and
            those: a read is text key, version; a range is text start, text end (excluded), u32 count,
            reads; a write is text key, replaced version, u8 1 and octets value, or u8 0 for a deletion
=========== ========================================================================================

A version is u64: block · 65,536 + index of the transaction that wrote the key, or 2⁶⁴ − 1 where there was
none. A write names the version that it replaces, so that the history of a key can be walked from the newest
value back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, TypeVar

from chaincode.signing.octets import MalformedError, Reader, octets, text, u32, u64

FORMAT = 1
NONCE_BYTES = 24
MAX_TRANSACTIONS = 1 << 16
"""In a block."""
ABSENT = (1 << 64) - 1
"""The version of a key that has never been written."""

VALIDATIONS = {
    0: "VALID",
    9: "DUPLICATE_TXID",
    11: "MVCC_READ_CONFLICT",
    12: "PHANTOM_READ_CONFLICT",
}
"""Fabric's codes by their numbers in `peer.TxValidationCode`; those that this ledger can give."""
VALIDATION_NUMBERS = {name: number for number, name in VALIDATIONS.items()}
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a client asks the ledger to do."""

    channel: str
    timestamp: int
    nonce: bytes
    msp_id: str
    certificate: bytes
    namespace: str
    function: str
    arguments: tuple[bytes, ...]

    @property
    def transaction_id(self) -> str:
        """SHA-256 over nonce and creator, hexadecimal."""
        return transaction_id(self.nonce, encode_creator(self.msp_id, self.certificate))


class ReadRecord(NamedTuple):
    """A key that was read, and its version then (`ABSENT` where it had no value)."""

    key: str
    version: int


class RangeRecord(NamedTuple):
    """The keys from `start` up to and without `end`, as they were read."""

    start: str
    end: str
    reads: tuple[ReadRecord, ...]


class WriteRecord(NamedTuple):
    """A key that was written; `value` is None for a deletion."""

    key: str
    replaced: int
    value: bytes | None
    offset: int = 0
    """Where the value begins in the transaction's bytes."""


class SetRecord(NamedTuple):
    """What a transaction read and wrote in one namespace."""

    namespace: str
    reads: tuple[ReadRecord, ...]
    ranges: tuple[RangeRecord, ...]
    writes: tuple[WriteRecord, ...]


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """One transaction of a block."""

    payload: bytes
    """The proposal's bytes."""
    signature: bytes
    validation: int
    result: bytes
    event: tuple[str, bytes] | None
    sets: tuple[SetRecord, ...]

    @property
    def proposal(self) -> Proposal:
        """The proposal, read. Raises MalformedError."""
        return decode_proposal(self.payload)


def encode_creator(msp_id: str, certificate: bytes) -> bytes:
    """A creator's bytes, of which the transaction id is made."""
    return text(msp_id) + octets(certificate)


def transaction_id(nonce: bytes, creator: bytes) -> str:
    """SHA-256 over nonce and creator, hexadecimal."""
    return sha256(nonce + creator).hexdigest()


def encode_proposal(proposal: Proposal) -> bytes:
    """A proposal's bytes."""
    return b"".join(
        (
            b"\1",
            text(proposal.channel),
            u64(proposal.timestamp),
            octets(proposal.nonce),
            octets(encode_creator(proposal.msp_id, proposal.certificate)),
            text(proposal.namespace),
            text(proposal.function),
            u32(len(proposal.arguments)),
            *map(octets, proposal.arguments),
        )
    )


def decode_proposal(payload: bytes) -> Proposal:
    """Read a proposal. Raises MalformedError where it is not one of this version."""
    reader = Reader(payload)
    _check_format(reader)
    channel, timestamp, nonce = reader.text(), reader.u64(), reader.octets()
    creator = Reader(reader.octets())
    msp_id, certificate = creator.text(), creator.octets()
    creator.done()
    namespace, function = reader.text(), reader.text()
    arguments = _items(reader, Reader.octets)
    reader.done()
    return Proposal(channel, timestamp, nonce, msp_id, certificate, namespace, function, arguments)


def encode_transaction(record: TransactionRecord) -> tuple[bytes, list[int]]:
    """A transaction's bytes, and where in them the value of each write begins, in order.

    A deletion's place is that of the byte after it."""
    pieces = [
        b"\1",
        octets(record.payload),
        octets(record.signature),
        bytes((record.validation,)),
        octets(record.result),
        b"\0" if record.event is None else b"\1" + text(record.event[0]) + octets(record.event[1]),
        u32(len(record.sets)),
    ]
    offset = sum(map(len, pieces))
    offsets = []
    for each in record.sets:
        reads = _encode_set(each)
        pieces.append(reads)
        offset += len(reads)
        for write in each.writes:
            head = text(write.key) + u64(write.replaced)
            value = write.value
            head += b"\0" if value is None else b"\1" + u32(len(value))
            offset += len(head)
            offsets.append(offset)
            pieces.append(head)
            if value is not None:
                pieces.append(value)
                offset += len(value)
    return b"".join(pieces), offsets


def decode_transaction(body: bytes) -> TransactionRecord:
    """Read a transaction. Raises MalformedError where it is not one of this version."""
    reader = Reader(body)
    _check_format(reader)
    payload, signature, validation, result = reader.octets(), reader.octets(), reader.u8(), reader.octets()
    if validation not in VALIDATIONS:
        raise MalformedError(f"has the validation code {validation}, which this ledger does not give")
    event = (reader.text(), reader.octets()) if _flag(reader) else None
    sets = _items(reader, _decode_set)
    reader.done()
    return TransactionRecord(payload, signature, validation, result, event, sets)


def _encode_reads(reads: Sequence[ReadRecord]) -> bytes:
    return b"".join([text(read.key) + u64(read.version) for read in reads])


def _encode_set(each: SetRecord) -> bytes:
    """A set without its writes, which follow it."""
    counts = u32(len(each.reads)) + u32(len(each.ranges)) + u32(len(each.writes))
    ranges = b"".join(
        text(span.start) + text(span.end) + u32(len(span.reads)) + _encode_reads(span.reads)
        for span in each.ranges
    )
    return text(each.namespace) + counts + _encode_reads(each.reads) + ranges


def _decode_read(reader: Reader) -> ReadRecord:
    return ReadRecord(reader.text(), reader.u64())


def _decode_range(reader: Reader) -> RangeRecord:
    return RangeRecord(reader.text(), reader.text(), _items(reader, _decode_read))


def _decode_write(reader: Reader) -> WriteRecord:
    key, replaced = reader.text(), reader.u64()
    if not _flag(reader):
        return WriteRecord(key, replaced, None, reader.offset)
    value = reader.octets()
    return WriteRecord(key, replaced, value, reader.offset - len(value))


def _decode_set(reader: Reader) -> SetRecord:
    namespace = reader.text()
    reads, ranges, writes = reader.u32(), reader.u32(), reader.u32()
    return SetRecord(
        namespace,
        tuple(_decode_read(reader) for _ in range(reads)),
        tuple(_decode_range(reader) for _ in range(ranges)),
        tuple(_decode_write(reader) for _ in range(writes)),
    )


def _items(reader: Reader, decode: Callable[[Reader], _Item]) -> tuple[_Item, ...]:
    return tuple(decode(reader) for _ in range(reader.u32()))


def _flag(reader: Reader) -> bool:
    flag = reader.u8()
    if flag > 1:
        raise MalformedError("holds a flag that is neither 0 nor 1")
    return flag == 1


def _check_format(reader: Reader) -> None:
    version = reader.u8()
    if version != FORMAT:
        raise MalformedError(f"has version {version} where {FORMAT} is known")
