"""The durable state as one transaction sees it while it is simulated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from chaincode.signing.transaction import ABSENT
from network.embedded.cache import StateCache
from network.embedded.snapshot import Snapshot, Value
from network.embedded.store import Store

NEVER_WRITTEN = Value(ABSENT, None)


class View:
    """Reads from a cache where there is one, else from a snapshot, which is taken when first needed."""

    def __init__(self, store: Store, cache: StateCache | None, height: Callable[[], int]) -> None:
        """`height` gives the number of durable blocks at each moment."""
        self._store = store
        self._cache = cache
        self._height = height
        self._began = height()
        self._snapshot: Snapshot | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._snapshot is not None:
            self._store.release(self._snapshot)

    def snapshot(self) -> Snapshot:
        """The fixed state that this view reads from."""
        if self._snapshot is None:
            self._snapshot = self._store.acquire()
        return self._snapshot

    def get(self, namespace: str, key: str) -> Value:
        """The newest value of a key."""
        cache = self._cache
        value = None if cache is None else cache.get(namespace, key)
        if value is None:
            value = self.snapshot().get(namespace, key) or NEVER_WRITTEN
            # A view that has outlived a block may see what that block has replaced.
            if cache is not None and self._began == self._height():
                cache.put(namespace, key, value)
        return value
