"""The embedded ledger, as one identity sees it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Self

from chaincode.signing.block import InclusionProof
from chaincode.signing.receipt import collect
from network.embedded.orderer import MAX_BLOCK
from network.embedded.peer import CHECKED_AT_OPEN, Peer
from network.embedded.proposal import Proposer
from network.embedded.simulation import Dispatch
from network.embedded.verification import Progress, Verified
from network.identity import Identity
from network.ledger import Block, CommitStatus, Committed, Event
from network.organisation import Organisation

Clock = Callable[[], int]
"""Milliseconds since 1970."""


def wall_clock() -> int:
    """This computer's clock, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class EmbeddedLedger:
    """`network.ledger.Ledger` in this process, on one SQLite file.

    One file serves any number of identities and condominiums: `as_identity` gives each its own view."""

    def __init__(self, peer: Peer, identity: Identity, now: Clock) -> None:
        self._peer = peer
        self._identity = identity
        self._proposer = Proposer(identity, peer.channel)
        self._now = now

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        channel: str,
        identity: Identity,
        signer: Identity,
        organisations: Sequence[Organisation],
        dispatch: Dispatch,
        now: Clock = wall_clock,
        checked: int | None = CHECKED_AT_OPEN,
        max_block: int = MAX_BLOCK,
        progress: Progress | None = None,
    ) -> Self:
        """Open the ledger in the file `path`, or begin one there; its directory must exist.

        `identity` signs what is submitted; `signer`, of role `ledger`, signs the blocks; `organisations` are
        the members whose certificates are accepted. `dispatch` is the chaincode of every namespace
        `condocharge-<code>`. `now` gives the proposals' timestamps, so that history can be replayed. An old
        file's headers and its newest `checked` transactions are verified first (None: all of them).
        `max_block` bounds the transactions of a block (1 to 65,536).

        Raises a `network.embedded.errors.LedgerFileError` that says what to do."""
        peer = await Peer.open(
            path,
            channel=channel,
            signer=signer,
            organisations=organisations,
            dispatch=dispatch,
            now=now(),
            checked=checked,
            max_block=max_block,
            progress=progress,
        )
        return cls(peer, identity, now)

    def as_identity(self, identity: Identity) -> EmbeddedLedger:
        """The same ledger as another identity sees it; closing one closes all."""
        return EmbeddedLedger(self._peer, identity, self._now)

    async def close(self) -> None:
        """Commit what waits, then close the file."""
        await self._peer.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def channel(self) -> str:
        """See `Ledger`."""
        return self._peer.channel

    @property
    def pending(self) -> int:
        """How many transactions are handed over and not yet decided; a simulated clock waits for them."""
        return self._peer.pending

    async def change(self) -> None:
        """Wait until one of them is decided."""
        await self._peer.change()

    @property
    def msp_id(self) -> str:
        """See `Ledger`."""
        return self._identity.msp_id

    async def evaluate(self, namespace: str, function: str, arguments: Sequence[bytes]) -> bytes:
        """See `Ledger`."""
        return await self._peer.evaluate(
            self._proposer.propose(namespace, function, arguments, self._now(), sign=False)
        )

    async def submit(self, namespace: str, function: str, arguments: Sequence[bytes]) -> Committed:
        """See `Ledger`."""
        return await self._peer.submit(
            self._proposer.propose(namespace, function, arguments, self._now(), sign=True)
        )

    async def commit_status(self, transaction_id: str) -> CommitStatus:
        """See `Ledger`."""
        return await self._peer.commit_status(transaction_id)

    def events(self, start_block: int) -> AsyncIterator[Event]:
        """See `Ledger`. Ends when the ledger is closed."""
        return self._peer.events(start_block)

    async def block(self, number: int) -> Block:
        """See `Ledger`."""
        return self._peer.block(number)

    async def height(self) -> int:
        """See `Ledger`."""
        return self._peer.height()

    async def prove(self, transaction_id: str) -> InclusionProof:
        """What shows offline, with the condominium's root certificate, that a transaction is on the ledger.

        Raises EvaluateError where it is not."""
        return self._peer.prove(transaction_id)

    async def prove_at(self, block: int, index: int) -> InclusionProof:
        """As `prove`, for the transaction `index` of a block: a read set names those."""
        return self._peer.prove_at(block, index)

    async def receipt(self, session: str, transactions: Sequence[str]) -> bytes:
        """The file that proves a session, of whose record `transactions` (ids) are all that wrote it.

        Raises EvaluateError where one is not on the ledger."""
        own = [self._peer.prove(each) for each in transactions]
        return (await collect(self.channel, session, own, self.prove_at)).encode()

    async def export(self, number: int) -> bytes:
        """One block as a line for an auditor to verify elsewhere (`client.auditor`).

        Raises EvaluateError where there is none."""
        return self._peer.export(number).encode()

    async def verify(self, progress: Progress | None = None) -> Verified:
        """Check every block, transaction, signature and row of state, while the ledger is in use or not.

        Raises LedgerAltered naming the first block that is wrong."""
        return await self._peer.verify(progress)
