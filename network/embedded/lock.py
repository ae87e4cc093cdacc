"""One process at a time may have a ledger open."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Self

from network.embedded.errors import LedgerLocked, LedgerMissing

_PATIENCE_S = 2.0
_PAUSE_S = 0.02


class FileLock:
    """An exclusive lock beside the ledger's file, gone by itself when the process ends however it ends.

    It is not on the database itself: closing any handle of that would drop the locks SQLite holds there."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, ledger: Path) -> Self:
        """Lock `ledger`. Raises LedgerLocked where it is, LedgerMissing where its directory is not."""
        path = ledger.with_name(ledger.name + "-lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LedgerMissing(
                f"{ledger} cannot be opened ({error.strerror}): "
                "check that its directory exists and can be written"
            ) from error
        try:
            _lock(descriptor)
        except OSError as error:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise LedgerLocked(
                f"{ledger} is open in another process (pid {holder}): stop that one first"
            ) from error
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        return cls(descriptor)

    def release(self) -> None:
        """Let others open the ledger."""
        os.close(self._descriptor)


def _lock(descriptor: int) -> None:
    """Lock, or wait a moment for it. Raises OSError where another process keeps it.

    A process that was killed while it started another leaves the lock with that one until it runs."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)
        else:
            return
