"""Builds what the firmware's tests run, once a session, whichever worker comes first."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BUILD = REPOSITORY / "build" / "firmware"


def make(*targets: str) -> None:
    """Run the firmware's Makefile; pytest's workers take turns. Raises RuntimeError with what it said."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        done = subprocess.run(
            ["make", "-s", "-j2", "-C", str(REPOSITORY / "firmware"), f"BUILD={BUILD}",
             f"PYTHON={sys.executable}", *targets],
            check=False, capture_output=True, text=True, env=environment,
        )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"make {' '.join(targets)}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")


@pytest.fixture(scope="session")
def image() -> Callable[[str, str], Path]:
    """`image(target, file)` builds a target of firmware/Makefile and gives the path of what it made."""

    def build(target: str, file: str) -> Path:
        make(target)
        return BUILD / file

    return build
