"""Signed proposals: what an identity hands to the embedded ledger."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from chaincode.signing import domain
from chaincode.signing.transaction import (
    NONCE_BYTES,
    Proposal,
    decode_proposal,
    encode_creator,
    encode_proposal,
    transaction_id,
)
from network.identity import Identity


@dataclass(frozen=True, slots=True)
class SignedProposal:
    """A proposal with its bytes and the creator's signature over them."""

    proposal: Proposal
    transaction_id: str
    payload: bytes
    signature: bytes

    @classmethod
    def read(cls, payload: bytes, signature: bytes) -> Self:
        """A proposal that came as bytes. Raises MalformedError where they are none."""
        proposal = decode_proposal(payload)
        return cls(proposal, proposal.transaction_id, payload, signature)


class Proposer:
    """Makes and signs proposals of one identity for one channel."""

    def __init__(self, identity: Identity, channel: str) -> None:
        self._identity = identity
        self._channel = channel
        self._creator = encode_creator(identity.msp_id, identity.certificate)

    @property
    def msp_id(self) -> str:
        """The identity's MSP id."""
        return self._identity.msp_id

    def propose(
        self, namespace: str, function: str, arguments: Sequence[bytes], timestamp: int, *, sign: bool
    ) -> SignedProposal:
        """A new proposal, unsigned where it is only to be evaluated; `timestamp` in ms since 1970."""
        nonce = os.urandom(NONCE_BYTES)
        proposal = Proposal(
            self._channel,
            timestamp,
            nonce,
            self._identity.msp_id,
            self._identity.certificate,
            namespace,
            function,
            tuple(arguments),
        )
        payload = signature = b""
        if sign:
            payload = encode_proposal(proposal)
            signature = self._identity.sign(domain.PROPOSAL + payload)
        return SignedProposal(proposal, transaction_id(nonce, self._creator), payload, signature)
