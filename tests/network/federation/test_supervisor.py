"""The supervisor: what dies starts again, what is held stays down, and all of it ends with its starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from network.federation import supervisor
from network.federation.folder import Folder, Ports
from network.federation.nodes import Process

SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """A folder whose processes are stopped at the end."""
    made = Folder.create(tmp_path / "a", "a", Ports.block(20_000))
    yield made
    supervisor.stop(made)


def sleepers(folder: Folder, *names: str) -> list[Process]:
    """Processes that only sleep."""
    return [Process(name, SLEEPER, folder.path, {}) for name in names]


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until `what` holds; a generous end keeps a failure from hanging."""
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_process_starts_again(folder: Folder) -> None:
    """After SIGKILL there is a new process; starting the supervisor twice changes nothing."""
    supervisor.start(folder, sleepers(folder, "peer", "orderer"))
    wait_for(lambda: supervisor.running(folder, "peer") is not None)
    first = supervisor.running(folder, "peer")
    own = supervisor.running(folder, supervisor.SUPERVISOR)
    supervisor.start(folder, sleepers(folder, "peer", "orderer"))
    assert supervisor.running(folder, supervisor.SUPERVISOR) == own
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: supervisor.running(folder, "peer") not in (None, first))


def test_a_held_process_stays_down_until_released(folder: Folder) -> None:
    """Held, it is not started again; released, it is."""
    supervisor.start(folder, sleepers(folder, "peer"))
    wait_for(lambda: supervisor.running(folder, "peer") is not None)
    supervisor.hold(folder, "peer", held=True)
    first = supervisor.running(folder, "peer")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: "starting it again" in folder.log("supervisor").read_text())
    assert supervisor.running(folder, "peer") is None
    supervisor.hold(folder, "peer", held=False)
    wait_for(lambda: supervisor.running(folder, "peer") is not None)


def test_stop_ends_everything(folder: Folder) -> None:
    """Nothing runs afterwards, and stopping again is no error."""
    supervisor.start(folder, sleepers(folder, "peer", "orderer", "chaincode"))
    wait_for(lambda: all(supervisor.running(folder, name) for name in ("peer", "orderer", "chaincode")))
    supervisor.stop(folder)
    names = ("supervisor", "peer", "orderer", "chaincode")
    assert [supervisor.running(folder, name) for name in names] == [None] * 4
    supervisor.stop(folder)


def test_orphans_of_a_killed_supervisor_are_ended(folder: Folder) -> None:
    """Where the supervisor was killed, the next start first ends what it left."""
    supervisor.start(folder, sleepers(folder, "peer"))
    wait_for(lambda: supervisor.running(folder, "peer") is not None)
    orphan, own = supervisor.running(folder, "peer"), supervisor.running(folder, "supervisor")
    assert own is not None
    os.kill(own, signal.SIGKILL)
    wait_for(lambda: supervisor.running(folder, "supervisor") is None)
    supervisor.start(folder, sleepers(folder, "peer"))
    wait_for(lambda: supervisor.running(folder, "peer") not in (None, orphan))


def test_a_bound_supervisor_ends_with_its_starter(folder: Folder) -> None:
    """Even where the starter is killed without a chance to clean up."""
    code = (
        "import sys, time; from pathlib import Path; from network.federation import supervisor;"
        "from network.federation.folder import Folder; from network.federation.nodes import Process;"
        "folder = Folder.open(Path(sys.argv[1]));"
        "supervisor.start(folder, [Process('peer', tuple(sys.argv[2:]), folder.path, {})], bound=True);"
        "time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(folder.path), *SLEEPER]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3]) as starter:
        wait_for(lambda: supervisor.running(folder, "peer") is not None)
        starter.kill()
    wait_for(lambda: supervisor.running(folder, "supervisor") is None)
    assert supervisor.running(folder, "peer") is None
