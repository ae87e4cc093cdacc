"""`condocharge serve` on a computer whose clock can be set, by whoever holds the file that `SKEW` names."""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Callable
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


def shared_skew() -> Callable[[], int]:
    """In the gateway's process: the seconds, as they are set now."""
    with Path(os.environ[_SKEW]).open("rb") as opened:
        shared = mmap.mmap(opened.fileno(), _FORMAT.size, access=mmap.ACCESS_READ)
    return lambda: int(_FORMAT.unpack(shared[:])[0])


def main(words: list[str]) -> None:
    """Serve."""
    skew = shared_skew()

    def wall() -> int:
        return time.time_ns() + skew() * 1_000_000_000

    setattr(gateway.command, "serve_gateway", partial(serve, clock=SystemClock(wall)))  # noqa: B010
    gateway.command.serve(words, prog_name="condocharge serve")
