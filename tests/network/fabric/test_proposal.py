"""A client signs only what it asked for, whichever peer prepared it."""

from __future__ import annotations

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fabric_protos.common import common_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2, transaction_pb2

from network.authority import Authority
from network.fabric.proposal import Proposal, creator, propose, result_of

SIGNER = Authority.create("aurora").issue("gateway", "gateway")
OTHER = Authority.create("boreal").issue("gateway", "gateway")


def proposed(*arguments: bytes, signer: object = SIGNER) -> Proposal:
    """A proposal on a channel, by the usual signer where no other is given."""
    chosen = SIGNER if signer is SIGNER else OTHER
    return propose(chosen, "channel", "namespace", arguments, 1_500_000_000_123)


def prepared(proposal: Proposal, result: bytes = b"result") -> common_pb2.Envelope:
    """What an honest peer prepares from `proposal`."""
    asked = proposal_pb2.Proposal.FromString(proposal.content)
    header = common_pb2.Header.FromString(asked.header)
    action = proposal_pb2.ChaincodeAction(response=proposal_response_pb2.Response(status=200, payload=result))
    answer = proposal_response_pb2.ProposalResponsePayload(extension=action.SerializeToString())
    endorsed = transaction_pb2.ChaincodeActionPayload(
        chaincode_proposal_payload=asked.payload,
        action=transaction_pb2.ChaincodeEndorsedAction(proposal_response_payload=answer.SerializeToString()),
    )
    transaction = transaction_pb2.Transaction(
        actions=[
            transaction_pb2.TransactionAction(
                header=header.signature_header, payload=endorsed.SerializeToString()
            )
        ]
    )
    payload = common_pb2.Payload(header=header, data=transaction.SerializeToString())
    return common_pb2.Envelope(payload=payload.SerializeToString())


def test_a_proposal_is_signed_and_named_by_its_creator() -> None:
    """The id is SHA-256 over nonce and creator; the signature is over the bytes that travel."""
    made = proposed(b"put", b"key")
    content = proposal_pb2.Proposal.FromString(made.content)
    header = common_pb2.Header.FromString(content.header)
    author = common_pb2.SignatureHeader.FromString(header.signature_header)
    channel = common_pb2.ChannelHeader.FromString(header.channel_header)
    assert author.creator == creator(SIGNER)
    assert made.transaction_id == hashlib.sha256(author.nonce + author.creator).hexdigest()
    assert (channel.tx_id, channel.channel_id) == (made.transaction_id, "channel")
    assert (channel.timestamp.seconds, channel.timestamp.nanos) == (1_500_000_000, 123_000_000)
    key = x509.load_pem_x509_certificate(SIGNER.certificate).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(made.signature, made.content, ec.ECDSA(SHA256()))


def test_no_two_proposals_have_one_id() -> None:
    """The same call twice is two transactions."""
    assert proposed(b"put").transaction_id != proposed(b"put").transaction_id


def test_the_result_of_an_honest_peer() -> None:
    """What was asked for is taken."""
    asked = proposed(b"put", b"key")
    assert result_of(prepared(asked, b"yes"), asked) == b"yes"


@pytest.mark.parametrize("other", [(b"put", b"another"), (b"delete", b"key"), (b"put", b"key")])
def test_another_transaction_is_not_signed(other: tuple[bytes, ...]) -> None:
    """Other arguments, another function, or the same call under another id are all refused."""
    with pytest.raises(ValueError, match="not for the proposal"):
        result_of(prepared(proposed(*other)), proposed(b"put", b"key"))


def test_a_header_that_is_not_ours_is_not_signed() -> None:
    """A peer that keeps our arguments and puts somebody else's header around them is refused."""
    asked, foreign = proposed(b"put", b"key"), proposed(b"put", b"key", signer=OTHER)
    envelope = prepared(asked)
    payload = common_pb2.Payload.FromString(envelope.payload)
    content = proposal_pb2.Proposal.FromString(foreign.content)
    payload.header.CopyFrom(common_pb2.Header.FromString(content.header))
    envelope.payload = payload.SerializeToString()
    with pytest.raises(ValueError, match="not for the proposal"):
        result_of(envelope, asked)


def test_a_transaction_of_several_actions_is_not_signed() -> None:
    """A second action beside ours would be signed unseen."""
    asked = proposed(b"put", b"key")
    envelope = prepared(asked)
    payload = common_pb2.Payload.FromString(envelope.payload)
    transaction = transaction_pb2.Transaction.FromString(payload.data)
    transaction.actions.append(transaction.actions[0])
    payload.data = transaction.SerializeToString()
    envelope.payload = payload.SerializeToString()
    with pytest.raises(ValueError, match="2 actions"):
        result_of(envelope, asked)
