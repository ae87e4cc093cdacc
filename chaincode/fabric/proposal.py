"""What the client signed: the proposal that a transaction runs for."""

from __future__ import annotations

from dataclasses import dataclass

from fabric_protos.common import common_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import proposal_pb2
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage as Message

from chaincode.stub import Creator


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the signed proposal says about the transaction; `timestamp` in milliseconds since 1970."""

    channel: str
    transaction_id: str
    timestamp: int
    creator: Creator
    called: str


def read_proposal(message: Message) -> Proposal:
    """The proposal that the peer hands over with a transaction; the peer has checked its signature."""
    signed = message.proposal
    proposal = proposal_pb2.Proposal.FromString(signed.proposal_bytes)
    header = common_pb2.Header.FromString(proposal.header)
    channel = common_pb2.ChannelHeader.FromString(header.channel_header)
    signature = common_pb2.SignatureHeader.FromString(header.signature_header)
    identity = identities_pb2.SerializedIdentity.FromString(signature.creator)
    extension = proposal_pb2.ChaincodeHeaderExtension.FromString(channel.extension)
    return Proposal(
        channel=message.channel_id,
        transaction_id=message.txid,
        timestamp=channel.timestamp.seconds * 1000 + channel.timestamp.nanos // 1_000_000,
        creator=Creator(msp_id=identity.mspid, certificate=identity.id_bytes),
        called=extension.chaincode_id.name,
    )
