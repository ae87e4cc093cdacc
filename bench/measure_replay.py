"""P8: the packaged file of 3,527 charging sessions, played through the whole platform.

`make bench` runs it as `condocharge replay` does: everything in one process but the verifying of receipts,
files in memory where the system offers that.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.result import Result
from demonstration.replay.dataset import load
from demonstration.replay.replay import Replay

DATA = Path(__file__).parent.parent / "demonstration" / "data" / "acn-caltech-2019-05-08.csv.gz"
AIM = 60.0
"""Seconds on two cores."""


def measure() -> list[Result]:
    """Wall seconds and sessions a second. Raises RuntimeError where the replay finds a fault."""
    replay = Replay(load(DATA), None, lambda _: None)
    report = asyncio.run(replay.run())
    if replay.faults:
        raise RuntimeError(replay.faults[0])
    return [
        Result(
            id="P8",
            what="replay of the packaged file",
            value=report.wall_s,
            unit="s",
            reference="aim",
            reference_value=AIM,
            target="below 60 s",
        ),
        Result(
            id="P8",
            what="replayed sessions",
            value=report.sessions / report.wall_s,
            unit="/s",
            reference="",
        ),
    ]
