"""A gateway's start that is killed before each change of its keys' files, and started again.

Run as a program: the state's directory, the time in milliseconds. Prints how many kills there were.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from functools import partial
from pathlib import Path

from gateway.clock import SimulatedClock
from gateway.membership import join
from gateway.settings import load
from tests.gateway.house import ENVIRONMENT

_CHANGES = {"os.mkdir", "os.remove", "os.rename"}
_KEYS = ("authority", "identities/ledger")
"""Of three identities that are made alike, one."""


def main(words: list[str]) -> None:
    """Kill it before the first change, before the second and so on, until it ends by itself."""
    state, now = Path(words[0]), int(words[1])
    kills = 0
    while True:
        copy = state.with_name(f"{state.name}-{kills}")
        shutil.copytree(state, copy)
        if _forked(partial(_killed, copy, now, kills)) == 0:
            break
        if _forked(partial(_start, copy, now)) != 0:
            sys.exit(f"killed before change {kills}, it does not start again")
        kills += 1
    print(kills)


def _forked(work: partial[None]) -> int:
    """What the process that does `work` ends with; a new one, but without the time that imports take."""
    number = os.fork()
    if number:
        return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    work()
    os._exit(0)


def _start(directory: Path, now: int) -> None:
    settings = load(None, ENVIRONMENT | {"CONDOCHARGE_DIRECTORY": str(directory)})

    async def start() -> None:
        await (await join(settings, SimulatedClock(now))).close()

    try:
        asyncio.run(start())
    except Exception as error:  # noqa: BLE001  told, and the exit code says it
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        os._exit(1)


def _killed(directory: Path, now: int, survived: int) -> None:
    """Start, and be killed before the change after the `survived` first ones."""
    left = survived

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE
        if not (event in _CHANGES or writes) or not any(
            f"{directory}/{name}" in str(arguments[0]) for name in _KEYS
        ):
            return
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    sys.addaudithook(watch)
    _start(directory, now)


if __name__ == "__main__":
    main(sys.argv[1:])
