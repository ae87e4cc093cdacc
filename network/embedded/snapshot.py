"""A fixed state of the ledger's file, for reading."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from network.embedded.errors import LedgerAltered

# The join is an outer one so that a row of state that points nowhere is an error, not an absent key.
_FROM = " FROM state s LEFT JOIN entry e ON e.version = s.version WHERE s.namespace = ?"
_GET = f"SELECT s.version, s.length, substr(e.body, s.offset + 1, s.length){_FROM} AND s.key = ?"
_RANGE = (
    f"SELECT s.key, s.version, s.length, substr(e.body, s.offset + 1, s.length){_FROM}"
    " AND s.key >= ? AND s.key < ? AND s.length IS NOT NULL ORDER BY s.key LIMIT ?"
)
BLOCK_SHIFT = 16
"""A version is `block << BLOCK_SHIFT | index`."""


class Value(NamedTuple):
    """What a key's newest write left: `value` is None where that was a deletion."""

    version: int
    value: bytes | None


class BlockRow(NamedTuple):
    """A block's header as it is in the file."""

    number: int
    header: bytes
    signature: bytes
    signer: int


class Snapshot:
    """Reads one state of the file. Not to be used by two threads at once.

    Raises sqlite3.Error, and LedgerAltered where a value is not where state says."""

    def __init__(self, path: Path, connection: sqlite3.Connection, namespaces: Mapping[str, int]) -> None:
        self._path = path
        self._connection = connection
        self._namespaces = namespaces

    def begin(self) -> None:
        """Hold on to the state of this moment (of the first read, to be exact)."""
        self._connection.execute("BEGIN")

    def end(self) -> None:
        """Let go of it."""
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def get(self, namespace: str, key: str) -> Value | None:
        """The newest value of a key, None where it was never written."""
        row = self._connection.execute(_GET, (self._namespaces.get(namespace), key.encode())).fetchone()
        if row is None:
            return None
        version, length, value = row
        return Value(version, None if length is None else self._checked(version, length, value))

    def range(self, namespace: str, start: str, end: str, limit: int) -> list[tuple[str, int, bytes]]:
        """Key, version and value of the first `limit` keys from `start` up to and without `end`."""
        rows = self._connection.execute(
            _RANGE, (self._namespaces.get(namespace), start.encode(), end.encode(), limit)
        )
        return [
            (key.decode(), version, self._checked(version, length, value))
            for key, version, length, value in rows
        ]

    def _checked(self, version: int, length: int, value: bytes | None) -> bytes:
        if value is None or len(value) != length:
            raise LedgerAltered(self._path, version >> BLOCK_SHIFT, "a value in state points outside it")
        return value

    def versions(self, namespace: str, start: str, end: str) -> list[tuple[str, int]]:
        """Key and version of everything from `start` up to and without `end`."""
        rows = self._connection.execute(
            "SELECT key, version FROM state"
            " WHERE namespace = ? AND key >= ? AND key < ? AND length IS NOT NULL ORDER BY key",
            (self._namespaces.get(namespace), start.encode(), end.encode()),
        )
        return [(key.decode(), version) for key, version in rows]

    def body(self, version: int) -> bytes | None:
        """The bytes of the transaction with this version."""
        row = self._connection.execute("SELECT body FROM entry WHERE version = ?", (version,)).fetchone()
        return None if row is None else bytes(row[0])

    def bodies(self, block: int) -> list[bytes]:
        """The bytes of a block's transactions, in order."""
        rows = self._connection.execute(
            "SELECT body FROM entry WHERE version >= ? AND version < ? ORDER BY version",
            (block << BLOCK_SHIFT, (block + 1) << BLOCK_SHIFT),
        )
        return [row[0] for row in rows]

    def find(self, transaction_id: str) -> int | None:
        """The version of a transaction, None where it is not on the ledger."""
        row = self._connection.execute(
            "SELECT version FROM transaction_id WHERE id = ?", (bytes.fromhex(transaction_id),)
        ).fetchone()
        return None if row is None else int(row[0])

    def height(self) -> int:
        """How many blocks there are."""
        row = self._connection.execute("SELECT max(number) FROM block").fetchone()
        return 0 if row[0] is None else row[0] + 1

    def block(self, number: int) -> BlockRow | None:
        """A block's row."""
        return next(self.blocks(number, number + 1), None)

    def blocks(self, start: int, end: int) -> Iterator[BlockRow]:
        """The rows of blocks `start` up to and without `end`, in order."""
        rows = self._connection.execute(
            "SELECT number, header, signature, signer FROM block"
            " WHERE number >= ? AND number < ? ORDER BY number",
            (start, end),
        )
        return (BlockRow(*row) for row in rows)

    def signer(self, number: int) -> bytes | None:
        """A block signer's certificate, PEM."""
        row = self._connection.execute("SELECT certificate FROM signer WHERE id = ?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def last_version(self) -> int:
        """The version of the newest transaction, -1 where there is none."""
        row = self._connection.execute("SELECT max(version) FROM entry").fetchone()
        return -1 if row[0] is None else int(row[0])

    def place(self, namespace: str, key: str) -> tuple[int, int, int | None] | None:
        """Where state says that the newest value of a key is: version, offset and length."""
        row: tuple[int, int, int | None] | None = self._connection.execute(
            "SELECT version, offset, length FROM state WHERE namespace = ? AND key = ?",
            (self._namespaces.get(namespace), key.encode()),
        ).fetchone()
        return row

    def places(self) -> Iterator[tuple[int, bytes]]:
        """Version and key of every row of state."""
        return iter(self._connection.execute("SELECT version, key FROM state"))

    def identities(self) -> Iterator[tuple[bytes, int]]:
        """Id and version of every row of the index of transaction ids."""
        return iter(self._connection.execute("SELECT id, version FROM transaction_id"))

    def counts(self) -> tuple[int, int]:
        """How many rows state and the index of transaction ids have."""
        row = self._connection.execute(
            "SELECT (SELECT count(*) FROM state), (SELECT count(*) FROM transaction_id)"
        ).fetchone()
        return row[0], row[1]
