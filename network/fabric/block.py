"""Blocks as Fabric writes them, decoded into `network.ledger.Block` with their hashes checked."""

from __future__ import annotations

import hashlib

from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import chaincode_event_pb2, chaincode_pb2, proposal_pb2, transaction_pb2

from chaincode.signing.fabric.block import encode_header
from network.fabric.proposal import action_extension
from network.ledger import Block, RangeRead, Read, ReadWriteSet, Transaction, Write


class AlteredBlock(ValueError):
    """A block's own hashes do not fit its content."""


def header_hash(number: int, previous_hash: bytes, data_hash: bytes) -> bytes:
    """A block's hash: SHA-256 over its header as orderers sign it."""
    return hashlib.sha256(encode_header(number, previous_hash, data_hash)).digest()


def decode_block(content: common_pb2.Block) -> Block:
    """The block, its data hash checked. Raises AlteredBlock where the hash does not fit."""
    header = content.header
    data_hash = hashlib.sha256(b"".join(content.data.data)).digest()
    if data_hash != header.data_hash:
        raise AlteredBlock(f"block {header.number}: the data hash does not fit the transactions")
    flags = content.metadata.metadata[common_pb2.TRANSACTIONS_FILTER]
    if len(flags) != len(content.data.data):
        raise AlteredBlock(f"block {header.number}: {len(flags)} validation codes for its transactions")
    return Block(
        number=header.number,
        previous_hash=header.previous_hash,
        data_hash=header.data_hash,
        hash=header_hash(header.number, header.previous_hash, header.data_hash),
        transactions=tuple(
            _transaction(envelope, transaction_pb2.TxValidationCode.Name(flag))
            for envelope, flag in zip(content.data.data, flags, strict=True)
        ),
    )


def _transaction(content: bytes, validation: str) -> Transaction:
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(content).payload)
    channel = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    author = common_pb2.SignatureHeader.FromString(payload.header.signature_header)
    identity = identities_pb2.SerializedIdentity.FromString(author.creator)
    namespace, function = "", ""
    arguments: tuple[bytes, ...] = ()
    sets: tuple[ReadWriteSet, ...] = ()
    event: tuple[str, bytes] | None = None
    result = b""
    if channel.type == common_pb2.ENDORSER_TRANSACTION:
        (proposed,) = transaction_pb2.Transaction.FromString(payload.data).actions
        action = transaction_pb2.ChaincodeActionPayload.FromString(proposed.payload)
        namespace, function, arguments = _invocation(action.chaincode_proposal_payload)
        outcome = proposal_pb2.ChaincodeAction.FromString(action_extension(action))
        result = outcome.response.payload
        sets = _read_write_sets(outcome.results)
        published = chaincode_event_pb2.ChaincodeEvent.FromString(outcome.events)
        event = (published.event_name, published.payload) if published.event_name else None
    return Transaction(
        id=channel.tx_id,
        timestamp=channel.timestamp.seconds * 1000 + channel.timestamp.nanos // 1_000_000,
        creator_msp_id=identity.mspid,
        creator_certificate=identity.id_bytes,
        namespace=namespace,
        function=function,
        arguments=arguments,
        validation=validation,
        read_write_sets=sets,
        event=event,
        result=result,
        envelope=content,
    )


def _invocation(content: bytes) -> tuple[str, str, tuple[bytes, ...]]:
    payload = proposal_pb2.ChaincodeProposalPayload.FromString(content)
    spec = chaincode_pb2.ChaincodeInvocationSpec.FromString(payload.input).chaincode_spec
    function, *arguments = spec.input.args or [b""]
    return spec.chaincode_id.name, function.decode("utf-8", "replace"), tuple(arguments)


def _read_write_sets(content: bytes) -> tuple[ReadWriteSet, ...]:
    return tuple(
        _read_write_set(entry.namespace, kv_rwset_pb2.KVRWSet.FromString(entry.rwset))
        for entry in rwset_pb2.TxReadWriteSet.FromString(content).ns_rwset
    )


def _read_write_set(namespace: str, content: kv_rwset_pb2.KVRWSet) -> ReadWriteSet:
    return ReadWriteSet(
        namespace=namespace,
        reads=tuple(_read(read) for read in content.reads),
        ranges=tuple(
            # Fabric sums up a range of more than 50 keys as Merkle hashes; then no key is listed.
            RangeRead(entry.start_key, entry.end_key, tuple(_read(read) for read in entry.raw_reads.kv_reads))
            for entry in content.range_queries_info
        ),
        writes=tuple(Write(write.key, None if write.is_delete else write.value) for write in content.writes),
    )


def _read(content: kv_rwset_pb2.KVRead) -> Read:
    if not content.HasField("version"):
        return Read(content.key, None)
    return Read(content.key, (content.version.block_num, content.version.tx_num))
