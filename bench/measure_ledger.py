"""P2: session transactions on the embedded ledger, durable, every signature checked.

512 residents charge at once, each opening, starting and settling one session after the other. Their intents
and readings are signed beforehand; the gateway's proposals are signed as they are made. The reference commits
the same rows to the same tables in groups of 50 transactions, with nothing checked and nothing computed.
"""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from bench.result import Result
from bench.site import Site
from chaincode.signing.transaction import decode_transaction
from network.embedded.store import PAGE_BYTES, SCHEMA

RESIDENTS = 512
ROUNDS = 6
GROUP = 50
TURNS = 3
"""Of the reference, which takes less than a second; the median counts."""
Rows = list[tuple[list[object], list[list[object]]]]
"""For each transaction its row of `entry` with the id, and its rows of `state`."""


def measure() -> list[Result]:
    """Run both."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        site = Site(Path(folder))
        first, transactions, seconds = asyncio.run(_run(site))
        rows = _rows(site.path, first)
        rates = [_commit_rows(Path(folder) / f"reference-{turn}.db", rows) for turn in range(TURNS)]
    return [
        Result(
            id="P2",
            what="session transactions, signatures checked, durable, embedded ledger",
            value=transactions / seconds,
            unit="1/s",
            reference=f"SQLite committing the same rows in groups of {GROUP}",
            reference_value=statistics.median(rates),
            target="ratio at least 0.15",
        )
    ]


async def _run(site: Site) -> tuple[int, int, float]:
    """The first measured block, how many transactions there were, and the seconds they took."""
    async with await site.open() as ledger:
        load = await site.load(ledger, RESIDENTS)
        await load.run(load.sign(1))
        signed = load.sign(ROUNDS)
        first = await ledger.height()
        # The load's own objects are many and stay: Python need not look through them again and again.
        gc.collect()
        gc.freeze()
        begin = time.perf_counter()
        transactions = await load.run(signed)
        return first, transactions, time.perf_counter() - begin


def _rows(path: Path, first: int) -> Rows:
    """What the ledger wrote for each transaction from block `first` on."""
    with closing(sqlite3.connect(path)) as connection:
        entries = connection.execute(
            "SELECT e.version, body, id FROM entry e JOIN transaction_id t USING (version)"
            " WHERE e.version >= ? ORDER BY e.version",
            (first << 16,),
        ).fetchall()
        rows = []
        for version, body, identity in entries:
            record = decode_transaction(body)
            state = [
                [1, write.key.encode(), version, write.offset, write.value and len(write.value)]
                for each in record.sets
                for write in each.writes
            ]
            rows.append(([version, body, identity], state))
    return rows


def _commit_rows(path: Path, rows: Rows) -> float:
    """Transactions that SQLite alone commits a second, synchronous=FULL, in groups."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        for statement in SCHEMA.split(";\n"):
            connection.execute(statement)
        begin = time.perf_counter()
        for start in range(0, len(rows), GROUP):
            group = rows[start : start + GROUP]
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO entry VALUES (?, ?)", [entry[:2] for entry, _ in group])
            connection.executemany(
                "INSERT INTO transaction_id VALUES (?, ?)", [(entry[2], entry[0]) for entry, _ in group]
            )
            connection.executemany(
                "REPLACE INTO state VALUES (?, ?, ?, ?, ?)", [row for _, state in group for row in state]
            )
            connection.execute("COMMIT")
        return len(rows) / (time.perf_counter() - begin)
