"""P7: session transactions a second with a million sessions in the state, against a thousand.

Both ledgers are filled with copies of a settled session (`bench.population`) and then take the load of P2.
`BENCH_SESSIONS` sets another number than a million.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench.population import Population, Template, last_session
from bench.result import Result
from bench.site import Site

RESIDENTS = 512
ROUNDS = 2
TURNS = 5
FEW = 1_000
MANY = int(os.environ.get("BENCH_SESSIONS", "1000000"))


def measure() -> list[Result]:
    """Fill both ledgers, then load them by turns, so that whatever else the machine does hits both."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        template, few, many = (Site(_made(Path(folder) / name)) for name in ("template", "few", "many"))
        asyncio.run(_run_one(template))
        session = last_session(template)
        for site, sessions in ((few, FEW), (many, MANY)):
            _fill(site, session, sessions)
        rates = asyncio.run(_by_turns(few, many))
    return [
        Result(
            id="P7",
            what=f"session transactions with {MANY:,} sessions in the state, embedded ledger",
            value=rates[1],
            unit="1/s",
            reference=f"the same with {FEW:,}",
            reference_value=rates[0],
            target="ratio at least 0.9",
        )
    ]


def _made(path: Path) -> Path:
    path.mkdir()
    return path


async def _run_one(site: Site) -> None:
    """One session, from opening to settlement."""
    async with await site.open() as ledger:
        load = await site.load(ledger, 1)
        await load.run(load.sign(1))


def _fill(site: Site, session: Template, sessions: int) -> None:
    population = Population(site, session)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"{sessions:,} sessions", total=sessions)
        population.add(sessions, lambda done: progress.update(task, completed=done))
    population.close()


async def _by_turns(few: Site, many: Site) -> tuple[float, float]:
    """Transactions a second on each."""
    seconds, transactions = [0.0, 0.0], [0, 0]
    async with await few.open() as one, await many.open() as other:
        loads = [await few.load(one, RESIDENTS), await many.load(other, RESIDENTS)]
        for load in loads:
            await load.run(load.sign(1))
        for _ in range(TURNS):
            for index, load in enumerate(loads):
                signed = load.sign(ROUNDS)
                gc.collect()
                gc.freeze()
                begin = time.perf_counter()
                transactions[index] += await load.run(signed)
                seconds[index] += time.perf_counter() - begin
    return transactions[0] / seconds[0], transactions[1] / seconds[1]
