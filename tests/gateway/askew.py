"""`condocharge serve` on a computer whose clock is wrong: by as many seconds as the file in `ASKEW` says."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gateway import command

ASKEW = "ASKEW"
_time_ns = time.time_ns


def serve(words: list[str]) -> None:
    """The command, under that clock."""
    file = Path(os.environ[ASKEW])

    def wrong_ns() -> int:
        return _time_ns() + int(file.read_text()) * 1_000_000_000

    time.time_ns = wrong_ns
    time.time = lambda: wrong_ns() / 1_000_000_000
    command.serve(words)
