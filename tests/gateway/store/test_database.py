"""Reads, writes and group commit, on both databases."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, event, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.store.database import Database
from gateway.store.errors import Busy, Damaged, Full, StoreError, Unreachable, WrongVersion
from tests.gateway.postgresql import Cluster

_SCRATCH = MetaData()
_ROWS = Table("rows", _SCRATCH, Column("id", Integer, primary_key=True), Column("value", Integer))


@pytest.fixture
async def store(any_database: Database) -> AsyncIterator[Database]:
    await any_database.write(_SCRATCH.create_all)
    yield any_database


def _add(number: int, value: int = 0) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(insert(_ROWS).values(id=number, value=value))
        return number

    return work


async def _numbers(store: Database) -> list[int]:
    return await store.read(lambda c: list(c.scalars(select(_ROWS.c.id).order_by(_ROWS.c.id))))


async def test_a_write_returns_its_result_and_is_there_to_read(store: Database) -> None:
    """What was awaited is visible to the next read."""
    assert await store.write(_add(1)) == 1
    assert await _numbers(store) == [1]


async def test_many_writers_share_a_transaction(store: Database) -> None:
    """Writes that wait together are committed together, far fewer transactions than writes."""
    commits = 0

    def count(_: Connection) -> None:
        nonlocal commits
        commits += 1

    event.listen(store._writer, "commit", count)
    assert await asyncio.gather(*(store.write(_add(n)) for n in range(200))) == list(range(200))
    assert commits < 10
    assert len(await _numbers(store)) == 200


async def test_one_failing_write_leaves_its_neighbours(store: Database) -> None:
    """In a group, whoever fails hears of it alone, and nothing of its work is written."""

    def fails(connection: Connection) -> None:
        connection.execute(insert(_ROWS).values(id=77))
        raise LookupError("seventy-seven")

    before, failure, after = await asyncio.gather(
        store.write(_add(1)), store.write(fails), store.write(_add(2)), return_exceptions=True
    )
    assert (before, after) == (1, 2)
    assert isinstance(failure, LookupError)
    assert await _numbers(store) == [1, 2]


async def test_a_broken_rule_reaches_the_caller_as_integrity_error(store: Database) -> None:
    """A statement's own fault is not hidden behind a sentence about the database."""
    await store.write(_add(1))
    with pytest.raises(IntegrityError):
        await store.write(_add(1))


async def test_gathered_rows_are_written_by_one_statement(store: Database) -> None:
    """A thousand rows from a thousand coroutines need few calls."""
    calls: list[int] = []

    def work(connection: Connection, rows: Sequence[dict[str, int]]) -> None:
        calls.append(len(rows))
        connection.execute(insert(_ROWS), rows)

    gather = store.gather(work)
    await asyncio.gather(*(gather.put({"id": n, "value": n}) for n in range(1000)))
    assert sum(calls) == 1000 and len(calls) < 10
    assert len(await _numbers(store)) == 1000


async def test_a_gathered_row_that_fails_fails_alone(store: Database) -> None:
    """The other rows of its statement are written all the same."""

    def work(connection: Connection, rows: Sequence[dict[str, int]]) -> None:
        connection.execute(insert(_ROWS), rows)

    gather = store.gather(work)
    puts = [gather.put({"id": n, "value": 0}) for n in (1, 2, 2, 3)]
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert [isinstance(r, IntegrityError) for r in results].count(True) == 1
    assert await _numbers(store) == [1, 2, 3]


async def test_a_reader_cannot_write(store: Database) -> None:
    """A read that writes is an error on both databases, and nothing is written."""
    with pytest.raises((DBAPIError, StoreError)):
        await store.read(_add(1))
    assert await _numbers(store) == []


async def test_two_gateways_do_not_lose_updates(any_url: str) -> None:
    """Read, add one, write, from two processes' worth of connections at once: nothing is lost."""
    first, second = await Database.open(any_url), await Database.open(any_url)
    try:
        await first.write(_SCRATCH.create_all)
        await first.write(_add(1, 0))

        def more(connection: Connection) -> None:
            value = connection.scalars(select(_ROWS.c.value).where(_ROWS.c.id == 1)).one()
            connection.execute(update(_ROWS).values(value=value + 1))

        async def twenty(store: Database) -> None:
            for _ in range(20):
                await store.write(more)

        await asyncio.gather(twenty(first), twenty(second))
        assert await first.read(lambda c: c.scalar(select(_ROWS.c.value))) == 40
    finally:
        await first.close()
        await second.close()


