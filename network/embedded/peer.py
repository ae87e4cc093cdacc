"""The embedded ledger's one peer: endorses, orders and commits for every identity that it knows."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Self

from chaincode.errors import ContractError
from chaincode.signing.block import LEDGER_ROLE, InclusionProof
from chaincode.signing.certificate import Certificate, CertificateError
from chaincode.signing.export import ExportedBlock
from chaincode.signing.transaction import VALIDATIONS, decode_transaction
from network.embedded.block import export, prove, read_block, read_events
from network.embedded.cache import StateCache
from network.embedded.creators import CreatorCheck
from network.embedded.errors import LedgerAltered, LedgerForeign, explain, explained
from network.embedded.orderer import MAX_BLOCK, Orderer
from network.embedded.pending import Pending
from network.embedded.proposal import SignedProposal
from network.embedded.simulation import Dispatch, Simulated, Simulation, UnsupportedError
from network.embedded.snapshot import BLOCK_SHIFT, Snapshot, Value
from network.embedded.store import Store
from network.embedded.verification import Progress, Verified, verify
from network.embedded.view import View
from network.identity import Identity
from network.ledger import (
    Block,
    CommitStatus,
    CommitStatusError,
    Committed,
    EndorseError,
    EvaluateError,
    Event,
    LedgerError,
    SubmitError,
)
from network.organisation import Organisation

NAMESPACE = re.compile(r"condocharge-[a-z][a-z0-9]{2,15}")
"""A condominium's chaincode: every name of this form is one, empty until its condominium registers."""
TRANSACTION_ID = re.compile(r"[0-9a-f]{64}")
CHECKED_AT_OPEN = 10_000
"""Transactions that opening a file checks byte by byte, the newest ones: about a second."""
_SIMULATIONS = 64
"""At a time; each that pauses in a long range holds a database connection."""
_REMEMBERED_BLOCKS = 256
"""Whose events need not be read from the file."""


