"""Verifying an exported ledger from its first block to its last, trusting nobody's server.

Of each block: that its header is signed by a ledger certified by a condominium's root, follows the one
before and commits to the transactions. Of each transaction: that an identity of a member signed it; that its
validation code is what its reads deserve; and, where it is valid, that the rules run again make exactly its
writes, and that supply holds in every namespace afterwards.

What an export cannot show: that there is no other one (compare the last hash with another auditor's), and
which certificates were revoked when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chaincode.condominium import msp_id_of
from chaincode.errors import InvalidArgument
from chaincode.signing import certificate as certificates
from chaincode.signing import domain, merkle
from chaincode.signing.block import LEDGER_ROLE, NO_BLOCK, Header, decode_header, header_hash
from chaincode.signing.certificate import Certificate, CertificateError
from chaincode.signing.export import ExportedBlock, decode_block
from chaincode.signing.octets import MalformedError
from chaincode.signing.transaction import (
    MAX_TRANSACTIONS,
    VALIDATIONS,
    Proposal,
    TransactionRecord,
    decode_transaction,
)
from client.auditor.errors import LedgerWrong, VerificationError
from client.auditor.execution import Execution, ExecutionError
from client.auditor.report import LedgerReport
from client.auditor.state import VALID, WorldState

DUPLICATE_TXID = "DUPLICATE_TXID"


class LedgerAudit:
    """One pass over an exported ledger, block by block."""

    def __init__(self, roots: Sequence[bytes]) -> None:
        """`roots` are the condominiums' root certificates (PEM). Raises VerificationError for a bad one."""
        self._roots: dict[str, Certificate] = {}
        for pem in roots:
            try:
                root = certificates.parse(pem)
            except CertificateError as error:
                raise VerificationError(f"a root certificate cannot be read: {error}") from error
            if root.organisation is None or not root.authority:
                raise VerificationError("a root certificate is an authority's and names its condominium")
            self._roots[msp_id_of(root.organisation)] = root
        self._state = WorldState()
        self._last: Header | None = None
        self._last_hash = NO_BLOCK
        self._seen: set[str] = set()
        self._validations: Counter[str] = Counter()
        self._functions: Counter[str] = Counter()
        self._trusted: set[tuple[str, bytes]] = set()

    async def add(self, line: bytes) -> None:
        """Verify the next block. Raises LedgerWrong."""
        number = 0 if self._last is None else self._last.number + 1
        try:
            block = decode_block(line)
            header = decode_header(block.header)
            self._check_header(block, header, number)
            for index, body in enumerate(block.transactions):
                await self._check_transaction(header, index, decode_transaction(body))
        except (InvalidArgument, MalformedError, CertificateError, _Wrong) as error:
            raise LedgerWrong(number, str(error)) from error
        self._last, self._last_hash = header, header_hash(block.header)

    def report(self) -> LedgerReport:
        """What has been verified so far. Raises VerificationError where that is nothing."""
        if self._last is None:
            raise VerificationError("the export holds no block")
        return LedgerReport(
            network=self._last.channel,
            blocks=self._last.number + 1,
            transactions=self._validations.total(),
            validations=dict(sorted(self._validations.items())),
            functions=dict(sorted(self._functions.items())),
            last_hash=self._last_hash.hex(),
            supply=dict(sorted(self._state.supply.items())),
        )

    def _check_header(self, block: ExportedBlock, header: Header, number: int) -> None:
        if header.number != number:
            raise _Wrong(f"block {header.number} stands in its place")
        if header.previous_hash != self._last_hash:
            raise _Wrong("its header does not name the block before it")
        if self._last is not None and header.channel != self._last.channel:
            raise _Wrong(f"its header is for the channel {header.channel}, not {self._last.channel}")
        ledger = certificates.parse(block.certificate)
        if ledger.organisation is None or ledger.role != LEDGER_ROLE:
            raise _Wrong("its signer's certificate is not a ledger's")
        self._check_member(msp_id_of(ledger.organisation), block.certificate, ledger)
        if not ledger.verifies(domain.BLOCK + block.header, block.signature):
            raise _Wrong("the ledger's signature does not fit its header")
        hashes = [merkle.leaf_hash(body) for body in block.transactions]
        if header.size != len(hashes) or merkle.root_hash(hashes) != header.data_hash:
            raise _Wrong("its transactions do not yield its data hash")

    async def _check_transaction(self, header: Header, index: int, record: TransactionRecord) -> None:
        proposal = record.proposal
        try:
            await self._judge(header, index, record, proposal)
        except (_Wrong, ExecutionError, CertificateError) as error:
            raise _Wrong(f"transaction {index} ({proposal.function}): {error}") from error

    async def _judge(self, header: Header, index: int, record: TransactionRecord, proposal: Proposal) -> None:
        self._check_proposal(header, record, proposal)
        validation = VALIDATIONS[record.validation]
        deserved = self._deserved(record, proposal)
        if validation != deserved:
            raise _Wrong(f"it is marked {validation} where it deserves {deserved}")
        if validation == VALID:
            await Execution(record, self._state.value).check()
            self._state.apply(record.sets, header.number * MAX_TRANSACTIONS + index)
            self._functions[proposal.function] += 1
        self._validations[validation] += 1

    def _check_proposal(self, header: Header, record: TransactionRecord, proposal: Proposal) -> None:
        if proposal.channel != header.channel:
            raise _Wrong(f"it was proposed for the channel {proposal.channel}")
        creator = certificates.parse(proposal.certificate)
        self._check_member(proposal.msp_id, proposal.certificate, creator)
        creator.check_time(proposal.timestamp)
        if not creator.verifies(domain.PROPOSAL + record.payload, record.signature):
            raise _Wrong("its creator's signature does not fit")

    def _deserved(self, record: TransactionRecord, proposal: Proposal) -> str:
        identity = proposal.transaction_id
        if identity in self._seen:
            return DUPLICATE_TXID
        self._seen.add(identity)
        return self._state.validate(record.sets)

    def _check_member(self, msp_id: str, pem: bytes, certificate: Certificate) -> None:
        """A certificate under the root of the condominium that it acts for; each is checked once."""
        if (msp_id, pem) in self._trusted:
            return
        root = self._roots.get(msp_id)
        if root is None:
            raise _Wrong(f"{msp_id} signed it; give its condominium's root certificate too")
        certificate.check_issuer(root)
        self._trusted.add((msp_id, pem))


class _Wrong(Exception):
    """Something in a block is wrong; the block's number is added where it is known."""
