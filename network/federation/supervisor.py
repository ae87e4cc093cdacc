"""`python -m network.federation.supervisor FOLDER`: run a condominium's processes and start again what dies.

The processes to run are in `run/processes.json`, which `start` writes. A file `run/NAME.held` keeps NAME
down while it is there. SIGTERM stops everything in order: chaincode, peer, orderer, authority.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from network.federation.folder import Folder
from network.federation.nodes import Process

SUPERVISOR = "supervisor"
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_STEADY = 5.0
"""A process that has run this many seconds counts as well, and its next death is answered at once."""
_GRACE = 15.0
_STOP_ORDER = ("chaincode", "peer", "orderer", "authority")


def running(folder: Folder, name: str) -> int | None:
    """The process id of `name`, None where it does not run; a reused id is told by its start time."""
    try:
        number, started = folder.process_file(name).read_text().split()
        return int(number) if _start_time(int(number)) == started else None
    except (OSError, ValueError):
        return None


def start(folder: Folder, processes: Sequence[Process], *, bound: bool = False) -> None:
    """Start the supervisor in the background; nothing happens where it runs already.

    Where it is `bound`, everything stops with the process that calls this, however that one ends.
    """
    if running(folder, SUPERVISOR) is not None:
        return
    for process in processes:
        orphan = running(folder, process.name)
        if orphan is not None:  # a supervisor that was killed leaves its processes behind
            os.kill(orphan, signal.SIGKILL)
            _await_end(folder, process.name, _GRACE)
    records = [{**asdict(process), "directory": str(process.directory)} for process in processes]
    (folder.path / "run/processes.json").write_text(json.dumps(records))
    command = [sys.executable, "-m", "network.federation.supervisor", str(folder.path)]
    inherited: tuple[int, ...] = ()
    if bound:  # the other end closes with this process; so it is never closed here
        inherited = os.pipe()[:1]
        command.append(str(inherited[0]))
    with folder.log(SUPERVISOR).open("ab") as log:
        started = subprocess.Popen(
            command,
            pass_fds=inherited,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=Path(__file__).resolve().parents[2],
        )
    for descriptor in inherited:
        os.close(descriptor)
    _record(folder, SUPERVISOR, started.pid)


def stop(folder: Folder) -> None:
    """Stop everything of the condominium and wait for it; nothing happens where nothing runs."""
    names = (SUPERVISOR, *_STOP_ORDER)
    supervisor = running(folder, SUPERVISOR)
    if supervisor is not None:
        os.kill(supervisor, signal.SIGTERM)
        _await_end(folder, SUPERVISOR, 3 * _GRACE)
    for name in names:
        left = running(folder, name)
        if left is not None:
            os.kill(left, signal.SIGKILL)
            _await_end(folder, name, _GRACE)
        folder.process_file(name).unlink(missing_ok=True)


def hold(folder: Folder, name: str, *, held: bool) -> None:
    """Say whether `name` is to stay down once it has ended."""
    mark = folder.path / f"run/{name}.held"
    if held:
        mark.touch()
    else:
        mark.unlink(missing_ok=True)


def _start_time(number: int) -> str:
    """When the process started, in clock ticks since boot; empty where it has ended."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _record(folder: Folder, name: str, number: int) -> None:
    folder.process_file(name).write_text(f"{number} {_start_time(number)}\n")


def _await_end(folder: Folder, name: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while running(folder, name) is not None and time.monotonic() < deadline:
        time.sleep(0.05)


class _Supervisor:
    """Keeps the processes of one folder running until it is told to stop."""

    def __init__(self, folder: Folder, records: Sequence[dict[str, Any]], bond: int | None) -> None:
        self._folder = folder
        self._records = records
        self._bond = bond
        self._stopping = asyncio.Event()
        self._children: dict[str, asyncio.subprocess.Process] = {}

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        if self._bond is not None:
            loop.add_reader(self._bond, self._stopping.set)
        keepers = [asyncio.create_task(self._keep(record)) for record in self._records]
        await self._stopping.wait()
        if self._bond is not None:
            loop.remove_reader(self._bond)
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        for name in _STOP_ORDER:
            if name in self._children:
                await self._end(self._children[name])

    async def _keep(self, record: dict[str, Any]) -> None:
        pause = _FIRST_PAUSE
        while True:
            while (self._folder.path / f"run/{record['name']}.held").exists():  # noqa: ASYNC110
                await asyncio.sleep(0.2)
            began = time.monotonic()
            code = await self._run_once(record)
            if time.monotonic() - began > _STEADY:
                pause = _FIRST_PAUSE
            sys.stdout.write(f"{record['name']} ended with {code}; starting it again in {pause:g} s\n")
            sys.stdout.flush()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _run_once(self, record: dict[str, Any]) -> int:
        name = record["name"]
        with self._folder.log(name).open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                *record["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=record["directory"],
                env={**os.environ, **record["environment"]},
            )
        self._children[name] = child
        _record(self._folder, name, child.pid)
        return await child.wait()

    @staticmethod
    async def _end(child: asyncio.subprocess.Process) -> None:
        if child.returncode is not None:
            return
        child.terminate()
        try:
            await asyncio.wait_for(child.wait(), _GRACE)
        except TimeoutError:
            child.kill()
            await child.wait()


def main(arguments: Sequence[str]) -> int:
    """Run the supervisor of the folder that is named; returns the exit code."""
    folder = Folder.open(Path(arguments[0]))
    records = json.loads((folder.path / "run/processes.json").read_text())
    bond = int(arguments[1]) if len(arguments) > 1 else None
    asyncio.run(_Supervisor(folder, records, bond).run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