class Peer:
    """An open ledger: the file, the chaincode that runs on it, and the members it accepts."""

    def __init__(
        self,
        store: Store,
        *,
        channel: str,
        signer: Identity,
        organisations: Sequence[Organisation],
        dispatch: Dispatch,
        verified: Verified,
        max_block: int,
    ) -> None:
        self.channel = channel
        self._store = store
        self._path = store.path
        self._organisations = {organisation.msp_id: organisation for organisation in organisations}
        self._root = self._organisations[signer.msp_id].root
        self._dispatch = dispatch
        self._seats = asyncio.Semaphore(_SIMULATIONS)
        self._under_way: dict[str, asyncio.Future[Committed]] = {}
        self._recent: deque[tuple[int, tuple[Event, ...]]] = deque(maxlen=_REMEMBERED_BLOCKS)
        self._cache = StateCache()
        self._closed = False
        self._orderer = Orderer(
            store,
            channel=channel,
            signer=signer,
            height=verified.height,
            last_hash=verified.last_hash,
            committed=self._announce,
            max_block=max_block,
        )
        self._creators = CreatorCheck(self._orderer.order)

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        channel: str,
        signer: Identity,
        organisations: Sequence[Organisation],
        dispatch: Dispatch,
        now: int,
        checked: int | None = CHECKED_AT_OPEN,
        max_block: int = MAX_BLOCK,
        progress: Progress | None = None,
    ) -> Self:
        """Open the ledger at `path`, or begin one; `now` in milliseconds since 1970.

        Every header and the newest `checked` transactions are verified first (None: all of them). Raises a
        `LedgerFileError`, and LedgerForeign where `signer` is not a ledger's identity of a member."""
        member = {organisation.msp_id: organisation for organisation in organisations}.get(signer.msp_id)
        if member is None:
            raise LedgerForeign(f"the ledger's own organisation, {signer.msp_id}, is not among the members")
        try:
            certificate = member.check(signer.certificate, now)
        except CertificateError as error:
            raise LedgerForeign(f"the identity that signs blocks cannot be used: {error}") from error
        if certificate.role != LEDGER_ROLE:
            raise LedgerForeign(f"the identity that signs blocks has the role {certificate.role}, not ledger")
        store = Store.open(path, channel)
        try:
            verified = await asyncio.to_thread(verify, store, channel, member.root, checked, progress)
            return cls(
                store,
                channel=channel,
                signer=signer,
                organisations=organisations,
                dispatch=dispatch,
                verified=verified,
                max_block=max_block,
            )
        except BaseException:
            store.close()
            raise

    async def close(self) -> None:
        """Commit what waits and let others open the file."""
        if not self._closed:
            self._closed = True
            await self._creators.close()
            await self._orderer.close()
            self._store.close()

    async def verify(self, progress: Progress | None = None) -> Verified:
        """Check every block, transaction, signature and row of state in a thread of its own.

        Raises LedgerAltered naming the first block that is wrong."""
        return await asyncio.to_thread(verify, self._store, self.channel, self._root, None, progress)

    @property
    def pending(self) -> int:
        """How many transactions are handed over and not yet decided."""
        return len(self._under_way)

    async def change(self) -> None:
        """Wait until one of those is decided."""
        if self._under_way:
            await asyncio.wait(list(self._under_way.values()), return_when=asyncio.FIRST_COMPLETED)

    def height(self) -> int:
        """How many blocks there are."""
        return self._orderer.height

    async def evaluate(self, signed: SignedProposal) -> bytes:
        """Run a query; it comes from this process and leaves no trace, so its signature is not checked.

        Raises ContractError, EvaluateError."""
        self._check_creator(signed, EvaluateError)
        simulated = await self._simulate(signed, EvaluateError, read_only=True)
        return simulated.result

    async def submit(self, signed: SignedProposal) -> Committed:
        """Endorse, order and commit. Raises ContractError, EndorseError, SubmitError, CommitError."""
        creator = self._check_creator(signed, EndorseError)
        height = self._orderer.height
        simulated = await self._simulate(signed, EndorseError, read_only=False)
        if self._closed:
            raise SubmitError("the ledger is closed", signed.transaction_id)
        outcome: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()
        self._under_way[signed.transaction_id] = outcome
        outcome.add_done_callback(partial(self._settled, signed.transaction_id))
        self._creators.take(Pending(signed, creator, simulated, height, outcome))
        # A submitter who stops waiting does not stop the transaction.
        return await asyncio.shield(outcome)

    def _settled(self, transaction_id: str, outcome: asyncio.Future[Committed]) -> None:
        outcome.exception()  # so that nobody is warned where the submitter has stopped waiting
        if self._under_way.get(transaction_id) is outcome:
            del self._under_way[transaction_id]

    async def commit_status(self, transaction_id: str) -> CommitStatus:
        """Where a transaction ended; waits for one under way. Raises CommitStatusError."""
        while (outcome := self._under_way.get(transaction_id)) is not None:
            await asyncio.wait([outcome])
            await asyncio.sleep(0)
        if not TRANSACTION_ID.fullmatch(transaction_id):
            raise CommitStatusError("a transaction id is 64 lower-case hexadecimal digits", transaction_id)
        with self._reading(CommitStatusError) as snapshot:
            version = snapshot.find(transaction_id)
            body = None if version is None else snapshot.body(version)
        if version is None or body is None:
            raise CommitStatusError("the ledger has no such transaction", transaction_id)
        validation = VALIDATIONS[decode_transaction(body).validation]
        return CommitStatus(transaction_id, version >> BLOCK_SHIFT, validation)

    async def events(self, start_block: int) -> AsyncIterator[Event]:
        """Every event from block `start_block` on, then those of new blocks until the ledger is closed."""
        number = start_block
        while True:
            if self._closed and number not in dict(self._recent):
                return
            if number >= self._orderer.height:
                await self._orderer.change()
                continue
            for event in self._events_of(number):
                yield event
            number += 1
            await asyncio.sleep(0)

    def block(self, number: int) -> Block:
        """One block. Raises EvaluateError where there is none or it was altered."""
        with self._reading(EvaluateError) as snapshot:
            try:
                block = read_block(self._path, snapshot, number, self.channel)
            except LedgerAltered as error:
                raise EvaluateError(str(error)) from error
        if block is None:
            raise EvaluateError(f"there is no block {number}; the last one is {self._orderer.height - 1}")
        return block

    def prove(self, transaction_id: str) -> InclusionProof:
        """What shows offline that a transaction is on the ledger. Raises EvaluateError."""
        with self._reading(EvaluateError) as snapshot:
            version = snapshot.find(transaction_id)
            proof = None if version is None else prove(snapshot, *divmod(version, 1 << BLOCK_SHIFT))
        if proof is None:
            raise EvaluateError("the ledger has no such transaction", transaction_id)
        return proof

    def prove_at(self, block: int, index: int) -> InclusionProof:
        """As `prove`, for the transaction at a place. Raises EvaluateError."""
        with self._reading(EvaluateError) as snapshot:
            proof = prove(snapshot, block, index)
        if proof is None:
            raise EvaluateError(f"block {block} has no transaction {index}")
        return proof

    def export(self, number: int) -> ExportedBlock:
        """One block for an auditor to verify elsewhere. Raises EvaluateError where there is none."""
        with self._reading(EvaluateError) as snapshot:
            block = export(snapshot, number)
        if block is None:
            raise EvaluateError(f"there is no block {number}; the last one is {self._orderer.height - 1}")
        return block

    def _check_creator(self, signed: SignedProposal, failure: type[LedgerError]) -> Certificate:
        if self._closed:
            raise failure("the ledger is closed", signed.transaction_id)
        proposal = signed.proposal
        organisation = self._organisations.get(proposal.msp_id)
        if organisation is None:
            raise failure(f"{proposal.msp_id} is no member of this channel", signed.transaction_id)
        if proposal.channel != self.channel:
            raise failure(f"the proposal is for the channel {proposal.channel}", signed.transaction_id)
        try:
            return organisation.check(proposal.certificate, proposal.timestamp)
        except CertificateError as error:
            raise failure(f"the creator is not accepted: {error}", signed.transaction_id) from error

    async def _simulate(
        self, signed: SignedProposal, failure: type[LedgerError], *, read_only: bool
    ) -> Simulated:
        cache = None if read_only else self._cache
        try:
            async with self._seats:
                with View(self._store, cache, self.height) as view:
                    simulation = Simulation(
                        signed.proposal,
                        signed.transaction_id,
                        self._dispatch,
                        _is_namespace,
                        view,
                        read_only=read_only,
                    )
                    return await simulation.run()
        except (ContractError, LedgerError):
            raise
        except UnsupportedError as error:
            raise failure(str(error), signed.transaction_id) from error
        except sqlite3.Error as error:
            raise failure(str(explain(self._path, error)), signed.transaction_id) from error
        except Exception as error:
            sentence = f"the chaincode failed: {type(error).__name__}: {error}"
            raise failure(sentence, signed.transaction_id) from error

    @contextmanager
    def _reading(self, failure: type[LedgerError]) -> Iterator[Snapshot]:
        if self._closed:
            raise failure("the ledger is closed")
        with explained(self._path), self._store.snapshot() as snapshot:
            yield snapshot

    def _announce(
        self, number: int, events: tuple[Event, ...], written: Mapping[tuple[str, str], Value]
    ) -> None:
        self._recent.append((number, events))
        for (namespace, key), value in written.items():
            self._cache.put(namespace, key, value)

    def _events_of(self, number: int) -> tuple[Event, ...]:
        oldest = self._recent[0][0] if self._recent else self._orderer.height
        if number >= oldest:
            return self._recent[number - oldest][1]
        with self._reading(EvaluateError) as snapshot:
            return read_events(snapshot, number)


def _is_namespace(name: str) -> bool:
    return NAMESPACE.fullmatch(name) is not None
