"""Ordering and committing: transactions that wait become a block, and a block becomes durable.

Group commit without a timer: whatever waits when the disk is free makes the next block. A lone transaction
waits for nobody, and under load blocks grow to what arrived during the last write. That write happens in a
thread of its own while the event loop goes on simulating.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from chaincode.signing import domain, merkle
from chaincode.signing.block import Header, header_hash
from chaincode.signing.transaction import (
    VALIDATION_NUMBERS,
    SetRecord,
    TransactionRecord,
    WriteRecord,
    encode_transaction,
)
from network.embedded.pending import Pending
from network.embedded.snapshot import BLOCK_SHIFT, Snapshot, Value
from network.embedded.store import BlockRows, StateRow, Store
from network.embedded.validation import RecentWrites
from network.identity import Identity
from network.ledger import DUPLICATE_TXID, VALID, CommitError, Committed, Event, SubmitError

MAX_BLOCK = 256
"""Transactions in a block: enough that a write's cost is shared, few enough to be made in milliseconds."""


Committing = Callable[[int, tuple[Event, ...], Mapping[tuple[str, str], Value]], None]
"""Told of a durable block: its number, events, and the newest value of each key that it wrote."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """A block that has been made and is yet to be written."""

    rows: BlockRows
    hash: bytes
    decided: list[tuple[Pending, str]]
    """Each transaction with its validation code."""
    events: tuple[Event, ...]
    written: dict[tuple[str, str], Value]


class Orderer:
    """Makes blocks, one after the other, and commits them."""

    def __init__(
        self,
        store: Store,
        *,
        channel: str,
        signer: Identity,
        height: int,
        last_hash: bytes,
        committed: Committing,
        max_block: int,
    ) -> None:
        """`committed` is told of each durable block before its submitters are."""
        self._store = store
        self._channel = channel
        self._identity = signer
        self._signer = store.signer(signer.certificate)
        self._height = height
        self._last_hash = last_hash
        self._committed = committed
        self._max_block = max_block
        self._recent = RecentWrites(height)
        self._queue: deque[Pending] = deque()
        self._arrived = asyncio.Event()
        self._changed = asyncio.Event()
        self._closing = False
        self._thread = ThreadPoolExecutor(1, "ledger-commit")
        self._task = asyncio.get_running_loop().create_task(self._work())

    @property
    def height(self) -> int:
        """How many blocks are durable."""
        return self._height

    def order(self, pending: Pending) -> None:
        """Put a transaction into the queue; its `outcome` tells what becomes of it."""
        self._queue.append(pending)
        self._arrived.set()

    async def change(self) -> None:
        """Wait until a block has been written, or failed to be, or the orderer has stopped."""
        await self._changed.wait()

    async def close(self) -> None:
        """Commit what waits, then stop."""
        self._closing = True
        self._arrived.set()
        await self._task
        self._thread.shutdown()
        self._changed.set()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue or not self._closing:
            if not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._max_block))]
            try:
                with self._store.snapshot() as state:
                    cut = self._cut(batch, state)
                await loop.run_in_executor(self._thread, self._store.append, cut.rows)
            except Exception as error:  # noqa: BLE001
                # Nothing of the block was written; whatever the reason, its submitters must hear of it.
                self._recent.forget(self._height)
                for pending in batch:
                    sentence = f"the transaction was not committed: {error}"
                    failure = SubmitError(sentence, pending.signed.transaction_id)
                    failure.__cause__ = error
                    pending.outcome.set_exception(failure)
            else:
                self._settle(cut)
            self._changed.set()
            self._changed = asyncio.Event()

    def _cut(self, batch: list[Pending], state: Snapshot) -> _Cut:
        """Validate a batch in order, and make the block that holds it."""
        rows = BlockRows(self._height, b"", b"", self._signer)
        decided = []
        hashes = []
        events = []
        written: dict[tuple[str, str], Value] = {}
        for index, pending in enumerate(batch):
            version = self._height << BLOCK_SHIFT | index
            validation = self._validate(pending, rows, state)
            body = self._enter(pending, validation, version, rows, state)
            hashes.append(merkle.leaf_hash(body))
            decided.append((pending, validation))
            event = pending.simulated.event
            if validation != VALID:
                continue
            for each in pending.simulated.sets:
                for write in each.writes:
                    written[each.namespace, write.key] = Value(version, write.value)
            if event is not None:
                events.append(
                    Event(
                        self._height,
                        pending.signed.transaction_id,
                        pending.signed.proposal.timestamp,
                        pending.signed.proposal.namespace,
                        *event,
                    )
                )
        self._recent.trim()
        header = Header(self._channel, self._height, self._last_hash, merkle.root_hash(hashes), len(batch))
        rows.header = header.encode()
        rows.signature = self._identity.sign(domain.BLOCK + rows.header)
        return _Cut(rows, header_hash(rows.header), decided, tuple(events), written)

    def _validate(self, pending: Pending, rows: BlockRows, state: Snapshot) -> str:
        if (
            bytes.fromhex(pending.signed.transaction_id) in rows.transaction_ids
            or state.find(pending.signed.transaction_id) is not None
        ):
            return DUPLICATE_TXID
        return self._recent.check(pending.simulated.sets, pending.height, state)

    def _enter(
        self, pending: Pending, validation: str, version: int, rows: BlockRows, state: Snapshot
    ) -> bytes:
        """Add a transaction to the block's rows, and its writes to the state where it is valid."""
        sets = [
            SetRecord(
                each.namespace,
                each.reads,
                each.ranges,
                tuple(
                    [
                        WriteRecord(
                            write.key,
                            self._recent.replaced(each.namespace, write, pending.height, state),
                            write.value,
                        )
                        for write in each.writes
                    ]
                ),
            )
            for each in pending.simulated.sets
        ]
        signed, simulated = pending.signed, pending.simulated
        record = TransactionRecord(
            signed.payload,
            signed.signature,
            VALIDATION_NUMBERS[validation],
            simulated.result,
            simulated.event,
            tuple(sets),
        )
        body, offsets = encode_transaction(record)
        rows.entries.append((version, body))
        rows.transaction_ids.setdefault(bytes.fromhex(pending.signed.transaction_id), version)
        if validation == VALID:
            places = iter(offsets)
            for each in sets:
                namespace = self._store.namespace(each.namespace)
                self._recent.apply(each.namespace, each.writes, version)
                for write in each.writes:
                    key = write.key.encode()
                    length = None if write.value is None else len(write.value)
                    rows.state[namespace, key] = StateRow(namespace, key, version, next(places), length)
        return body

    def _settle(self, cut: _Cut) -> None:
        """Tell everybody about a block that is durable."""
        number = cut.rows.number
        self._height = number + 1
        self._last_hash = cut.hash
        self._committed(number, cut.events, cut.written)
        for pending, validation in cut.decided:
            if validation == VALID:
                pending.outcome.set_result(
                    Committed(pending.signed.transaction_id, number, pending.simulated.result)
                )
            else:
                sentence = f"the transaction is in block {number}, invalid: {validation}"
                pending.outcome.set_exception(
                    CommitError(sentence, pending.signed.transaction_id, validation)
                )
