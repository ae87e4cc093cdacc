"""SIGKILL at any moment loses no acknowledged transaction and leaves no half of one."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.network.embedded.writer import NAMESPACE, TASKS, make, reopen


def kill_once(folder: Path, after: int) -> dict[int, int]:
    """Run the writer, kill it after so many acknowledged lines; the last sum of each number."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.network.embedded.writer", str(folder)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(after)]
    process.kill()
    lines += process.stdout.read().split(b"\n")
    process.wait()
    assert lines[0], "the writer came to nothing"
    acknowledged: dict[int, int] = {}
    for line in lines:
        if line.strip():
            number, total = map(int, line.split())
            acknowledged[number] = total
    return acknowledged


async def check(folder: Path, acknowledged: dict[int, int], *, whole: bool) -> None:
    """Every acknowledged sum is there, or the one that was under way; the chain is in order.

    Opening checks the newest 10,000 transactions; `whole` checks all, and counts them."""
    ledger = await reopen(folder)
    names = [b"n%d" % number for number in range(TASKS)]
    values = json.loads(await ledger.evaluate(NAMESPACE, "get_many", names))
    for number, value in enumerate(values):
        least = acknowledged.get(number, 0)
        assert least <= int(value or 0) <= least + 1
        acknowledged[number] = int(value or 0)
    if whole:
        assert sum(acknowledged.values()) == (await ledger.verify()).transactions
    await ledger.close()


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(20, marks=pytest.mark.slow),
        pytest.param(1_000, marks=[pytest.mark.soak, pytest.mark.timeout(0)]),
    ],
)
def test_no_acknowledged_transaction_is_lost(tmp_path: Path, kills: int) -> None:
    """Killed again and again under load, the ledger goes on from everything it had acknowledged."""
    make(tmp_path)
    chance = random.Random(kills)
    acknowledged: dict[int, int] = {}
    for kill in range(1, kills + 1):
        acknowledged |= kill_once(tmp_path, after=chance.randint(1, 400))
        asyncio.run(check(tmp_path, acknowledged, whole=kill % 20 == 0))
