"""The ledger's file: blocks, and an index that says where in them each key's newest value is.

World state is no second copy: a row of `state` points at the bytes of the transaction that wrote the key
(`chaincode.signing.transaction`), so state and chain cannot say different things, a key's history costs
nothing to keep, and what a transaction adds is its bytes at the end of one table and a small entry for each
key. SQLite runs in WAL mode with synchronous=FULL: a block whose `append` returned survives a power cut.

One thread appends; any number of `Snapshot`s read meanwhile, each a fixed state of the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from network.embedded.errors import LedgerForeign, explained
from network.embedded.folding import Folding
from network.embedded.lock import FileLock
from network.embedded.snapshot import Snapshot

APPLICATION_ID = 0x43434C31
"""`CCL1` in the SQLite header: this file is a Condocharge ledger."""
FORMAT = 1
SCHEMA = """\
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE signer (id INTEGER PRIMARY KEY, certificate BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE namespace (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE block (
    number INTEGER PRIMARY KEY, header BLOB NOT NULL, signature BLOB NOT NULL, signer INTEGER NOT NULL
) STRICT;
-- version is block * 65536 + index: rows lie in the order of the chain and are never rewritten.
CREATE TABLE entry (version INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE transaction_id (id BLOB PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID, STRICT;
-- length is NULL for a key that was deleted; its version still leads to its history.
CREATE TABLE state (
    namespace INTEGER NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL,
    offset INTEGER NOT NULL, length INTEGER, PRIMARY KEY (namespace, key)
) WITHOUT ROWID, STRICT;
"""
_PAGE_CACHE_KIB = 65_536
PAGE_BYTES = 2_048
"""Half of SQLite's default: the keys of a transaction are spread over the tree, and each costs a page."""
_WAL_LIMIT = 128 << 20
"""Bytes of write-ahead log above which the next block waits for readers, so that the log can start anew."""
_LOG_WAIT_MS = 50
_LOCK_WAIT_MS = 2_000
_CHUNKS = (64, 8, 1)
"""Rows that one statement inserts: SQLite is entered, and Python's lock let go, once for all of them."""
_IDLE_SNAPSHOTS = 8


class StateRow(NamedTuple):
    """Where a key's newest value is."""

    namespace: int
    key: bytes
    version: int
    offset: int
    length: int | None


@dataclass(slots=True)
class BlockRows:
    """What one block adds to the file."""

    number: int
    header: bytes
    signature: bytes
    signer: int
    entries: list[tuple[int, bytes]] = field(default_factory=list)
    """Version and bytes of each transaction."""
    transaction_ids: dict[bytes, int] = field(default_factory=dict)
    """Version by id."""
    state: dict[tuple[int, bytes], StateRow] = field(default_factory=dict)


class Store:
    """An open ledger file."""

    def __init__(self, path: Path, lock: FileLock, writer: sqlite3.Connection) -> None:
        self.path = path
        self._lock = lock
        self._writer = writer
        self._idle: list[Snapshot] = []
        self._namespaces: dict[str, int] = {}
        self._unsaved: dict[str, int] = {}
        """Namespaces used for the first time, not yet in a committed block."""
        self._wal = path.with_name(path.name + "-wal")
        self._folding = Folding(_connect(path))

    @classmethod
    def open(cls, path: Path, channel: str) -> Self:
        """Open the ledger at `path`, or make one where there is no file.

        Raises a `LedgerFileError` that says what to do."""
        lock = FileLock.acquire(path)
        try:
            with explained(path):
                writer = _connect(path)
                _prepare(writer, path, channel)
                store = cls(path, lock, writer)
                store._namespaces = {
                    name: number for number, name in writer.execute("SELECT id, name FROM namespace")
                }
        except BaseException:
            lock.release()
            raise
        return store

    def close(self) -> None:
        """Fold the write-ahead log into the file and let others open it."""
        for snapshot in self._idle:
            snapshot.close()
        self._idle.clear()
        self._folding.close()
        self._writer.close()
        self._lock.release()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The file as its newest block left it, unchanged by later ones until the context ends."""
        snapshot = self.acquire()
        try:
            yield snapshot
        finally:
            self.release(snapshot)

    def acquire(self) -> Snapshot:
        """A snapshot that must be given back with `release`."""
        try:
            snapshot = self._idle.pop()
        except IndexError:
            snapshot = self._new_snapshot()
        snapshot.begin()
        return snapshot

    def release(self, snapshot: Snapshot) -> None:
        """Let go of the state that a snapshot holds on to."""
        snapshot.end()
        if len(self._idle) < _IDLE_SNAPSHOTS:
            self._idle.append(snapshot)
        else:
            snapshot.close()

    def _new_snapshot(self) -> Snapshot:
        with explained(self.path):
            return Snapshot(self.path, _connect(self.path), self._namespaces)

    def namespace(self, name: str) -> int:
        """The number of a namespace in this file; a new name is saved with the next block."""
        number = self._namespaces.get(name)
        if number is None:
            number = len(self._namespaces) + 1
            self._namespaces[name] = self._unsaved[name] = number
        return number

    def signer(self, certificate: bytes) -> int:
        """The number of a block signer's certificate in this file, entered where it is new."""
        with explained(self.path), _transaction(self._writer):
            self._writer.execute("INSERT OR IGNORE INTO signer (certificate) VALUES (?)", (certificate,))
            row = self._writer.execute("SELECT id FROM signer WHERE certificate = ?", (certificate,))
            return int(row.fetchone()[0])

    def append(self, block: BlockRows) -> None:
        """Commit a block durably, whole or not at all. Raises a `LedgerFileError`."""
        with explained(self.path):
            writer = self._writer
            with _transaction(writer):
                writer.executemany(
                    "INSERT INTO namespace (name, id) VALUES (?, ?)", tuple(self._unsaved.items())
                )
                writer.execute(
                    "INSERT INTO block VALUES (?, ?, ?, ?)",
                    (block.number, block.header, block.signature, block.signer),
                )
                _insert(writer, "INSERT INTO entry VALUES ", 2, block.entries)
                # Sorted, so that keys which are neighbours in the file are written one after the other.
                _insert(
                    writer,
                    "INSERT OR IGNORE INTO transaction_id VALUES ",
                    2,
                    sorted(block.transaction_ids.items()),
                )
                _insert(
                    writer,
                    "REPLACE INTO state VALUES ",
                    5,
                    [block.state[place] for place in sorted(block.state)],
                )
            self._unsaved.clear()
        self._folding.written(len(block.entries) * 2 + len(block.state))
        self._shorten_log()

    def _shorten_log(self) -> None:
        """Fold a long write-ahead log into the file, unless a long query still reads from it."""
        # The block is durable by now. Where the disk is too full for this, the next block will say so.
        with suppress(sqlite3.Error, OSError):
            if self._wal.stat().st_size > _WAL_LIMIT:
                self._writer.execute(f"PRAGMA busy_timeout = {_LOG_WAIT_MS}")
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._writer.execute(f"PRAGMA busy_timeout = {_LOCK_WAIT_MS}")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _insert(
    connection: sqlite3.Connection, statement: str, columns: int, rows: Sequence[Iterable[Any]]
) -> None:
    row = f"({', '.join('?' * columns)})"
    done = 0
    for chunk in _CHUNKS:
        sql = statement + ", ".join([row] * chunk)
        while len(rows) - done >= chunk:
            connection.execute(sql, [value for each in rows[done : done + chunk] for value in each])
            done += chunk


def _connect(path: Path) -> sqlite3.Connection:
    """A connection as this module uses it; raises sqlite3.Error.

    Files are read, not mapped: with a million sessions mapping made each look-up twice as slow."""
    connection = sqlite3.connect(
        path, timeout=_LOCK_WAIT_MS / 1000, isolation_level=None, check_same_thread=False
    )
    connection.execute(f"PRAGMA cache_size = -{_PAGE_CACHE_KIB}")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, channel: str) -> None:
    """Set up a writing connection; make the tables in a new file, check what an old one is."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and application != APPLICATION_ID:
        raise LedgerForeign(f"{path} is not a ledger: name another file")
    if not tables:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # `Folding` does it: here it would hold up the commit that happens to be the next one.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT}")
    if not tables:
        _create(connection, channel)
        return
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise LedgerForeign(f"{path} has format {version}; this program reads format {FORMAT}")
    row = connection.execute("SELECT value FROM meta WHERE name = 'channel'").fetchone()
    found = row[0] if row else None
    if found != channel:
        raise LedgerForeign(f"{path} is the ledger of channel {found!r}, not of {channel!r}")


def _create(connection: sqlite3.Connection, channel: str) -> None:
    with _transaction(connection):
        for statement in SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('channel', ?)", (channel,))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
