"""Reading blocks back: for auditors, for events, and as proofs that a transaction is in one."""

from __future__ import annotations

from pathlib import Path

from chaincode.signing import merkle
from chaincode.signing.block import NO_BLOCK, Header, InclusionProof, decode_header, header_hash
from chaincode.signing.export import ExportedBlock
from chaincode.signing.octets import MalformedError, octets
from chaincode.signing.transaction import (
    ABSENT,
    MAX_TRANSACTIONS,
    VALIDATIONS,
    ReadRecord,
    TransactionRecord,
    decode_transaction,
)
from network.embedded.errors import LedgerAltered
from network.embedded.snapshot import BLOCK_SHIFT, BlockRow, Snapshot
from network.ledger import (
    VALID,
    Block,
    Event,
    RangeRead,
    Read,
    ReadWriteSet,
    Transaction,
    Write,
)


def read_header(path: Path, row: BlockRow, channel: str) -> Header:
    """A block's header. Raises LedgerAltered where it is not this channel's header of that number."""
    try:
        header = decode_header(row.header)
    except MalformedError as error:
        raise LedgerAltered(path, row.number, f"its header {error}") from error
    if (header.channel, header.number) != (channel, row.number):
        raise LedgerAltered(path, row.number, "its header is another block's")
    return header


def read_bodies(path: Path, snapshot: Snapshot, header: Header) -> list[bytes]:
    """The bytes of a block's transactions. Raises LedgerAltered where the data hash is another."""
    bodies = snapshot.bodies(header.number)
    if len(bodies) != header.size:
        what = f"it has {len(bodies)} transactions where its header says {header.size}"
        raise LedgerAltered(path, header.number, what)
    if merkle.root_hash([merkle.leaf_hash(body) for body in bodies]) != header.data_hash:
        raise LedgerAltered(path, header.number, "its transactions do not yield its data hash")
    return bodies


def read_block(path: Path, snapshot: Snapshot, number: int, channel: str) -> Block | None:
    """Block `number`, None where there is none yet. Raises LedgerAltered where a hash is wrong."""
    row = snapshot.block(number)
    if row is None:
        return None
    header = read_header(path, row, channel)
    before = snapshot.block(number - 1) if number else None
    if header.previous_hash != (NO_BLOCK if before is None else header_hash(before.header)):
        raise LedgerAltered(path, number, "its header does not name the block before it")
    bodies = read_bodies(path, snapshot, header)
    return Block(
        number,
        header.previous_hash,
        header.data_hash,
        header_hash(row.header),
        tuple(_transaction(decode_transaction(body)) for body in bodies),
    )


def read_events(snapshot: Snapshot, number: int) -> tuple[Event, ...]:
    """The events of a block's valid transactions."""
    events = []
    for body in snapshot.bodies(number):
        record = decode_transaction(body)
        if record.event is not None and VALIDATIONS[record.validation] == VALID:
            proposal = record.proposal
            events.append(
                Event(number, proposal.transaction_id, proposal.timestamp, proposal.namespace, *record.event)
            )
    return tuple(events)


def export(snapshot: Snapshot, number: int) -> ExportedBlock | None:
    """Block `number` as an auditor takes it away; None where there is none."""
    row = snapshot.block(number)
    certificate = None if row is None else snapshot.signer(row.signer)
    if row is None or certificate is None:
        return None
    return ExportedBlock(row.header, row.signature, certificate, tuple(snapshot.bodies(number)))


def prove(snapshot: Snapshot, number: int, index: int) -> InclusionProof | None:
    """What shows that a transaction is in its block, to whoever has the root; None where it is not."""
    row = snapshot.block(number)
    certificate = None if row is None else snapshot.signer(row.signer)
    if row is None or certificate is None:
        return None
    bodies = snapshot.bodies(number)
    if not 0 <= index < len(bodies):
        return None
    path = merkle.inclusion_path([merkle.leaf_hash(body) for body in bodies], index)
    return InclusionProof(row.header, row.signature, certificate, bodies[index], index, path)


def _transaction(record: TransactionRecord) -> Transaction:
    proposal = record.proposal
    return Transaction(
        id=proposal.transaction_id,
        timestamp=proposal.timestamp,
        creator_msp_id=proposal.msp_id,
        creator_certificate=proposal.certificate,
        namespace=proposal.namespace,
        function=proposal.function,
        arguments=proposal.arguments,
        validation=VALIDATIONS[record.validation],
        read_write_sets=tuple(
            ReadWriteSet(
                each.namespace,
                tuple(map(_read, each.reads)),
                tuple(RangeRead(span.start, span.end, tuple(map(_read, span.reads))) for span in each.ranges),
                tuple(Write(write.key, write.value) for write in each.writes),
            )
            for each in record.sets
        ),
        event=record.event,
        result=record.result,
        envelope=octets(record.payload) + octets(record.signature),
    )


def _read(record: ReadRecord) -> Read:
    if record.version == ABSENT:
        return Read(record.key, None)
    return Read(record.key, (record.version >> BLOCK_SHIFT, record.version % MAX_TRANSACTIONS))
