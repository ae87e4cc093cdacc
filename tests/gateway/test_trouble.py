"""The disk full and the files locked under a gateway at work: it says so, nothing is lost, and it goes on."""

from __future__ import annotations

import asyncio
import random
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tests.gateway.test_kill import living, settle
from tests.gateway.victim import Victim

pytestmark = pytest.mark.slow
Trouble = Callable[[Victim], AbstractContextManager[None]]
LASTS = 6.5
"""Seconds: longer than the gateway waits for a lock by itself."""


@contextmanager
def disk_full(victim: Victim) -> Iterator[None]:
    """No file of the process can grow, as on a disk without room."""
    resource.prlimit(victim.pid, resource.RLIMIT_FSIZE, (16_384, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(victim.pid, resource.RLIMIT_FSIZE, unlimited)


def _locked(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def database_locked(victim: Victim) -> Iterator[None]:
    """Another program writes to the database and does not finish."""
    yield from _locked(victim.directory / "gateway.sqlite")


@contextmanager
def ledger_locked(victim: Victim) -> Iterator[None]:
    """Another program, that knows nothing of the ledger's own lock, writes to its file."""
    yield from _locked(victim.directory / "ledger.sqlite")


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (disk_full, "gateway.sqlite cannot be written; check the disk and its free space"),
        (database_locked, "gateway.sqlite is locked by another process; stop"),
        # A transaction waits that long.
        (ledger_locked, ""),
    ],
)
async def test_it_says_so_and_goes_on_afterwards(tmp_path: Path, trouble: Trouble, sentence: str) -> None:
    """Under load; what was acknowledged before, meanwhile and after is there, and the log says what to do."""
    victim = Victim(tmp_path / "state", random.Random(5))
    async with living(victim) as (traffic, client):
        await asyncio.sleep(2)
        with trouble(victim):
            await asyncio.sleep(LASTS)
        traffic.check()
        await asyncio.sleep(2)
        await traffic.promises.check(client)
        await settle(traffic, client)
    said = victim.log.read_text()
    assert "Traceback" not in said
    assert sentence in said
