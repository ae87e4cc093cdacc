"""Whatever is altered in a ledger's file, opening it says which block is wrong."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaincode.signing.transaction import decode_transaction
from network.authority import Authority
from network.embedded.errors import LedgerAltered, LedgerFileError
from network.embedded.store import Store
from network.embedded.verification import verify
from network.identity import Identity
from tests.network.embedded.conftest import AURORA, BOREAL, CHANNEL, Site

BLOCKS = 8


@dataclass
class Copy:
    """A ledger's file to be altered, and what it takes to check it."""

    path: Path
    root: bytes

    def alter(self, statement: str, *values: Any) -> None:
        """Change the file behind the ledger's back."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            changed = connection.execute(statement, values).rowcount
            assert changed > 0, "the test alters nothing"

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            return connection.execute(query).fetchall()

    def writers(self) -> dict[tuple[int, bytes], set[int]]:
        """The blocks that wrote each key, by namespace (its number in the file) and key."""
        numbers = {name: number for number, name in self.rows("SELECT id, name FROM namespace")}
        blocks: dict[tuple[int, bytes], set[int]] = {}
        for version, body in self.rows("SELECT version, body FROM entry"):
            for each in decode_transaction(body).sets:
                for write in each.writes:
                    blocks.setdefault((numbers[each.namespace], write.key.encode()), set()).add(version >> 16)
        return blocks

    def check(self, transactions: int | None = None) -> int:
        """Verify; how many transactions were read."""
        store = Store.open(self.path, CHANNEL)
        try:
            return verify(store, CHANNEL, self.root, transactions).transactions
        finally:
            store.close()

    def wrong_block(self, transactions: int | None = None) -> int:
        """The block that verifying names."""
        with pytest.raises(LedgerAltered) as caught:
            self.check(transactions)
        assert f"block {caught.value.block} of" in str(caught.value)
        return caught.value.block


@pytest.fixture(scope="module")
def original(
    tmp_path_factory: pytest.TempPathFactory,
    authorities: tuple[Authority, Authority],
    identities: tuple[Identity, Identity, Identity],
) -> Path:
    """A ledger of eight blocks with conflicts, deletions, events and calls into another namespace."""
    site = Site(tmp_path_factory.mktemp("original") / "ledger.db", *authorities, *identities)

    async def fill() -> None:
        async with await site.open() as ledger:
            for number in range(BLOCKS):
                calls = [
                    ("add", [f"a{number % 3}", "1"]),
                    ("add", [f"a{number % 3}", "2"]),
                    ("put", [f"p/{number}", "x" * 40]),
                    ("relay", [BOREAL, "add", f"b{number}", "1"]),
                    ("delete", [f"p/{number - 1}"]),
                ]
                await asyncio.gather(
                    *(
                        ledger.submit(AURORA, name, [a.encode() for a in arguments])
                        for name, arguments in calls
                    ),
                    return_exceptions=True,
                )
            assert await ledger.height() == BLOCKS

    asyncio.run(fill())
    return site.path


@pytest.fixture
def copy(original: Path, tmp_path: Path, authorities: tuple[Authority, Authority]) -> Copy:
    """A copy of that ledger."""
    path = tmp_path / "ledger.db"
    shutil.copy(original, path)
    return Copy(path, authorities[0].root)


def test_an_unaltered_file_is_in_order(copy: Copy) -> None:
    """All is read, and nothing is found."""
    assert copy.check() == 5 * BLOCKS


def test_a_part_is_read_from_the_end(copy: Copy) -> None:
    """The newest transactions, in whole blocks."""
    assert copy.check(transactions=7) == 10
    assert copy.check(transactions=0) == 0


def flips(data: bytes, every: int) -> Iterator[bytes]:
    """`data` with one bit changed, at every so manieth byte."""
    for place in range(0, len(data), every):
        yield data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


@pytest.mark.parametrize(("column", "every"), [("header", 3), ("signature", 5)])
def test_any_byte_of_a_header(copy: Copy, column: str, every: int) -> None:
    """Altered headers and signatures are found and named."""
    for number, value in copy.rows(
        f"SELECT number, {column} FROM block WHERE number IN (0, 3, {BLOCKS - 1})"
    ):
        for altered in flips(value, every):
            copy.alter(f"UPDATE block SET {column} = ? WHERE number = ?", altered, number)
            assert copy.wrong_block() == number
        copy.alter(f"UPDATE block SET {column} = ? WHERE number = ?", value, number)
    assert copy.check() == 5 * BLOCKS


def test_any_byte_of_a_transaction(copy: Copy) -> None:
    """Altered proposals, results, read-write sets and validation codes are found and named."""
    for version, body in copy.rows(
        f"SELECT version, body FROM entry WHERE version >> 16 IN (2, {BLOCKS - 1})"
    ):
        for altered in flips(body, 97):
            copy.alter("UPDATE entry SET body = ? WHERE version = ?", altered, version)
            assert copy.wrong_block() == version >> 16
        copy.alter("UPDATE entry SET body = ? WHERE version = ?", body, version)
    assert copy.check() == 5 * BLOCKS


@pytest.mark.slow
def test_any_row_of_state(copy: Copy) -> None:
    """A row that is gone, points elsewhere or is about another key is laid to the block that wrote it."""
    rows = copy.rows("SELECT namespace, key, version, offset, length FROM state")
    assert len(rows) > 10
    writers = copy.writers()
    for namespace, key, version, offset, length in rows:
        for column, value in (
            ("offset", offset + 1),
            ("length", None if length else 3),
            ("version", version - 1),
            ("key", key + b"x"),
            ("namespace", 3 - namespace),
        ):
            place = "namespace = ? AND key = ?"
            copy.alter(f"UPDATE state SET {column} = ? WHERE {place}", value, namespace, key)
            # Where the row is not found, which of the key's writes it led to is gone with it.
            found = column in {"offset", "length", "version"}
            assert copy.wrong_block() in ({version >> 16} if found else writers[namespace, key])
            copy.alter(
                f"DELETE FROM state WHERE version = ? AND {place}",
                *_moved(namespace, key, version, column, value),
            )
            assert copy.wrong_block() in writers[namespace, key]
            copy.alter("INSERT INTO state VALUES (?, ?, ?, ?, ?)", namespace, key, version, offset, length)
    assert copy.check() == 5 * BLOCKS


def _moved(namespace: int, key: bytes, version: int, column: str, value: Any) -> tuple[Any, ...]:
    """Where the altered row of state is."""
    row = {"version": version, "namespace": namespace, "key": key}
    if column in row:
        row[column] = value
    return row["version"], row["namespace"], row["key"]


def test_a_row_of_state_that_nobody_wrote(copy: Copy) -> None:
    """An invented key is found by counting, and laid to the block that it claims."""
    copy.alter("INSERT INTO state VALUES (1, ?, ?, 10, 5)", b"\0kv\0invented\0", 4 << 16)
    assert copy.wrong_block() == 4


def test_any_row_of_the_index_of_ids(copy: Copy) -> None:
    """A transaction that its id does not lead to is found and named; so is an id of nobody's."""
    for identity, version in copy.rows("SELECT id, version FROM transaction_id"):
        copy.alter("UPDATE transaction_id SET version = version + 1 WHERE id = ?", identity)
        assert copy.wrong_block() == version >> 16
        copy.alter("DELETE FROM transaction_id WHERE id = ?", identity)
        assert copy.wrong_block() == version >> 16
        copy.alter("INSERT INTO transaction_id VALUES (?, ?)", identity, version)
    copy.alter("INSERT INTO transaction_id VALUES (?, ?)", bytes(32), 5 << 16)
    assert copy.wrong_block() == 5


