"""Folding the write-ahead log into the ledger's file."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from network.embedded.folding import _PAGES, Folding


@pytest.mark.parametrize(("pages", "rows"), [(_PAGES - 1, 0), (_PAGES, 1)])
def test_the_file_alone_holds_what_was_folded(tmp_path: Path, pages: int, rows: int) -> None:
    """Once enough has been written, a copy of the file without its log has the row."""
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("CREATE TABLE kept (value INTEGER)")
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        folding = Folding(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            writer.execute("INSERT INTO kept VALUES (1)")
            folding.written(pages)
            folding.close()
            copy = shutil.copy(path, tmp_path / "copy.db")
            assert reader.execute("SELECT count(*) FROM kept").fetchone() == (1,)
    with closing(sqlite3.connect(copy)) as copied:
        assert copied.execute("SELECT count(*) FROM kept").fetchone() == (rows,)