async def test_close_finishes_what_was_asked_and_refuses_more(store: Database) -> None:
    """Stopping loses no write that is under way; later ones get a sentence."""
    writes = [asyncio.ensure_future(store.write(_add(n))) for n in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*writes) == list(range(20))
    with pytest.raises(StoreError, match="is closed"):
        await store.write(_add(99))


async def test_a_cancelled_caller_leaves_the_writer_working(store: Database) -> None:
    """Giving up on one write disturbs no other."""
    doomed = asyncio.ensure_future(store.write(_add(1)))
    await asyncio.sleep(0)
    doomed.cancel()
    assert await store.write(_add(2)) == 2
    assert 2 in await _numbers(store)


async def test_a_locked_database_is_a_sentence(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program that holds the file's lock is named as the reason."""
    monkeypatch.setattr("gateway.store.engine._BUSY_MS", 50)
    store = await Database.open(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match="locked by another process; stop"):
            await store.write(_SCRATCH.create_all)
        other.execute("ROLLBACK")
        await store.write(_SCRATCH.create_all)
    finally:
        other.close()
        await store.close()


async def test_a_full_disk_is_a_sentence(sqlite_url: str) -> None:
    """A write that finds no room writes nothing, says so, and goes on when there is room again."""
    store = await Database.open(sqlite_url)
    try:
        await store.write(_SCRATCH.create_all)

        def fill(connection: Connection) -> None:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            connection.execute(insert(_ROWS), [{"id": n, "value": n} for n in range(100_000)])

        with pytest.raises(Full, match="is full; free some space"):
            await store.write(fill)
        await store.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1000000").fetchall())
        assert await store.read(lambda c: c.scalar(select(func.count()).select_from(_ROWS))) == 0
    finally:
        await store.close()


async def test_a_directory_that_is_missing_is_a_sentence(tmp_path: Path) -> None:
    """The place is named."""
    with pytest.raises(Unreachable, match=r"nowhere/x\.sqlite cannot be opened"):
        await Database.open(f"sqlite:///{tmp_path}/nowhere/x.sqlite")


async def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    """A text file is not overwritten."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear neighbours, " * 100)
    with pytest.raises(Damaged, match="is not a database"):
        await Database.open(f"sqlite:///{path}")
    assert path.read_text().startswith("Dear neighbours")


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///:memory:", "mysql://h/d", "gibberish"])
async def test_other_urls_are_refused(url: str) -> None:
    """Only the two databases that are tested are accepted."""
    with pytest.raises(ValueError, match=r"sqlite|names a file"):
        await Database.open(url)


async def test_a_newer_schema_is_refused(sqlite_url: str) -> None:
    """An older program does not touch a newer program's database."""
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        connection.execute("INSERT INTO alembic_version VALUES ('access_9999')")
    with pytest.raises(WrongVersion, match="newer version"):
        await Database.open(sqlite_url)


@pytest.mark.postgresql
async def test_a_server_that_stops_and_starts_again(postgresql_cluster: Cluster, postgresql_url: str) -> None:
    """A stopped server is a sentence without the password; afterwards the gateway goes on by itself."""
    store = await Database.open(postgresql_url.replace("@", ":hidden@"))
    try:
        await store.write(_SCRATCH.create_all)
        postgresql_cluster.stop()
        try:
            with pytest.raises(Unreachable, match="does not answer") as caught:
                await store.write(_add(1))
            assert "hidden" not in str(caught.value)
            with pytest.raises(Unreachable):
                await _numbers(store)
        finally:
            postgresql_cluster.start()
        await store.write(_add(2))
        assert await _numbers(store) == [2]
    finally:
        await store.close()


@pytest.mark.postgresql
async def test_an_unknown_database_is_a_sentence(postgresql_cluster: Cluster) -> None:
    """The sentence says what to check."""
    with pytest.raises(Unreachable, match="check"):
        await Database.open(postgresql_cluster.url("nobody_made_this"))


async def test_statements_see_a_consistent_snapshot(store: Database) -> None:
    """Two selects of one read agree, whatever is written between them."""
    await store.write(_add(1))
    loop = asyncio.get_running_loop()

    def twice(connection: Connection) -> tuple[int, int]:
        before = connection.scalar(text("SELECT count(*) FROM rows"))
        asyncio.run_coroutine_threadsafe(store.write(_add(2)), loop).result(10)
        return before, connection.scalar(text("SELECT count(*) FROM rows"))

    assert await store.read(twice) == (1, 1)
    assert await _numbers(store) == [1, 2]
