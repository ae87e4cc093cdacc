"""The cache that submitted transactions read through."""

from __future__ import annotations

from pathlib import Path

from network.embedded.cache import StateCache
from network.embedded.snapshot import Value
from network.embedded.store import Store
from network.embedded.view import NEVER_WRITTEN, View
from tests.network.embedded.conftest import AURORA, CHANNEL


def test_a_view_that_outlived_a_block_fills_no_cache(tmp_path: Path) -> None:
    """What was read from the file is remembered only while it is the newest state."""
    store, cache, height = Store.open(tmp_path / "ledger.db", CHANNEL), StateCache(), [7]
    with View(store, cache, lambda: height[0]) as view:
        assert view.get(AURORA, "young") == NEVER_WRITTEN
        assert cache.get(AURORA, "young") == NEVER_WRITTEN
        height[0] = 8
        assert view.get(AURORA, "old") == NEVER_WRITTEN
        assert cache.get(AURORA, "old") is None
    store.close()


def test_a_full_cache_forgets_what_came_first() -> None:
    """Its size is bounded, and putting a key again makes it the newest."""
    cache = StateCache(capacity=1_000)
    for name in ("a", "b", "a", "c", "d"):
        cache.put(AURORA, name, Value(1, b"x" * 100))
    assert [cache.get(AURORA, name) is not None for name in "abcd"] == [True, False, True, True]
