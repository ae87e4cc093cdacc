"""A part of a namespace that looks like a whole one, so that many tests can share a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from chaincode.stub import SEPARATOR, Creator, Entry, KeyModification, Page, Stub


class ScopedStub(Stub):
    """A stub whose keys all lie under `scope`, also in the namespaces that it calls."""

    def __init__(self, stub: Stub, scope: str) -> None:
        self._stub = stub
        self._scope = scope

    @property
    def channel(self) -> str:
        """See `Stub`."""
        return self._stub.channel

    @property
    def transaction_id(self) -> str:
        """See `Stub`."""
        return self._stub.transaction_id

    @property
    def timestamp(self) -> int:
        """See `Stub`."""
        return self._stub.timestamp

    @property
    def creator(self) -> Creator:
        """See `Stub`."""
        return self._stub.creator

    @property
    def called(self) -> str:
        """See `Stub`."""
        return self._stub.called

    async def get(self, key: str) -> bytes | None:
        """See `Stub`."""
        return await self._stub.get(self._inside(key))

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """See `Stub`."""
        return await self._stub.get_many([self._inside(key) for key in keys])

    async def put(self, key: str, value: bytes) -> None:
        """See `Stub`."""
        await self._stub.put(self._inside(key), value)

    async def delete(self, key: str) -> None:
        """See `Stub`."""
        await self._stub.delete(self._inside(key))

    async def range(self, prefix: str) -> AsyncIterator[Entry]:
        """See `Stub`."""
        async for entry in self._stub.range(self._inside(prefix)):
            yield Entry(self._outside(entry.key), entry.value)

    async def page(self, prefix: str, size: int, bookmark: str = "") -> Page:
        """See `Stub`."""
        inside = self._inside(bookmark) if bookmark else ""
        page = await self._stub.page(self._inside(prefix), size, inside)
        entries = tuple(Entry(self._outside(entry.key), entry.value) for entry in page.entries)
        return Page(entries, self._outside(page.bookmark) if page.bookmark else "")

    async def history(self, key: str) -> AsyncIterator[KeyModification]:
        """See `Stub`."""
        async for modification in self._stub.history(self._inside(key)):
            yield modification

    def set_event(self, name: str, payload: bytes) -> None:
        """See `Stub`."""
        self._stub.set_event(name, payload)

    async def invoke(self, namespace: str, function: str, arguments: Sequence[bytes]) -> bytes:
        """See `Stub`."""
        return await self._stub.invoke(namespace, f"{self._scope}!{function}", arguments)

    def _inside(self, key: str) -> str:
        return f"{SEPARATOR}{self._scope}{SEPARATOR}{key}"

    def _outside(self, key: str) -> str:
        return key.removeprefix(f"{SEPARATOR}{self._scope}{SEPARATOR}")
