"""Checking that a ledger's file is what was committed, and saying which block is not.

The newest header is signed and each header names the hash of the one before it, so one signature and a walk
along the headers vouch for all of them, and each header's data hash for its transactions. That walk takes
microseconds a block and is always done. Reading every transaction takes as long as reading the file: opening
does it for the newest ones alone, the ones that a crash could have touched; `transactions=None` does it for
all, and for every signature. A mark in the file that says "checked up to here" would save no work that
matters: whoever alters the file can keep the mark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chaincode.signing import certificate as certificates
from chaincode.signing import domain
from chaincode.signing.block import LEDGER_ROLE, NO_BLOCK, Header, header_hash
from chaincode.signing.certificate import Certificate, CertificateError
from chaincode.signing.octets import MalformedError
from chaincode.signing.transaction import VALIDATIONS, TransactionRecord, decode_transaction
from network.embedded.block import read_bodies, read_header
from network.embedded.errors import LedgerAltered, explained
from network.embedded.snapshot import BLOCK_SHIFT, BlockRow, Snapshot
from network.embedded.store import Store
from network.ledger import DUPLICATE_TXID, VALID

Progress = Callable[[int, int], None]
"""Told how many blocks of how many have been read."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check found in order."""

    height: int
    last_hash: bytes
    transactions: int
    """How many were read."""


def verify(
    store: Store,
    channel: str,
    root: bytes,
    transactions: int | None = None,
    progress: Progress | None = None,
) -> Verified:
    """Check all headers and the newest `transactions` transactions with what they wrote; None for all.

    `root` is the certificate (PEM) under which the ledger's signers stand. Raises LedgerAltered naming the
    first block that is wrong, or another `LedgerFileError`."""
    with explained(store.path), store.snapshot() as snapshot:
        return _Verification(store.path, snapshot, channel, root).run(transactions, progress)


