"""Folds the write-ahead log into the ledger's file beside the commits, so that no block waits for it.

A commit is durable once it is in the log. Folding writes the same pages to their places in the file, which
with many sessions are all over it: left to SQLite it would be done in the middle of some commit.
"""

from __future__ import annotations

import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

_PAGES = 8_000
"""Pages written after which the next folding begins."""


class Folding:
    """A thread with a connection of its own that folds the log now and then."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, "ledger-fold")
        self._running: Future[None] | None = None
        self._pages = 0

    def written(self, pages: int) -> None:
        """Take note of a commit that wrote about as many pages."""
        self._pages += pages
        if self._pages >= _PAGES and (self._running is None or self._running.done()):
            self._pages = 0
            self._running = self._thread.submit(self._fold)

    def close(self) -> None:
        """Wait for a folding that is under way."""
        self._thread.shutdown()
        self._connection.close()

    def _fold(self) -> None:
        # What is in the log is durable. Where the disk is too full for this, the next block will say so.
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