@pytest.mark.parametrize("number", [0, 3, BLOCKS - 2])
def test_a_missing_block(copy: Copy, number: int) -> None:
    """Neither a header nor a transaction can be taken out."""
    [(header, signature, signer)] = copy.rows(
        f"SELECT header, signature, signer FROM block WHERE number = {number}"
    )
    copy.alter("DELETE FROM block WHERE number = ?", number)
    assert copy.wrong_block() == number
    copy.alter("INSERT INTO block VALUES (?, ?, ?, ?)", number, header, signature, signer)
    copy.alter("DELETE FROM entry WHERE version = ?", number << 16 | 2)
    assert copy.wrong_block() == number


def test_a_cut_off_end(copy: Copy) -> None:
    """Taking the last header away leaves its transactions to tell."""
    copy.alter("DELETE FROM block WHERE number = ?", BLOCKS - 1)
    assert copy.wrong_block() == BLOCKS - 1
    copy.alter("DELETE FROM entry WHERE version >= ?", (BLOCKS - 1) << 16)
    # State still shows what the block did.
    assert copy.wrong_block() == BLOCKS - 1


def test_a_transaction_too_many(copy: Copy) -> None:
    """Nothing can be added to a block."""
    copy.alter("INSERT INTO entry SELECT version + 9, body FROM entry WHERE version = ?", 3 << 16)
    assert copy.wrong_block() == 3


