"""A Fabric channel made from an embedded ledger's blocks, so that receipts can be tried without a network.

The rules' reads, writes and answers are the embedded ledger's; proposals, endorsements and blocks are what
Fabric's own messages make of them, each signed by who would sign it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import (
    chaincode_event_pb2,
    chaincode_pb2,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)

from chaincode.signing.export import ExportedBlock
from chaincode.signing.fabric.attestation import BLOCKS, BY_NUMBER, AttestedBlock
from chaincode.signing.fabric.block import encode_header
from chaincode.signing.fabric.receipt import FabricReceipt, collect
from chaincode.signing.fabric.transaction import CONFIG, kind_of
from chaincode.signing.transaction import (
    ABSENT,
    MAX_TRANSACTIONS,
    ReadRecord,
    SetRecord,
    TransactionRecord,
    decode_transaction,
)
from network.authority import Authority
from network.fabric.proposal import Proposal, creator, propose
from network.federation.crypto import certify
from network.identity import Identity
from tests.client.residence import CHANNEL, Bridge, Resident

Change = Callable[[kv_rwset_pb2.KVRWSet], None]


def peer_of(authority: Authority, folder: Path, unit: str | None = "peer") -> Identity:
    """A condominium's peer, or whoever has another organisational unit."""
    roots = folder / authority.code
    if not roots.exists():
        authority.save(roots)
    certificate, key = certify(roots, f"peer.{authority.code}", unit=unit)
    (roots / "peer.pem").write_bytes(certificate)
    (roots / "peer.key").write_bytes(key)
    return Identity.load(roots / "peer.pem", roots / "peer.key", authority.msp_id)


