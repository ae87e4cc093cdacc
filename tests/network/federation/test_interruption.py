"""A condominium joins with a snapshot while both sides' tools are killed in every step, under load."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from chaincode.condominium import namespace_of
from network.command import network as command
from network.fabric import FabricLedger
from network.fabric.chain import chain
from network.fabric.gateway import Gateway
from network.federation import supervisor
from network.federation.administration import own_peer
from network.federation.binaries import Binaries
from network.federation.description import CHANNEL
from network.federation.folder import PORTS_PER_CONDOMINIUM, Folder
from network.federation.join import PUBLIC_FILE, SNAPSHOT_FILE
from tests.federation import Network, running
from tests.forked import fork
from tests.network.federation.interrupted import LONG, NEWCOMER

pytestmark = [pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(600)]

FOUNDERS = ("aurora", "boreal")


class Tool:
    """The tool as a process of its own, killed once in each step that it reports, until it is done."""

    def __init__(self, programs: Binaries, function: str, *arguments: Path | int) -> None:
        self._function = f"tests.network.federation.interrupted:{function}"
        self._words = [str(programs.directory), *(str(argument) for argument in arguments)]
        self.steps: list[str] = []
        """The steps in which it was killed."""

    def run(self) -> None:
        """Start it again and again; whatever else than being killed ends it must be success."""
        while self._killed_in_a_new_step():
            pass

    def _killed_in_a_new_step(self) -> bool:
        with tempfile.TemporaryDirectory() as place:
            errors = Path(place) / "errors"
            process, output = fork(self._function, self._words, errors)
            with output:
                output.readline()
                for line in output:
                    kind = line.split(":")[0].strip()
                    if kind not in self.steps:
                        # At the step's very beginning, and somewhere in it, by turns.
                        time.sleep(0.4 * (len(self.steps) % 2))
                        self.steps.append(kind)
                        process.kill()
            process.join()
            assert process.exitcode in (0, -signal.SIGKILL), errors.read_text()
            return process.exitcode != 0


@pytest.fixture
def network(fabric_binaries: Binaries, tmp_path: Path) -> Iterator[Network]:
    """Two condominiums, with ports for a third, which is stopped at the end too."""
    path = tmp_path / "network"
    with running(path, fabric_binaries, codes=FOUNDERS, room=1) as started:
        yield started
        if (path / NEWCOMER / "local.json").exists():
            supervisor.stop(Folder.open(path / NEWCOMER))


async def test_a_join_that_is_killed_in_every_step(network: Network, fabric_binaries: Binaries) -> None:
    """Each call goes on where the last one ended, no transaction fails, the state is the others'."""
    load = {code: asyncio.create_task(_load(network.folders[code])) for code in FOUNDERS}
    await _join(network, fabric_binaries)
    written = {}
    for code, task in load.items():
        assert not task.done(), task.exception()
        task.cancel()
        written[code] = await task
    assert all(written.values()), "a condominium had no transaction meanwhile"
    newcomer = Folder.open(network.path / NEWCOMER)
    ledger = FabricLedger(newcomer.identity("gateway"), CHANNEL, [own_peer(newcomer)])
    await ledger.submit(namespace_of(NEWCOMER), "put", [b"own", b"1"])
    own = await chain(ledger.gateway, [newcomer.member.msp_id])
    assert own.first > LONG, "it joined with the whole chain"
    async for block in ledger.blocks(0):
        assert block.number == own.first, "its blocks begin after the snapshot"
        break
    for code, count in written.items():
        keys = [f"load {number}".encode() for number in range(count)]
        answers = []
        for folder in (newcomer, network.folders[code]):
            gateway = Gateway(folder.identity("gateway"), CHANNEL, [own_peer(folder)])
            arguments = [b"get_many", *keys]
            answers.append(await gateway.evaluate(namespace_of(code), arguments, [folder.member.msp_id]))
            await gateway.close()
        assert json.loads(answers[0]) == ["1"] * count
        assert answers[0] == answers[1]
    await ledger.close()


async def _join(network: Network, programs: Binaries) -> None:
    """The newcomer's tool and, one after the other, the members' tools, all killed in each step."""
    founder = network.folders[FOUNDERS[0]]
    path = network.path / NEWCOMER
    port = founder.ports.peer + len(FOUNDERS) * PORTS_PER_CONDOMINIUM
    preparing = Tool(programs, "prepare", path, founder.path / "federation.json", port)
    await asyncio.to_thread(preparing.run)
    assert preparing.steps == ["preparing"]
    public = path / PUBLIC_FILE
    joining = Tool(programs, "join", path)
    joined = asyncio.create_task(asyncio.to_thread(joining.run))
    steps = []
    handed = network.path / f"{NEWCOMER}.proposal.json"
    for code in (*FOUNDERS, *FOUNDERS):
        own = network.path / code / handed.name
        if handed.exists():
            handed.rename(own)
        tool = Tool(programs, "admit", network.path / code, public)
        await asyncio.to_thread(tool.run)
        steps += tool.steps
        if own.exists():
            own.rename(handed)
        with contextlib.suppress(FileNotFoundError):
            (network.path / code / f"{NEWCOMER}.snapshot.tar").rename(path / SNAPSHOT_FILE)
    assert {"signing the change", "changing the channel", "approving the namespace of elm"} <= set(steps)
    if not (path / SNAPSHOT_FILE).exists():  # its taking was what had been interrupted
        words = ["snapshot", str(founder.path), "--output", str(path / SNAPSHOT_FILE)]
        typed = await asyncio.to_thread(CliRunner().invoke, command, words)
        assert typed.exit_code == 0, typed.output
    await joined
    said = " ".join(joining.steps)
    for step in ("joining the channel", "waiting for a member's snapshot", "reading the snapshot"):
        assert step.split()[0] in said
    assert len(joining.steps) >= 7, joining.steps


async def _load(folder: Folder) -> int:
    """Transactions one after the other; any failure ends the test. Returns how many there were."""
    ledger = FabricLedger(folder.identity("gateway"), CHANNEL, [own_peer(folder)])
    count = 0
    try:
        while True:
            await ledger.submit(namespace_of(folder.code), "add", [f"load {count}".encode(), b"1"])
            count += 1
            await asyncio.sleep(0.2)
    except asyncio.CancelledError:
        return count
    finally:
        await ledger.close()
