"""The ledger's file: restarts, and what is said when it cannot be used."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from network.embedded.errors import LedgerForeign, LedgerFull, LedgerLocked, LedgerMissing
from network.embedded.store import Store
from network.ledger import SubmitError
from tests.network.embedded.conftest import AURORA, BOREAL, CHANNEL, Site


async def test_state_survives_a_restart(site: Site) -> None:
    """Values, history, events, blocks and namespaces are there again, and the chain goes on."""
    async with await site.open() as ledger:
        await ledger.submit(AURORA, "add_and_announce", [b"a", b"1"])
        await ledger.submit(AURORA, "relay", [BOREAL.encode(), b"add", b"b", b"2"])
        last = (await ledger.block(1)).hash
    async with await site.open(checked=None) as ledger:
        assert await ledger.evaluate(AURORA, "get", [b"a"]) == b'"1"'
        assert await ledger.evaluate(BOREAL, "get", [b"b"]) == b'"2"'
        await ledger.submit(AURORA, "add_and_announce", [b"a", b"1"])
        block = await ledger.block(2)
        assert block.previous_hash == last
        [(read,)] = [each.reads for each in block.transactions[0].read_write_sets]
        assert read.version == (0, 0)
        payloads = []
        async for event in ledger.events(0):
            payloads.append(event.payload)
            if len(payloads) == 3:
                break
        assert payloads == [b"a=1", BOREAL.encode(), b"a=2"]


@pytest.mark.slow
async def test_a_second_opening_is_refused(site: Site) -> None:
    """One process, once; the sentence names the process that has it."""
    async with await site.open():
        with pytest.raises(LedgerLocked, match=f"pid {os.getpid()}"):
            await site.open()
    async with await site.open():
        pass


@pytest.mark.slow
def test_another_process_is_refused(tmp_path: Path) -> None:
    """The lock holds between processes and ends with the process that has it."""
    path = tmp_path / "ledger.db"
    code = (
        "import sys; from pathlib import Path; from network.embedded.store import Store\n"
        f"Store.open(Path(sys.argv[1]), {CHANNEL!r}); print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(LedgerLocked, match=f"pid {holder.pid}"):
            Store.open(path, CHANNEL)
    finally:
        holder.kill()
        holder.communicate()
    Store.open(path, CHANNEL).close()


async def test_a_missing_directory(site: Site, tmp_path: Path) -> None:
    """The sentence says what to check."""
    with pytest.raises(LedgerMissing, match="check that its directory exists"):
        await site.open(path=tmp_path / "nowhere" / "ledger.db")


async def test_files_that_are_no_ledgers(site: Site, tmp_path: Path) -> None:
    """Text, another program's database, another channel and a later format are told apart, and kept."""
    text = tmp_path / "text.db"
    text.write_bytes(b"not a database, but long enough to be looked at " * 100)
    with pytest.raises(LedgerForeign, match="name another file"):
        await site.open(path=text)
    assert text.read_bytes().startswith(b"not a database")
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE t (a)")
    with pytest.raises(LedgerForeign, match="is not a ledger"):
        await site.open(path=other)
    async with await site.open():
        pass
    with pytest.raises(LedgerForeign, match="channel 'testing', not of 'another'"):
        await site.open(channel="another")
    with closing(sqlite3.connect(site.path)) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(LedgerForeign, match="format 9"):
        await site.open()


@pytest.mark.slow
async def test_a_database_locked_by_another_program(site: Site) -> None:
    """The submitter hears why; when the lock is gone the ledger goes on where it was."""
    async with await site.open() as ledger:
        await ledger.submit(AURORA, "add", [b"a", b"1"])
        with closing(sqlite3.connect(site.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(SubmitError, match="locked by another program"):
                await ledger.submit(AURORA, "add", [b"a", b"1"])
            other.execute("ROLLBACK")
        await ledger.submit(AURORA, "add", [b"a", b"1"])
        assert await ledger.evaluate(AURORA, "get", [b"a"]) == b'"2"'
        assert (await ledger.verify()).height == 2


async def test_a_full_disk(site: Site) -> None:
    """Whoever submitted hears what to do; nothing is half written; with room again it goes on."""
    async with await site.open() as ledger:
        await ledger.submit(BOREAL, "add", [b"a", b"1"])
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, unlimited[1]))
        try:
            outcomes = await asyncio.gather(
                *(ledger.submit(AURORA, "put", [b"k%d" % i, b"x" * 60_000]) for i in range(4)),
                return_exceptions=True,
            )
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        for outcome in outcomes:
            assert isinstance(outcome, SubmitError)
            assert isinstance(outcome.__cause__, LedgerFull)
            assert "check the disk" in str(outcome) or "free some space" in str(outcome)
        assert await ledger.height() == 1
        await ledger.submit(AURORA, "add", [b"a", b"1"])
        assert (await ledger.verify()).transactions == 2
    async with await site.open(checked=None) as ledger:
        assert await ledger.evaluate(AURORA, "get", [b"a"]) == b'"1"'


async def test_a_long_query_delays_only_the_logs_folding(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody reads an old state blocks are committed all the same; later the log starts anew."""
    monkeypatch.setattr("network.embedded.store._WAL_LIMIT", 0)
    log = site.path.with_name(site.path.name + "-wal")
    async with await site.open() as ledger:
        await ledger.submit(AURORA, "add", [b"a", b"1"])
        assert log.stat().st_size == 0
        with closing(sqlite3.connect(site.path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM block").fetchone() == (1,)
            await ledger.submit(AURORA, "add", [b"a", b"1"])
            assert reader.execute("SELECT count(*) FROM block").fetchone() == (1,)
            assert log.stat().st_size > 0
        await ledger.submit(AURORA, "add", [b"a", b"1"])
        assert log.stat().st_size == 0
        assert await ledger.evaluate(AURORA, "get", [b"a"]) == b'"3"'


def test_sqlite_is_told_to_be_durable(tmp_path: Path) -> None:
    """Write-ahead log, and a flush to the disk at each commit."""
    store = Store.open(tmp_path / "ledger.db", CHANNEL)
    settings = [
        store._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
    ]
    store.close()
    assert settings == ["wal", 2]
