"""What a receipt's file proves to be on the ledger, before the rules are run again on it.

There are two forms. On the embedded ledger a ledger's identity signed the blocks. On a Fabric channel a peer
signed them: that a transaction is on the channel, and valid, is that one peer's word. The transactions carry
what the peers that endorsed them signed too, but an endorser answers for the content alone: what it endorsed
may never have been ordered, or have been found invalid.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.serialization import Encoding

from chaincode.condominium import msp_id_of
from chaincode.errors import InvalidArgument
from chaincode.signing import certificate as certificates
from chaincode.signing.block import InclusionProof, ProofError, ProvenTransaction, verify_proof
from chaincode.signing.certificate import Certificate, CertificateError
from chaincode.signing.fabric import receipt as fabric
from chaincode.signing.fabric.attestation import AttestedBlock, Roots, verify_block, verify_endorsement
from chaincode.signing.fabric.block import FabricBlock
from chaincode.signing.fabric.transaction import FabricTransaction, decode_transaction
from chaincode.signing.octets import MalformedError
from chaincode.signing.receipt import decode_receipt
from chaincode.signing.transaction import MAX_TRANSACTIONS, VALIDATION_NUMBERS
from client.auditor.errors import ReceiptError
from client.auditor.execution import Recorded

_VALID = VALIDATION_NUMBERS["VALID"]


@dataclass(frozen=True, slots=True)
class Proven:
    """A transaction that is on the ledger and valid."""

    block: int
    index: int
    record: Recorded
    witness: str | None
    """Code of the condominium that signed the block which it is in; None where its certificate names none."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a receipt's file proves."""

    network: str
    session: str
    transactions: dict[int, Proven]
    """By version (block · 65,536 + place), in the ledger's order."""
    witnesses: int
    """How many condominiums have to have signed the session's blocks, each in a receipt of its own."""


def prove(file: bytes, roots: Sequence[bytes]) -> Proof:
    """Check all signatures of a receipt's file against the condominiums' root certificates (PEM).

    Raises ReceiptError naming the link that fails."""
    try:
        return (
            _prove_fabric(file, roots) if _ledger_of(file) == fabric.LEDGER else _prove_embedded(file, roots)
        )
    except (InvalidArgument, ProofError) as error:
        raise ReceiptError(str(error)) from error


def _ledger_of(file: bytes) -> object:
    try:
        members = json.loads(file)
    except (ValueError, RecursionError):
        return None
    return members.get("ledger") if isinstance(members, dict) else None


def _prove_embedded(file: bytes, roots: Sequence[bytes]) -> Proof:
    receipt = decode_receipt(file)
    proven: dict[int, Proven] = {}
    latest = -1
    for proof in receipt.proofs:
        transaction = _verify_any(proof, roots, receipt.network)
        number = transaction.header.number
        version = number * MAX_TRANSACTIONS + transaction.index
        if transaction.record.validation != _VALID:
            raise ReceiptError(f"a transaction of block {number} was found invalid")
        if version <= latest:
            raise ReceiptError("the proofs are not in the ledger's order")
        code = certificates.parse(proof.certificate).organisation
        proven[version] = Proven(number, transaction.index, transaction.record, code)
        latest = version
    # The ledger is one condominium's: however many roots are given, one can have signed.
    return Proof(receipt.network, receipt.session, proven, 0)


def _verify_any(proof: InclusionProof, roots: Sequence[bytes], network: str) -> ProvenTransaction:
    *others, last = roots
    for root in others:
        try:
            return _verify(proof, root, network)
        except ProofError:
            continue
    return _verify(proof, last, network)


@lru_cache(maxsize=1024)
def _verify(proof: InclusionProof, root: bytes, network: str) -> ProvenTransaction:
    """Receipts of one condominium share the proofs of its record, its tariff and its units."""
    proven = verify_proof(proof, root, network)
    # PEM has many spellings; with one, there is no room in a receipt for what nobody signed.
    if certificates.parse(proof.certificate).x509.public_bytes(Encoding.PEM) != proof.certificate:
        raise ProofError("ledger's certificate: it is not spelt as PEM usually is")
    return proven


def _prove_fabric(file: bytes, roots: Sequence[bytes]) -> Proof:
    receipt = fabric.decode_receipt(file)
    known = fabric_roots(tuple(roots))
    blocks: dict[int, FabricBlock] = {}
    signers: dict[int, str] = {}
    for attested in receipt.blocks:
        block, signer = _verify_attested(attested, tuple(roots), receipt.network)
        if blocks and block.number <= max(blocks):
            raise ReceiptError("the blocks are not in the ledger's order")
        blocks[block.number], signers[block.number] = block, signer
    if list(receipt.transactions) != sorted(set(receipt.transactions)):
        raise ReceiptError("the transactions are not in the ledger's order")
    if {number for number, _ in receipt.transactions} != blocks.keys():
        raise ReceiptError("its blocks are not those of its transactions")
    proven = {}
    for number, index in receipt.transactions:
        if index >= len(blocks[number].envelopes) or blocks[number].validations[index] != _VALID:
            raise ReceiptError(f"block {number} has no valid transaction at {index}")
        transaction = _verify_transaction(blocks[number].envelopes[index], tuple(roots))
        if transaction.proposal.channel != receipt.network:
            raise ReceiptError(f"a transaction of block {number} is for {transaction.proposal.channel}")
        witness = known[signers[number]].organisation
        proven[number * MAX_TRANSACTIONS + index] = Proven(number, index, transaction, witness)
    return Proof(receipt.network, receipt.session, proven, min(2, len(known)))


@lru_cache(maxsize=64)
def fabric_roots(roots: tuple[bytes, ...]) -> Roots:
    """Root certificates by MSP id. Raises ProofError for one that is none."""
    found: dict[str, Certificate] = {}
    for pem in roots:
        try:
            root = certificates.parse(pem)
        except CertificateError as error:
            raise ProofError(f"a root certificate cannot be read: {error}") from error
        if root.organisation is None or not root.authority:
            raise ProofError("a root certificate is an authority's and names its condominium")
        found[msp_id_of(root.organisation)] = root
    return found


@lru_cache(maxsize=256)
def _verify_attested(
    attested: AttestedBlock, roots: tuple[bytes, ...], network: str
) -> tuple[FabricBlock, str]:
    return verify_block(attested, fabric_roots(roots), network)


@lru_cache(maxsize=1024)
def _verify_transaction(envelope: bytes, roots: tuple[bytes, ...]) -> FabricTransaction:
    """A transaction that its creator signed, and its endorsers as far as their roots are known."""
    known = fabric_roots(roots)
    try:
        transaction = decode_transaction(envelope)
        check_creator(transaction, known)
        for each in transaction.endorsements:
            if each.msp_id in known:
                verify_endorsement(each, known)
    except (MalformedError, CertificateError) as error:
        raise ProofError(f"a transaction: {error}") from error
    return transaction


def check_creator(transaction: FabricTransaction, roots: Roots) -> None:
    """Raises CertificateError where the creator did not sign, or is not of the organisation that it names,
    as far as that one's root is known."""
    proposal = transaction.proposal
    creator = certificates.parse(proposal.certificate)
    if proposal.msp_id in roots:
        creator.check_issuer(roots[proposal.msp_id])
    if not creator.verifies(transaction.payload, transaction.signature):
        raise CertificateError("its creator's signature does not verify")
