"""`condocharge serve` on a computer whose clock can be set, by whoever holds the file that `SKEW` names."""

from __future__ import annotations

import mmap
import os
import struct
import time
from functools import partial
from pathlib import Path

import gateway.command
from gateway.clock import SystemClock
from gateway.server import serve

COMMAND = "tests.gateway.skewed:main"
_SKEW = "SKEW"
_FORMAT = struct.Struct("<q")


class Skew:
    """Seconds by which a gateway's computer shows another time than this one."""

    def __init__(self, file: Path) -> None:
        """Make the file, and have every gateway that is started from here look at it."""
        file.write_bytes(_FORMAT.pack(0))
        os.environ[_SKEW] = str(file)
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), _FORMAT.size)

    def set(self, seconds: int) -> None:
        """From now on."""
        self._shared[:] = _FORMAT.pack(seconds)

    def close(self) -> None:
        """Gateways that are started from now on see the right time."""
        del os.environ[_SKEW]
        self._shared.close()


def main(words: list[str]) -> None:
    """Serve."""
    with Path(os.environ[_SKEW]).open("rb") as opened:
        shared = mmap.mmap(opened.fileno(), _FORMAT.size, access=mmap.ACCESS_READ)

    def wall() -> int:
        (seconds,) = _FORMAT.unpack(shared[:])
        return time.time_ns() + int(seconds) * 1_000_000_000

    setattr(gateway.command, "serve_gateway", partial(serve, clock=SystemClock(wall)))  # noqa: B010
    gateway.command.serve(words, prog_name="condocharge serve")
