"""Whether what a transaction read still holds when its turn in a block comes.

Hyperledger Fabric's multi-version concurrency control: a read is stale where the key's version has changed
since (`MVCC_READ_CONFLICT`), a range where keys have come, gone or changed (`PHANTOM_READ_CONFLICT`); the
valid transactions before it in the same block count. What changed recently is kept in memory, so that
checking a transaction does not read the file; for one that was simulated longer ago than that, it does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from chaincode.signing.transaction import ABSENT, RangeRecord, WriteRecord
from network.embedded.simulation import SimulatedSet, SimulatedWrite
from network.embedded.snapshot import BLOCK_SHIFT, Snapshot
from network.ledger import MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT, VALID

_REMEMBERED_KEYS = 100_000
"""About 20 MB; at full load the writes of some ten seconds."""


class _Newest(NamedTuple):
    """The newest write of a key: its version as the chain has it, and as readers see it."""

    version: int
    visible: int
    """The same, or `ABSENT` where the write was a deletion."""


class RecentWrites:
    """The newest versions of the keys written by the last blocks."""

    def __init__(self, height: int) -> None:
        self.forget(height)

    def forget(self, height: int) -> None:
        """Remember nothing from before block `height`: at the start, or after a block that was applied
        here could not be written."""
        self._spaces: dict[str, dict[str, _Newest]] = {}
        self._blocks: deque[tuple[int, list[tuple[str, str]]]] = deque()
        self._count = 0
        self._floor = height
        """Every write of this block and later ones is remembered."""

    def check(self, sets: Sequence[SimulatedSet], height: int, committed: Snapshot) -> str:
        """The validation code of a transaction simulated when there were `height` blocks.

        `committed` is the state before the block that is being made."""
        old = committed if height < self._floor else None
        for each in sets:
            for read in each.reads:
                if self._visible(each.namespace, read.key, read.version, old) != read.version:
                    return MVCC_READ_CONFLICT
            for span in each.ranges:
                if not self._holds(each.namespace, span, height, old):
                    return PHANTOM_READ_CONFLICT
        return VALID

    def replaced(self, namespace: str, write: SimulatedWrite, height: int, committed: Snapshot) -> int:
        """The version that `write` replaces now, `ABSENT` where the key has never been written."""
        newest = self._spaces.get(namespace, {}).get(write.key)
        if newest is not None:
            return newest.version
        if write.seen is not None and height >= self._floor:
            return write.seen
        row = committed.get(namespace, write.key)
        return ABSENT if row is None else row.version

    def apply(self, namespace: str, writes: Sequence[WriteRecord], version: int) -> None:
        """Remember a valid transaction's writes."""
        block = version >> BLOCK_SHIFT
        if not self._blocks or self._blocks[-1][0] != block:
            self._blocks.append((block, []))
        keys = self._blocks[-1][1]
        space = self._spaces.setdefault(namespace, {})
        for write in writes:
            space[write.key] = _Newest(version, ABSENT if write.value is None else version)
            keys.append((namespace, write.key))
        self._count += len(writes)

    def trim(self) -> None:
        """Forget the oldest blocks where there is too much to remember."""
        while self._count > _REMEMBERED_KEYS and len(self._blocks) > 1:
            block, keys = self._blocks.popleft()
            self._floor = block + 1
            self._count -= len(keys)
            for namespace, key in keys:
                newest = self._spaces[namespace].get(key)
                if newest is not None and newest.version >> BLOCK_SHIFT == block:
                    del self._spaces[namespace][key]

    def _visible(self, namespace: str, key: str, read: int, old: Snapshot | None) -> int:
        """The version that a reader sees now, where `read` is the one that was seen."""
        newest = self._spaces.get(namespace, {}).get(key)
        if newest is not None:
            return newest.visible
        if old is None:
            return read
        row = old.get(namespace, key)
        return ABSENT if row is None or row.value is None else row.version

    def _holds(self, namespace: str, span: RangeRecord, height: int, old: Snapshot | None) -> bool:
        """Whether reading the range again would find the same keys with the same versions."""
        read = {each.key: each.version for each in span.reads}
        space = self._spaces.get(namespace, {})
        first = height << BLOCK_SHIFT
        for key, newest in space.items():
            recent = newest.version >= first and span.start <= key < span.end
            if recent and read.get(key, ABSENT) != newest.visible:
                return False
        if old is None:
            return True
        now = dict(old.versions(namespace, span.start, span.end))
        return all(now.get(key, ABSENT) == version for key, version in read.items() if key not in space) and (
            all(key in read for key in now if key not in space)
        )