@dataclass
class Channel:
    """The channel's blocks, its clients, and the peers that endorse; the first one hands blocks out."""

    clients: dict[bytes, Identity]
    peers: list[Identity]
    orderers: dict[int, Identity] = field(default_factory=dict)
    """Who signs blocks, by number (BFT)."""
    blocks: list[common_pb2.Block] = field(default_factory=list)

    @classmethod
    async def of(
        cls,
        bridge: Bridge,
        peers: list[Identity],
        orderers: dict[int, Identity] | None = None,
        configuration: bytes | None = None,
    ) -> Channel:
        """The blocks that the embedded ledger has now, after one with a configuration where one is given."""
        channel = cls(bridge.identities, peers, orderers or {})
        if configuration is not None:
            channel.seal([configuration], b"\0")
        for exported in await bridge.blocks():
            channel.add(exported)
        return channel

    def add(self, exported: ExportedBlock) -> None:
        """One more block."""
        records = [decode_transaction(body) for body in exported.transactions]
        self.seal([self.envelope(record) for record in records], bytes(each.validation for each in records))

    def seal(self, envelopes: list[bytes], validations: bytes) -> None:
        """Make a block of envelopes and append it."""
        previous = self.blocks[-1].header if self.blocks else common_pb2.BlockHeader()
        names = encode_header(previous.number, previous.previous_hash, previous.data_hash)
        block = common_pb2.Block(
            header=common_pb2.BlockHeader(
                number=len(self.blocks),
                previous_hash=hashlib.sha256(names).digest() if self.blocks else b"",
                data_hash=hashlib.sha256(b"".join(envelopes)).digest(),
            ),
            data=common_pb2.BlockData(data=envelopes),
            metadata=common_pb2.BlockMetadata(metadata=[b"", b"", validations, b"", b""]),
        )
        self.sign(block)
        self.blocks.append(block)

    def sign(self, block: common_pb2.Block) -> None:
        """Have all orderers sign a block."""
        header = block.header
        metadata = common_pb2.Metadata(value=b"last configuration")
        for number, orderer in self.orderers.items():
            named = common_pb2.IdentifierHeader(identifier=number, nonce=b"once").SerializeToString()
            signed = (
                metadata.value + named + encode_header(header.number, header.previous_hash, header.data_hash)
            )
            metadata.signatures.add(identifier_header=named, signature=orderer.sign(signed))
        block.metadata.metadata[common_pb2.SIGNATURES] = metadata.SerializeToString()

    @property
    def later(self) -> int:
        """By how many blocks this channel is ahead of the embedded ledger."""
        first = self.blocks[0].data.data[0]
        return int(kind_of(first) == CONFIG)

    def envelope(self, record: TransactionRecord, change: Change | None = None) -> bytes:
        """A transaction, endorsed by all peers; `change` is made to each set before they sign."""
        asked = record.proposal
        client = self.clients[asked.certificate]
        arguments = [asked.function.encode(), *asked.arguments]
        proposal = propose(client, CHANNEL, asked.namespace, arguments, asked.timestamp)
        event = chaincode_event_pb2.ChaincodeEvent()
        if record.event is not None:
            name, payload = record.event
            event = chaincode_event_pb2.ChaincodeEvent(event_name=name, payload=payload)
        outcome = proposal_pb2.ChaincodeAction(
            results=_sets(record, change, self.later if self.blocks else 0),
            events=event.SerializeToString(),
            response=proposal_response_pb2.Response(status=200, payload=record.result),
            chaincode_id=chaincode_pb2.ChaincodeID(name=asked.namespace),
        )
        return self.endorsed(client, proposal, outcome)

    def endorsed(self, client: Identity, proposal: Proposal, outcome: proposal_pb2.ChaincodeAction) -> bytes:
        """The envelope of a proposal that came to `outcome` at every peer."""
        asked = proposal_pb2.Proposal.FromString(proposal.content)
        header = common_pb2.Header.FromString(asked.header)
        response = answer(proposal, outcome)
        action = transaction_pb2.ChaincodeActionPayload(
            chaincode_proposal_payload=asked.payload,
            action=transaction_pb2.ChaincodeEndorsedAction(
                proposal_response_payload=response,
                endorsements=[endorsement(peer, response) for peer in self.peers],
            ),
        )
        transaction = transaction_pb2.Transaction(
            actions=[
                transaction_pb2.TransactionAction(
                    header=header.signature_header, payload=action.SerializeToString()
                )
            ]
        )
        payload = common_pb2.Payload(header=header, data=transaction.SerializeToString()).SerializeToString()
        return bytes(common_pb2.Envelope(payload=payload, signature=client.sign(payload)).SerializeToString())

    async def attest(self, number: int) -> AttestedBlock:
        """A block that the first peer signed."""
        return self.attested(self.blocks[number])

    def attested(self, block: common_pb2.Block, peer: Identity | None = None) -> AttestedBlock:
        """A peer's signed answer to who asked for a block's number."""
        arguments = [BY_NUMBER.encode(), CHANNEL.encode(), str(block.header.number).encode()]
        return self.answered(arguments, block.SerializeToString(), peer or self.peers[0])

    def answered(self, arguments: list[bytes], value: bytes, peer: Identity) -> AttestedBlock:
        """What a peer says to a question."""
        client = next(iter(self.clients.values()))
        proposal = propose(client, CHANNEL, BLOCKS, arguments, time.time_ns() // 1_000_000)
        outcome = proposal_pb2.ChaincodeAction(
            response=proposal_response_pb2.Response(status=200, payload=value),
            chaincode_id=chaincode_pb2.ChaincodeID(name=BLOCKS),
        )
        response = answer(proposal, outcome)
        return AttestedBlock(proposal.content, response, endorsement(peer, response).SerializeToString())

    async def receipt(self, party: Resident, session: str) -> FabricReceipt:
        """A session's receipt."""
        evaluate = party.ledger.evaluate
        given = (party.creator(), party.namespace, "audit.history", b"session", session.encode())
        history = json.loads(await evaluate(*given))["history"]
        places = [await self._place(party, each["transaction"]) for each in history]
        return await collect(CHANNEL, session, places, self.attest)

    async def _place(self, party: Resident, transaction_id: str) -> tuple[int, int]:
        number = (await party.bridge.embedded.commit_status(transaction_id)).block
        block = await party.bridge.embedded.block(number)
        return number, [each.id for each in block.transactions].index(transaction_id)


def answer(proposal: Proposal, outcome: proposal_pb2.ChaincodeAction) -> bytes:
    """What peers sign."""
    asked = proposal_pb2.Proposal.FromString(proposal.content)
    header = common_pb2.Header.FromString(asked.header)
    digest = hashlib.sha256(header.channel_header + header.signature_header + asked.payload).digest()
    response = proposal_response_pb2.ProposalResponsePayload(
        proposal_hash=digest, extension=outcome.SerializeToString()
    )
    return bytes(response.SerializeToString())


def endorsement(peer: Identity, response: bytes) -> proposal_response_pb2.Endorsement:
    """A peer's signature."""
    author = creator(peer)
    return proposal_response_pb2.Endorsement(endorser=author, signature=peer.sign(response + author))


def identity_of(endorsed: bytes) -> identities_pb2.SerializedIdentity:
    """Who signed an `Endorsement`."""
    author = proposal_response_pb2.Endorsement.FromString(endorsed).endorser
    return identities_pb2.SerializedIdentity.FromString(author)


def _sets(record: TransactionRecord, change: Change | None, later: int) -> bytes:
    sets = rwset_pb2.TxReadWriteSet()
    for each in record.sets:
        content = _set(each, later)
        if change is not None:
            change(content)
        sets.ns_rwset.add(namespace=each.namespace, rwset=content.SerializeToString())
    return bytes(sets.SerializeToString())


def _set(each: SetRecord, later: int) -> kv_rwset_pb2.KVRWSet:
    content = kv_rwset_pb2.KVRWSet(reads=[_read(read, later) for read in each.reads])
    for span in each.ranges:
        content.range_queries_info.add(
            start_key=span.start,
            end_key=span.end,
            itr_exhausted=True,
            raw_reads=kv_rwset_pb2.QueryReads(kv_reads=[_read(read, later) for read in span.reads]),
        )
    for write in each.writes:
        content.writes.add(key=write.key, value=write.value or b"", is_delete=write.value is None)
    return content


def _read(read: ReadRecord, later: int) -> kv_rwset_pb2.KVRead:
    if read.version == ABSENT:
        return kv_rwset_pb2.KVRead(key=read.key)
    block, index = divmod(read.version, MAX_TRANSACTIONS)
    return kv_rwset_pb2.KVRead(
        key=read.key, version=kv_rwset_pb2.Version(block_num=block + later, tx_num=index)
    )