def test_another_signer(copy: Copy, authorities: tuple[Authority, Authority]) -> None:
    """Blocks signed by anybody but a ledger of the condominium are refused, from the first on."""
    aurora, boreal = authorities
    for impostor in (aurora.issue("gateway", "gateway"), boreal.issue("ledger", "ledger")):
        copy.alter("UPDATE signer SET certificate = ?", impostor.certificate)
        assert copy.wrong_block() == 0
    copy.alter("UPDATE signer SET certificate = x'00'")
    assert copy.wrong_block() == 0
    copy.alter("UPDATE block SET signer = 9 WHERE number = 4")
    assert copy.wrong_block() == 0


def test_renamed_namespaces(copy: Copy) -> None:
    """What was written in one namespace cannot be passed off as another's."""
    copy.alter("UPDATE namespace SET name = 'condocharge-zephyr' WHERE name = ?", AURORA)
    assert copy.wrong_block() == 0


def test_what_opening_checks(copy: Copy) -> None:
    """All headers always; transactions and state of the newest ones, as many as are asked for."""
    header = copy.rows("SELECT header FROM block WHERE number = 1")[0][0]
    copy.alter("UPDATE block SET header = ? WHERE number = 1", header[:-1] + b"\7")
    assert copy.wrong_block(transactions=0) == 1
    copy.alter("UPDATE block SET header = ? WHERE number = 1", header)
    copy.alter("UPDATE entry SET body = x'00' WHERE version = ?", 6 << 16)
    assert copy.check(transactions=5) == 5
    assert copy.wrong_block(transactions=10) == 6


async def test_opening_refuses_an_altered_file(copy: Copy, site: Site) -> None:
    """The error comes out of `open`, and the file can be opened again once it is whole."""
    body = copy.rows("SELECT body FROM entry WHERE version = 65536")[0][0]
    copy.alter("UPDATE entry SET body = x'00' WHERE version = 65536")
    with pytest.raises(LedgerAltered, match=r"block 1 of .* go on with a backup"):
        await site.open(path=copy.path)
    copy.alter("UPDATE entry SET body = ? WHERE version = 65536", body)
    async with await site.open(path=copy.path) as ledger:
        assert await ledger.height() == BLOCKS


def test_a_damaged_disk(copy: Copy) -> None:
    """Bytes of the file itself that have changed are found, or were of no account; nothing else happens."""
    content = copy.path.read_bytes()
    found = 0
    for place in range(100, len(content), 797):
        copy.path.write_bytes(content[:place] + bytes((content[place] ^ 0xFF,)) + content[place + 1 :])
        try:
            assert copy.check() == 5 * BLOCKS
        except LedgerFileError:
            found += 1
    assert found > 20
