"""A ledger in memory that shows the rules Fabric's semantics, for tests of the rules alone.

Each submitted transaction is a block of its own. Reads see committed state only; a rejected transaction
leaves nothing. What conflicts and blocks do is tested on the real ledgers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from chaincode.contract import dispatch
from chaincode.stub import LAST_CODE_POINT, Creator, Entry, KeyModification, Page


@dataclass
class MemoryLedger:
    """Namespaces of keys and values on one channel, and the events of what was committed."""

    channel: str = "condominiums"
    now: int = 1_760_000_000_000
    state: dict[str, dict[str, bytes]] = field(default_factory=dict)
    changes: dict[tuple[str, str], list[KeyModification]] = field(default_factory=dict)
    events: list[tuple[str, str, bytes]] = field(default_factory=list)
    height: int = 0

    async def submit(self, creator: Creator, namespace: str, function: str, *arguments: bytes) -> bytes:
        """Run and commit one transaction."""
        stub = MemoryStub(self, creator, namespace, namespace)
        result = await dispatch(stub, function, arguments)
        self.height += 1
        for (name, key), value in stub.writes.items():
            space = self.state.setdefault(name, {})
            if value is None:
                space.pop(key, None)
            else:
                space[key] = value
            modification = KeyModification(stub.transaction_id, self.now, value)
            self.changes.setdefault((name, key), []).insert(0, modification)
        if stub.event is not None:
            self.events.append((namespace, *stub.event))
        return result

    async def evaluate(self, creator: Creator, namespace: str, function: str, *arguments: bytes) -> bytes:
        """Run one query; what it writes is dropped."""
        return await dispatch(MemoryStub(self, creator, namespace, namespace), function, arguments)


class MemoryStub:
    """One transaction on a `MemoryLedger`."""

    def __init__(
        self,
        ledger: MemoryLedger,
        creator: Creator,
        called: str,
        namespace: str,
        root: MemoryStub | None = None,
    ) -> None:
        self._ledger = ledger
        self._namespace = namespace
        self._root = root or self
        self.creator = creator
        self.called = called
        self.channel = ledger.channel
        self.timestamp = ledger.now
        self.transaction_id = f"{ledger.height:064x}"
        self.writes: dict[tuple[str, str], bytes | None] = {} if root is None else root.writes
        self.event: tuple[str, bytes] | None = None

    async def get(self, key: str) -> bytes | None:
        return self._ledger.state.get(self._namespace, {}).get(key)

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        return [await self.get(key) for key in keys]

    async def put(self, key: str, value: bytes) -> None:
        assert value, "Fabric refuses empty values"
        self.writes[self._namespace, key] = value

    async def delete(self, key: str) -> None:
        self.writes[self._namespace, key] = None

    async def range(self, prefix: str) -> AsyncIterator[Entry]:
        space = self._ledger.state.get(self._namespace, {})
        for key in sorted(space):
            if prefix <= key < prefix + LAST_CODE_POINT:
                yield Entry(key, space[key])

    async def page(self, prefix: str, size: int, bookmark: str = "") -> Page:
        entries = [entry async for entry in self.range(prefix) if entry.key >= bookmark]
        return Page(tuple(entries[:size]), entries[size].key if len(entries) > size else "")

    async def history(self, key: str) -> AsyncIterator[KeyModification]:
        for modification in self._ledger.changes.get((self._namespace, key), []):
            yield modification

    def set_event(self, name: str, payload: bytes) -> None:
        if self.event is not None:
            raise ValueError("a transaction sets one event")
        self.event = (name, payload)

    async def invoke(self, namespace: str, function: str, arguments: Sequence[bytes]) -> bytes:
        nested = MemoryStub(self._ledger, self.creator, self.called, namespace, self._root)
        return await dispatch(nested, function, arguments)