class _Verification:
    """One check of a snapshot."""

    def __init__(self, path: Path, snapshot: Snapshot, channel: str, root: bytes) -> None:
        self._path = path
        self._snapshot = snapshot
        self._channel = channel
        self._root = certificates.parse(root)
        self._signers: dict[int, Certificate] = {}
        self._matched = 0
        self._identified = 0

    def run(self, transactions: int | None, progress: Progress | None) -> Verified:
        last = self._walk(every_signature=transactions is None)
        height = 0 if last is None else last.number + 1
        if self._snapshot.last_version() >= height << BLOCK_SHIFT:
            self._fail(height, "it has transactions but no header")
        first = 0 if transactions is None else self._first_block(height, transactions)
        count = 0
        for row in self._snapshot.blocks(first, height):
            count += self._check_block(row, signatures=transactions is None)
            if progress is not None:
                progress(row.number + 1 - first, height - first)
        if transactions is None:
            self._check_nothing_else()
        return Verified(height, NO_BLOCK if last is None else header_hash(last.header), count)

    def _fail(self, block: int, what: str) -> None:
        raise LedgerAltered(self._path, block, what)

    def _walk(self, *, every_signature: bool) -> BlockRow | None:
        """Follow the headers from the first to the last, which is returned."""
        before: BlockRow | None = None
        for row in self._snapshot.blocks(0, 1 << 47):
            number = 0 if before is None else before.number + 1
            if row.number != number:
                self._fail(number, "it is missing")
            header = read_header(self._path, row, self._channel)
            if header.previous_hash != (NO_BLOCK if before is None else header_hash(before.header)):
                if before is not None:
                    # Either of the two was altered; only the altered one's signature is wrong.
                    self._check_signature(before)
                self._fail(number, "its header does not name the block before it")
            if every_signature:
                self._check_signature(row)
            before = row
        if before is not None:
            self._check_signature(before)
        return before

    def _check_signature(self, row: BlockRow) -> None:
        signer = self._signers.get(row.signer)
        if signer is None:
            signer = self._signers[row.signer] = self._read_signer(row)
        if not signer.verifies(domain.BLOCK + row.header, row.signature):
            self._fail(row.number, "the ledger's signature does not fit its header")

    def _read_signer(self, row: BlockRow) -> Certificate:
        pem = self._snapshot.signer(row.signer)
        if pem is None:
            raise LedgerAltered(self._path, row.number, "its signer's certificate is missing")
        try:
            signer = certificates.parse(pem)
            signer.check_issuer(self._root)
        except CertificateError as error:
            raise LedgerAltered(self._path, row.number, f"its signer's certificate: {error}") from error
        if signer.role != LEDGER_ROLE:
            self._fail(row.number, "its signer's certificate is not a ledger's")
        return signer

    def _first_block(self, height: int, transactions: int) -> int:
        """The newest block from which on there are at least `transactions` transactions."""
        number = height
        while number > 0 and transactions > 0:
            number -= 1
            row = self._snapshot.block(number)
            if row is not None:
                transactions -= read_header(self._path, row, self._channel).size
        return number

    def _check_block(self, row: BlockRow, *, signatures: bool) -> int:
        header = read_header(self._path, row, self._channel)
        bodies = read_bodies(self._path, self._snapshot, header)
        for index, body in enumerate(bodies):
            try:
                record = decode_transaction(body)
                self._check_transaction(header, index, record, signatures=signatures)
            except MalformedError as error:
                raise LedgerAltered(self._path, header.number, f"transaction {index} {error}") from error
        return len(bodies)

    def _check_transaction(
        self, header: Header, index: int, record: TransactionRecord, *, signatures: bool
    ) -> None:
        number = header.number
        version = number << BLOCK_SHIFT | index
        proposal = record.proposal
        validation = VALIDATIONS[record.validation]
        found = self._snapshot.find(proposal.transaction_id)
        if validation != DUPLICATE_TXID:
            self._identified += 1
        if found is None or (found >= version if validation == DUPLICATE_TXID else found != version):
            self._fail(number, f"the index of ids does not lead to its transaction {index}")
        if signatures and not _signed(record):
            self._fail(number, f"the signature of transaction {index} does not fit")
        if validation == VALID:
            self._check_writes(version, record)

    def _check_writes(self, version: int, record: TransactionRecord) -> None:
        """State must lead to each write, or to a later one of the same key."""
        for each in record.sets:
            for write in each.writes:
                place = self._snapshot.place(each.namespace, write.key)
                if place is not None and place[0] > version:
                    continue
                length = None if write.value is None else len(write.value)
                if place != (version, write.offset, length):
                    what = f"state does not hold what it wrote at {write.key!r} in {each.namespace}"
                    self._fail(version >> BLOCK_SHIFT, what)
                self._matched += 1

    def _check_nothing_else(self) -> None:
        """State and the index of ids must hold nothing that no transaction made."""
        state, ids = self._snapshot.counts()
        if state != self._matched:
            for version, key in self._snapshot.places():
                if not self._wrote(version, key):
                    self._fail(version >> BLOCK_SHIFT, f"state says it wrote {key!r}, which it did not")
        if ids != self._identified:
            for identity, version in self._snapshot.identities():
                record = self._record(version)
                if record is None or record.proposal.transaction_id != identity.hex():
                    self._fail(
                        version >> BLOCK_SHIFT, f"the index says it holds {identity.hex()}, which it does not"
                    )
        if state != self._matched or ids != self._identified:
            self._fail(0, "state or the index of ids has rows twice")

    def _record(self, version: int) -> TransactionRecord | None:
        body = self._snapshot.body(version)
        return None if body is None else decode_transaction(body)

    def _wrote(self, version: int, key: bytes) -> bool:
        record = self._record(version)
        if record is None:
            return False
        valid = VALIDATIONS[record.validation] == VALID
        return valid and any(w.key.encode() == key for each in record.sets for w in each.writes)


def _signed(record: TransactionRecord) -> bool:
    try:
        creator = certificates.parse(record.proposal.certificate)
    except CertificateError:
        return False
    return creator.verifies(domain.PROPOSAL + record.payload, record.signature)
