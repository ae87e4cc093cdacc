"""What a client signs: proposals, prepared transactions and requests."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fabric_protos.common import common_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2, transaction_pb2
from google.protobuf.timestamp_pb2 import Timestamp

NONCE_LENGTH = 24


class Signer(Protocol):
    """An identity that can sign; `network.identity.Identity` is one, a hardware token may be another."""

    @property
    def msp_id(self) -> str:
        """The MSP id of the identity's organisation."""

    @property
    def certificate(self) -> bytes:
        """X.509, PEM."""

    def sign(self, message: bytes) -> bytes:
        """ECDSA P-256 with SHA-256 over `message`, DER, low S."""


def creator(signer: Signer) -> bytes:
    """The signer as Fabric names a creator: `msp.SerializedIdentity`."""
    identity = identities_pb2.SerializedIdentity(mspid=signer.msp_id, id_bytes=signer.certificate)
    return bytes(identity.SerializeToString())


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal with its signature; the same bytes may be sent any number of times."""

    transaction_id: str
    content: bytes
    """`protos.Proposal`."""
    signature: bytes

    def signed(self) -> proposal_pb2.SignedProposal:
        """The message that peers take."""
        return proposal_pb2.SignedProposal(proposal_bytes=self.content, signature=self.signature)


def channel_header(kind: int, channel: str, timestamp: int) -> common_pb2.ChannelHeader:
    """A channel header at `timestamp`, milliseconds since 1970."""
    moment = Timestamp(seconds=timestamp // 1000, nanos=timestamp % 1000 * 1_000_000)
    return common_pb2.ChannelHeader(type=kind, channel_id=channel, timestamp=moment)


def propose(
    signer: Signer, channel: str, namespace: str, arguments: Sequence[bytes], timestamp: int
) -> Proposal:
    """A signed proposal to run the chaincode `namespace` with `arguments`, the function's name first.

    `timestamp` is in milliseconds since 1970; `channel` is empty for what a peer does outside channels.
    """
    nonce = secrets.token_bytes(NONCE_LENGTH)
    author = creator(signer)
    transaction_id = hashlib.sha256(nonce + author).hexdigest()
    chaincode = chaincode_pb2.ChaincodeID(name=namespace)
    header = channel_header(common_pb2.ENDORSER_TRANSACTION, channel, timestamp)
    header.tx_id = transaction_id
    header.extension = proposal_pb2.ChaincodeHeaderExtension(chaincode_id=chaincode).SerializeToString()
    invocation = chaincode_pb2.ChaincodeInvocationSpec(
        chaincode_spec=chaincode_pb2.ChaincodeSpec(
            type=chaincode_pb2.ChaincodeSpec.NODE,
            chaincode_id=chaincode,
            input=chaincode_pb2.ChaincodeInput(args=arguments),
        )
    )
    payload = proposal_pb2.ChaincodeProposalPayload(input=invocation.SerializeToString())
    whole = common_pb2.Header(
        channel_header=header.SerializeToString(),
        signature_header=common_pb2.SignatureHeader(creator=author, nonce=nonce).SerializeToString(),
    )
    content = proposal_pb2.Proposal(
        header=whole.SerializeToString(), payload=payload.SerializeToString()
    ).SerializeToString()
    return Proposal(transaction_id, content, signer.sign(content))


def envelope(signer: Signer, header: common_pb2.ChannelHeader, data: bytes) -> common_pb2.Envelope:
    """`data` under `header`, signed: what orderers and the Deliver service take."""
    author = common_pb2.SignatureHeader(creator=creator(signer), nonce=secrets.token_bytes(NONCE_LENGTH))
    payload = common_pb2.Payload(
        header=common_pb2.Header(
            channel_header=header.SerializeToString(), signature_header=author.SerializeToString()
        ),
        data=data,
    ).SerializeToString()
    return common_pb2.Envelope(payload=payload, signature=signer.sign(payload))


def result_of(prepared: common_pb2.Envelope, proposal: Proposal) -> bytes:
    """The result in a transaction that a peer prepared from `proposal`.

    Raises ValueError where the transaction is for anything but that proposal: a client signs nothing
    that it did not ask for, whichever peer prepared it.
    """
    payload = common_pb2.Payload.FromString(prepared.payload)
    actions = transaction_pb2.Transaction.FromString(payload.data).actions
    asked = proposal_pb2.Proposal.FromString(proposal.content)
    if len(actions) != 1:
        raise ValueError(f"the prepared transaction holds {len(actions)} actions instead of one")
    action = transaction_pb2.ChaincodeActionPayload.FromString(actions[0].payload)
    header = common_pb2.Header.FromString(asked.header)
    if (
        payload.header != header
        or actions[0].header != header.signature_header
        or action.chaincode_proposal_payload != asked.payload
    ):
        raise ValueError("the prepared transaction is not for the proposal that was sent")
    answer = proposal_pb2.ChaincodeAction.FromString(action_extension(action))
    return bytes(answer.response.payload)


def action_extension(action: transaction_pb2.ChaincodeActionPayload) -> bytes:
    """The endorsed `ChaincodeAction`: read-write sets, event and response."""
    endorsed = proposal_response_pb2.ProposalResponsePayload.FromString(
        action.action.proposal_response_payload
    )
    return bytes(endorsed.extension)
