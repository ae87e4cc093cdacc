"""A block that a peer signed: the proof that a transaction is on a Fabric channel, and valid.

Orderers sign a block's header, but not which of its transactions are valid: each peer finds that out by
itself. So the proof is a peer's own word, in the form in which peers give their word: its endorsed answer to
`qscc`'s `GetBlockByNumber`, which holds the whole block with all validation codes. The peer is certified by
its condominium's root.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from chaincode.signing import certificate as certificates
from chaincode.signing.block import ProofError
from chaincode.signing.certificate import Certificate, CertificateError
from chaincode.signing.fabric.block import FabricBlock, decode_block
from chaincode.signing.fabric.configuration import has_unit
from chaincode.signing.fabric.transaction import Endorsement, decode_answer
from chaincode.signing.octets import MalformedError

BLOCKS, BY_NUMBER = "qscc", "GetBlockByNumber"
"""The system chaincode that hands out blocks, and its function."""
PEER = "peer"
"""The organisational unit of peers (`NodeOUs`)."""
_SUCCESS = 200

Roots = Mapping[str, Certificate]
"""Condominiums' root certificates by MSP id."""


@dataclass(frozen=True, slots=True)
class AttestedBlock:
    """A peer's answer; its truth is still to be checked."""

    proposal: bytes
    """`protos.Proposal`: what the peer was asked."""
    response: bytes
    """`protos.ProposalResponsePayload`: its answer."""
    endorsement: bytes
    """`protos.Endorsement`: who signed it."""

    def to_json(self) -> dict[str, Any]:
        """This block as a member of a receipt."""
        parts = {"proposal": self.proposal, "response": self.response, "endorsement": self.endorsement}
        return {name: base64.b64encode(value).decode() for name, value in parts.items()}

    @classmethod
    def from_json(cls, members: object) -> Self:
        """Read what `to_json` made. Raises ProofError where it has another form."""
        if not isinstance(members, dict):
            raise ProofError("a block is an object of proposal, response and endorsement")
        try:
            parts = {name: base64.b64decode(value, validate=True) for name, value in members.items()}
            return cls(**parts)
        except (TypeError, ValueError) as error:
            raise ProofError("a block lacks a member or holds one of another form") from error


def verify_block(attested: AttestedBlock, roots: Roots, channel: str) -> tuple[FabricBlock, str]:
    """The block, and the MSP id of the peer that signed it.

    Raises ProofError naming the link that fails: the peer's certificate under one of the roots and valid at
    the time that the question names, its signature, the question itself, the block's own hash."""
    try:
        answer = decode_answer(attested.proposal, attested.response, attested.endorsement)
        asked = answer.proposal
        signer = verify_endorsement(answer.endorsement, roots)
        signer.check_time(asked.timestamp)
        block = decode_block(answer.value)
    except (MalformedError, CertificateError) as error:
        raise ProofError(f"a peer's block: {error}") from error
    question = (asked.namespace, asked.function, *asked.arguments)
    expected = (BLOCKS, BY_NUMBER, channel.encode(), str(block.number).encode())
    if (asked.channel, answer.chaincode, answer.status) != (
        channel,
        BLOCKS,
        _SUCCESS,
    ) or question != expected:
        raise ProofError(f"a peer's block: the answer is not {BLOCKS}'s to {BY_NUMBER} on {channel}")
    return block, answer.endorsement.msp_id


def verify_endorsement(endorsement: Endorsement, roots: Roots) -> Certificate:
    """The certificate of the peer that signed.

    Raises CertificateError where its root is not known, it is not a peer's, or the signature is wrong."""
    root = roots.get(endorsement.msp_id)
    if root is None:
        raise CertificateError(
            f"it is signed under {endorsement.msp_id}, whose root certificate is not given"
        )
    signer = certificates.parse(endorsement.certificate)
    signer.check_issuer(root)
    if not has_unit(signer, PEER):
        raise CertificateError(f"its signer under {endorsement.msp_id} is not a peer")
    if not signer.verifies(endorsement.message, endorsement.signature):
        raise CertificateError(f"the signature of the peer of {endorsement.msp_id} does not verify")
    return signer
