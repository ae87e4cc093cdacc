"""Fills a ledger with sessions that are over, for benchmarks alone.

Running a million sessions would take an hour. So one is run, and what its settlement left is written again
under other ids, one transaction for each session, in blocks that are hashed and signed like any other. The
transactions' own signatures are left out: opening such a file succeeds, verifying all of it does not.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.residents import NAMESPACE
from bench.site import CHANNEL, Site
from chaincode.signing import domain, merkle
from chaincode.signing.block import NO_BLOCK, Header, header_hash
from chaincode.signing.transaction import (
    ABSENT,
    NONCE_BYTES,
    Proposal,
    SetRecord,
    TransactionRecord,
    WriteRecord,
    decode_transaction,
    encode_proposal,
    encode_transaction,
)
from chaincode.stub import split_composite_key
from network.embedded.snapshot import BLOCK_SHIFT
from network.embedded.store import BlockRows, StateRow, Store

BLOCK = 50_000
"""Sessions in a block: the larger it is, the fewer times each page of the state's tree is written."""


@dataclass(frozen=True, slots=True)
class Template:
    """A settled session: what was left of it."""

    proposal: Proposal
    """The one that settled it."""
    session: str
    wallet: str
    values: tuple[tuple[str, bytes | None], ...]
    """Every key that names the session, with its last value; None where it was deleted."""


def last_session(site: Site) -> Template:
    """The session that was settled last in a ledger's file, which must be closed."""
    found: dict[str, bytes | None] = {}
    proposal, session = None, ""
    store = Store.open(site.path, CHANNEL)
    with store.snapshot() as snapshot:
        for number in reversed(range(snapshot.height())):
            for body in reversed(snapshot.bodies(number)):
                record = decode_transaction(body)
                if proposal is None and record.proposal.function == "session.settle":
                    proposal = record.proposal
                    session = proposal.arguments[0].decode()
                for write in record.sets[0].writes:
                    if session and session in write.key:
                        found.setdefault(write.key, write.value)
    store.close()
    if proposal is None:
        raise ValueError("the ledger has no settled session to copy")
    [by_wallet] = [key for key in found if split_composite_key(key)[0] == "session-by-wallet"]
    return Template(proposal, session, split_composite_key(by_wallet)[1][0], tuple(found.items()))


class Population:
    """Writes copies of a session into the file of a new ledger."""

    def __init__(self, site: Site, template: Template) -> None:
        self._site = site
        self._template = template
        self._store = Store.open(site.path, CHANNEL)
        self._signer = self._store.signer(site.signer.certificate)
        self._namespace = self._store.namespace(NAMESPACE)
        self._height = 0
        self._last_hash = NO_BLOCK

    def add(self, sessions: int, progress: Callable[[int], None] = lambda done: None) -> None:
        """Write that many more sessions; `progress` is told how many are done."""
        for done in range(0, sessions, BLOCK):
            self._store.append(self._block(min(BLOCK, sessions - done)))
            progress(min(done + BLOCK, sessions))

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _block(self, sessions: int) -> BlockRows:
        rows = BlockRows(self._height, b"", b"", self._signer)
        hashes = []
        for index in range(sessions):
            body = self._enter(rows, self._height << BLOCK_SHIFT | index)
            hashes.append(merkle.leaf_hash(body))
        header = Header(CHANNEL, self._height, self._last_hash, merkle.root_hash(hashes), sessions)
        rows.header = header.encode()
        rows.signature = self._site.signer.sign(domain.BLOCK + rows.header)
        self._height += 1
        self._last_hash = header_hash(rows.header)
        return rows

    def _enter(self, rows: BlockRows, version: int) -> bytes:
        """One session under a new id, of a new wallet."""
        template = self._template
        session, wallet = secrets.token_hex(32), secrets.token_hex(32)
        writes = []
        for key, value in template.values:
            copied = key.replace(template.session, session).replace(template.wallet, wallet)
            writes.append(WriteRecord(copied, ABSENT, value and self._copied(value, session, wallet)))
        nonce = secrets.token_bytes(NONCE_BYTES)
        proposal = replace(template.proposal, nonce=nonce, arguments=(session.encode(),))
        sets = (SetRecord(proposal.namespace, (), (), tuple(writes)),)
        body, offsets = encode_transaction(
            TransactionRecord(encode_proposal(proposal), b"", 0, b"", None, sets)
        )
        rows.entries.append((version, body))
        rows.transaction_ids[bytes.fromhex(proposal.transaction_id)] = version
        for write, offset in zip(writes, offsets, strict=True):
            place = self._namespace, write.key.encode()
            length = None if write.value is None else len(write.value)
            rows.state[place] = StateRow(*place, version, offset, length)
        return body

    def _copied(self, value: bytes, session: str, wallet: str) -> bytes:
        value = value.replace(self._template.session.encode(), session.encode())
        return value.replace(self._template.wallet.encode(), wallet.encode())
