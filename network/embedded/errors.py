"""Why a ledger's file cannot be used.

::

    network.ledger.LedgerError
    └── LedgerFileError     each sentence says what to do
        ├── LedgerMissing   no ledger there, and none can be made
        ├── LedgerLocked    another process has it open, or locked its database
        ├── LedgerFull      the disk has no room, or refuses to be written
        ├── LedgerForeign   the file is no ledger, or one of another version, channel or condominium
        └── LedgerAltered   what is in the file is not what was committed; names the block
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from network.ledger import LedgerError


class LedgerFileError(LedgerError):
    """A ledger's file cannot be used."""


class LedgerMissing(LedgerFileError):
    """There is no ledger at that place and none can be made there."""


class LedgerLocked(LedgerFileError):
    """Another process has the ledger open."""


class LedgerFull(LedgerFileError):
    """The disk cannot take what must be written."""


class LedgerForeign(LedgerFileError):
    """The file is not a ledger of this version, channel and condominium."""


class LedgerAltered(LedgerFileError):
    """What is in the file is not what was committed; `block` is the first block that shows it."""

    def __init__(self, path: Path, block: int, what: str) -> None:
        super().__init__(
            f"block {block} of {path} is not as it was committed: {what}. "
            "Keep the file as evidence and go on with a backup."
        )
        self.block = block
        self.what = what


_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PRIMARY_CODE = 0xFF
"""SQLite's extended result codes hold the primary one in their lowest byte."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite raises about the file at `path` into a `LedgerFileError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(path, error) from error
    except UnicodeDecodeError as error:
        # Python's SQLite module fails so where the damage is in the text of SQLite's own message.
        raise LedgerFileError(f"{path} is damaged: go on with a backup") from error


def explain(path: Path, error: sqlite3.Error) -> LedgerFileError:
    """The `LedgerFileError` that says in a sentence what SQLite's error means for the file at `path`."""
    # Python's own errors (a closed connection) carry no code.
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    if code in _LOCKED:
        return LedgerLocked(f"{path} is locked by another program: close that program and try again")
    if code == sqlite3.SQLITE_FULL:
        return LedgerFull(f"the disk with {path} is full: free some space; nothing was half written")
    if code in _FULL:
        return LedgerFull(f"{path} cannot be written ({error}): check the disk and the file's permissions")
    if code == sqlite3.SQLITE_CANTOPEN:
        return LedgerMissing(f"{path} cannot be opened: check that its directory exists and can be written")
    if code == sqlite3.SQLITE_NOTADB:
        return LedgerForeign(f"{path} is not a ledger: name another file")
    return LedgerFileError(f"{path} is damaged ({error}): go on with a backup")
