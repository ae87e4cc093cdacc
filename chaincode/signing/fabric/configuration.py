"""A Fabric channel's configuration: who its members are, who orders, who endorses what.

The first block holds one, and each block that changes it a new one. Of all that stands in it, this is what
checking the blocks takes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from chaincode.signing import certificate as certificates
from chaincode.signing.certificate import Certificate, CertificateError
from chaincode.signing.fabric.block import FabricBlock
from chaincode.signing.fabric.wire import Message
from chaincode.signing.octets import MalformedError

ORDERER = "orderer"
"""The organisational unit of orderers (`NodeOUs`)."""
BFT = "BFT"
_ROLE, _PEER_ROLE = 0, 3
"""`msp.MSPPrincipal.Classification.ROLE` and `msp.MSPRole.PEER`."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """One version of a channel's configuration."""

    channel: str
    sequence: int
    roots: dict[str, Certificate]
    """Members' root certificates by MSP id."""
    consenters: dict[int, bytes]
    """With BFT the orderers' certificates (PEM) by number."""
    consensus: str
    policies: dict[str, bytes]
    """`common.SignaturePolicyEnvelope` by name: who endorses a namespace."""

    @classmethod
    def read(cls, envelope: bytes) -> Configuration:
        """The configuration in an envelope of type CONFIG. Raises MalformedError, CertificateError."""
        payload = Message(envelope).message(1)
        config = payload.message(2).message(1)
        groups = config.message(2).entries(2)
        application, orderer = groups.get("Application"), groups.get("Orderer")
        if application is None or orderer is None:
            raise MalformedError("has no groups Application and Orderer")
        members = application.entries(2) | orderer.entries(2)
        values = orderer.entries(3)
        consenters = values["Orderers"].message(2).messages(1) if "Orderers" in values else []
        if "ConsensusType" not in values:
            raise MalformedError("does not say how blocks are ordered")
        return cls(
            channel=payload.message(1).message(1).text(4),
            sequence=config.integer(1),
            roots={name: _root(name, group) for name, group in members.items()},
            consenters={each.integer(1): each.octets(5) for each in consenters},
            consensus=values["ConsensusType"].message(2).text(1),
            policies={
                name: entry.message(2).octets(2)
                for name, entry in application.entries(4).items()
                if entry.message(2).integer(1) == 1
            },
        )

    def has(self, root: Certificate) -> bool:
        """Whether a member's root certificate is this one."""
        encoded = root.x509.public_bytes(Encoding.DER)
        return any(each.x509.public_bytes(Encoding.DER) == encoded for each in self.roots.values())

    def check_block(self, block: FabricBlock) -> None:
        """Raises CertificateError where too few orderers signed a block's header.

        With BFT it takes a quorum of the channel's orderers (`policies.ComputeBFTQuorum` of Fabric); with
        Raft one orderer's word, since Raft survives none that lies."""
        metadata = Message(block.signatures)
        signers = set()
        for signature in metadata.messages(2):
            signed = metadata.octets(1) + (signature.octets(1) or signature.octets(3)) + block.header
            pem = self._signer(signature)
            if pem is not None and certificates.parse(pem).verifies(signed, signature.octets(2)):
                signers.add(pem)
        count = len(self.consenters)
        needed = -(-(count + (count - 1) // 3 + 1) // 2) if self.consensus == BFT else 1
        if len(signers) < needed:
            raise CertificateError(
                f"{len(signers)} of its orderers signed its header, where {needed} have to"
            )

    def _signer(self, signature: Message) -> bytes | None:
        """The certificate of an orderer that signed; None where it is no orderer of this channel's."""
        if self.consensus == BFT:
            return self.consenters.get(signature.message(3).integer(1))
        creator = signature.message(1).message(1)
        pem = creator.octets(2)
        root = self.roots.get(creator.text(1))
        if root is None or not has_unit(certificates.parse(pem), ORDERER):
            return None
        certificates.parse(pem).check_issuer(root)
        return pem

    def is_endorsed(self, namespace: str, peers: Collection[str]) -> bool:
        """Whether peers of these MSP ids are enough for what changes a namespace, by the channel's policy of
        its name. Nobody's are where the channel has none."""
        policy = self.policies.get(namespace)
        if policy is None:
            return False
        message = Message(policy)
        principals = [_principal(each) for each in message.messages(3)]
        return _holds(message.message(2), principals, peers)


def has_unit(certificate: Certificate, unit: str) -> bool:
    """Whether a certificate's subject names an organisational unit."""
    units = certificate.x509.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    return unit in [each.value for each in units]


def _root(name: str, group: Message) -> Certificate:
    """The one root certificate of a member."""
    value = group.entries(3).get("MSP")
    msp = Message(b"") if value is None else value.message(2).message(2)
    pems = msp.several(2)
    if msp.text(1) != name or len(pems) != 1:
        raise MalformedError(f"has not one root certificate for {name}")
    return certificates.parse(pems[0])


def _principal(message: Message) -> str | None:
    """The MSP id whose peers a principal means; None for any other principal."""
    role = message.message(2)
    if message.integer(1) != _ROLE or role.integer(2) != _PEER_ROLE:
        return None
    return role.text(1)


def _holds(rule: Message, principals: list[str | None], peers: Collection[str]) -> bool:
    """`common.SignaturePolicy` for principals that are peers of different organisations."""
    if 2 in rule:
        threshold = rule.message(2)
        return sum(_holds(each, principals, peers) for each in threshold.messages(2)) >= threshold.integer(1)
    index = rule.integer(1)
    return index < len(principals) and principals[index] in peers
