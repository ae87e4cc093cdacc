"""Verifying an exported Fabric channel from its first block to its last, trusting nobody's server.

The first block says who the members are; the roots that the auditor has must be among theirs. Of each block:
that enough of the orderers which the channel had then signed its header, that it follows the one before and
holds these transactions. Of each transaction: that a member signed it, and whether it deserved to be valid,
by its endorsements, the channel's policies and its reads; and, where it is valid, that the rules run again
make exactly its writes, and that supply holds in every namespace afterwards.

What an export cannot show: that there is no other one (compare the last hash with another auditor's), and
which certificates were revoked when. Changes of the configuration are believed from the orderers' signatures,
and which chaincode serves a namespace (`_lifecycle`) from the peer that exported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chaincode.errors import InvalidArgument
from chaincode.signing import certificate as certificates
from chaincode.signing.certificate import CertificateError
from chaincode.signing.fabric.attestation import verify_endorsement
from chaincode.signing.fabric.block import FabricBlock, decode_block
from chaincode.signing.fabric.configuration import Configuration
from chaincode.signing.fabric.export import read_block
from chaincode.signing.fabric.transaction import (
    CONFIG,
    LIFECYCLE,
    FabricTransaction,
    decode_transaction,
    kind_of,
)
from chaincode.signing.octets import MalformedError
from chaincode.signing.transaction import MAX_TRANSACTIONS, SetRecord
from client.auditor.errors import LedgerWrong, VerificationError
from client.auditor.execution import Execution, ExecutionError
from client.auditor.proof import check_creator
from client.auditor.report import LedgerReport
from client.auditor.state import VALID, WorldState

_VALID = 0
_CODES = {
    0: VALID,
    2: "BAD_COMMON_HEADER",
    3: "BAD_CREATOR_SIGNATURE",
    9: "DUPLICATE_TXID",
    10: "ENDORSEMENT_POLICY_FAILURE",
    11: "MVCC_READ_CONFLICT",
    12: "PHANTOM_READ_CONFLICT",
}
"""`peer.TxValidationCode`, as far as there is more to say than a number."""


class ChannelAudit:
    """One pass over an exported channel, block by block."""

    def __init__(self, roots: Sequence[bytes]) -> None:
        """`roots` are condominiums' root certificates (PEM). Raises VerificationError for a bad one."""
        try:
            self._known = [certificates.parse(pem) for pem in roots]
        except CertificateError as error:
            raise VerificationError(f"a root certificate cannot be read: {error}") from error
        self._state = WorldState()
        self._last: FabricBlock | None = None
        self._configuration: Configuration | None = None
        self._seen: set[str] = set()
        self._validations: Counter[str] = Counter()
        self._functions: Counter[str] = Counter()

    async def add(self, line: bytes) -> None:
        """Verify the next block. Raises LedgerWrong."""
        number = 0 if self._last is None else self._last.number + 1
        try:
            block = decode_block(read_block(line))
            self._check_header(block, number)
            for index, envelope in enumerate(block.envelopes):
                await self._check_envelope(block, index, envelope)
        except (InvalidArgument, MalformedError, CertificateError, ExecutionError) as error:
            raise LedgerWrong(number, str(error)) from error
        self._last = block

    def report(self) -> LedgerReport:
        """What has been verified so far. Raises VerificationError where that is nothing."""
        if self._last is None or self._configuration is None:
            raise VerificationError("the export holds no block")
        return LedgerReport(
            network=self._configuration.channel,
            blocks=self._last.number + 1,
            transactions=self._validations.total(),
            validations=dict(sorted(self._validations.items())),
            functions=dict(sorted(self._functions.items())),
            last_hash=self._last.hash.hex(),
            supply=dict(sorted(self._state.supply.items())),
        )

    def _check_header(self, block: FabricBlock, number: int) -> None:
        if block.number != number:
            raise MalformedError(f"block {block.number} stands in its place")
        if self._last is not None and block.previous_hash != self._last.hash:
            raise MalformedError("its header does not name the block before it")
        if self._configuration is not None:
            self._configuration.check_block(block)
        elif len(block.envelopes) != 1 or kind_of(block.envelopes[0]) != CONFIG:
            raise MalformedError("it does not say who the channel's members are")

    async def _check_envelope(self, block: FabricBlock, index: int, envelope: bytes) -> None:
        code = block.validations[index]
        if kind_of(envelope) == CONFIG:
            self._configure(envelope)
            deserved = True
        else:
            deserved = await self._judge(block.number * MAX_TRANSACTIONS + index, envelope, code == _VALID)
        if deserved != (code == _VALID):
            raise MalformedError(
                f"transaction {index} is marked {_name(code)} and {'is' if deserved else 'is not'} valid"
            )
        self._validations[_name(code)] += 1

    def _configure(self, envelope: bytes) -> None:
        configuration = Configuration.read(envelope)
        before = self._configuration
        if before is None:
            for root in self._known:
                if not configuration.has(root):
                    raise CertificateError(
                        "a root certificate that was given is of none of its first members"
                    )
        elif (configuration.channel, configuration.sequence) != (before.channel, before.sequence + 1):
            raise MalformedError("it holds a configuration that does not follow the one before")
        self._configuration = configuration

    async def _judge(self, version: int, envelope: bytes, marked: bool) -> bool:
        """Whether a transaction deserves to be valid; if so, it is run again and its writes are taken."""
        try:
            transaction = decode_transaction(envelope)
            self._check_signatures(transaction)
        except (MalformedError, CertificateError):
            if marked:
                raise
            return False
        proposal = transaction.proposal
        fresh = proposal.transaction_id not in self._seen
        self._seen.add(proposal.transaction_id)
        sets = [*transaction.sets, *filter(None, (transaction.lifecycle,))]
        if not _keeps_apart(transaction):
            deserved = False
        elif proposal.namespace == LIFECYCLE:
            deserved = marked
        else:
            deserved = fresh and self._is_endorsed(transaction) and self._state.validate(sets) == VALID
        if not deserved:
            return False
        if proposal.namespace != LIFECYCLE:
            try:
                await Execution(transaction, self._state.value).check()
            except ExecutionError as error:
                raise ExecutionError(
                    f"transaction {version % MAX_TRANSACTIONS} ({proposal.function}): {error}"
                ) from error
        self._state.apply([self._replacing(each) for each in sets], version)
        self._functions[proposal.function] += 1
        return True

    def _check_signatures(self, transaction: FabricTransaction) -> None:
        configuration = self._now()
        proposal = transaction.proposal
        if proposal.channel != configuration.channel:
            raise MalformedError(f"was proposed for the channel {proposal.channel}")
        if proposal.msp_id not in configuration.roots:
            raise CertificateError(f"{proposal.msp_id} signed it, which is no member")
        check_creator(transaction, configuration.roots)

    def _is_endorsed(self, transaction: FabricTransaction) -> bool:
        """Whether the peers whose signatures verify are enough for each namespace that it calls or writes."""
        configuration = self._now()
        peers = set()
        for each in transaction.endorsements:
            try:
                verify_endorsement(each, configuration.roots)
            except CertificateError:
                continue
            peers.add(each.msp_id)
        written = {each.namespace for each in transaction.sets if each.writes}
        return all(
            configuration.is_endorsed(namespace, peers)
            for namespace in written | {transaction.proposal.namespace}
        )

    def _replacing(self, each: SetRecord) -> SetRecord:
        """The set with the versions that its writes replace, which Fabric does not record."""
        writes = tuple(
            write._replace(replaced=self._state.version(each.namespace, write.key)) for write in each.writes
        )
        return each._replace(writes=writes)

    def _now(self) -> Configuration:
        assert self._configuration is not None
        return self._configuration


def _keeps_apart(transaction: FabricTransaction) -> bool:
    """Whether Fabric's own chaincode writes nothing of the condominiums', nor theirs anything of Fabric's."""
    if transaction.proposal.namespace == LIFECYCLE:
        return not any(each.writes for each in transaction.sets)
    return transaction.lifecycle is None or not transaction.lifecycle.writes


def _name(code: int) -> str:
    return _CODES.get(code, f"INVALID_{code}")
