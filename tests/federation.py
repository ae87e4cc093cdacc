"""One real Fabric network for all tests that need one: four condominiums, BFT ordering, started once.

The tests that use it share it, so each uses keys of its own, and puts back what it has broken.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaincode import contract
from chaincode.stub import Stub
from network.fabric import FabricLedger, Peer
from network.federation import supervisor
from network.federation.administration import own_peer
from network.federation.binaries import Binaries, binaries
from network.federation.description import (
    CHANNEL,
    FEWEST_FOR_BFT,
    Certificates,
    Federation,
    FederationError,
    Ordering,
)
from network.federation.folder import PORTS_PER_CONDOMINIUM, Folder
from network.federation.network import create, down, up
from network.federation.package import Rules
from network.federation.readiness import wait_until
from network.federation.server import listeners
from tests import register
from tests.scope import ScopedStub

CODES = ("aurora", "boreal", "cedar", "dune")
BLOCK_MILLISECONDS = 100
GROUP = "fabric"
RULES = Rules(version="1", dispatch="tests.federation:dispatch")


async def dispatch(stub: Stub, function: str, arguments: Sequence[bytes]) -> bytes:
    """The platform's rules and, for functions that they do not have, the tests' register.

    `SCOPE!function` runs in a part of the namespace that begins empty, so that tests do not meet.
    """
    scope, mark, name = function.rpartition("!")
    if mark:
        return await dispatch(ScopedStub(stub, scope), name, arguments)
    rules = contract.dispatch if function in contract.FUNCTIONS else register.dispatch
    return await rules(stub, function, arguments)


@dataclass(frozen=True, slots=True)
class Network:
    """A running federation."""

    path: Path
    folders: dict[str, Folder]

    def peers(self, *codes: str) -> list[Peer]:
        """The peers of these condominiums."""
        return [own_peer(self.folders[code]) for code in codes]

    def process(self, code: str, name: str) -> int:
        """The id of a process that runs."""
        number = supervisor.running(self.folders[code], name)
        assert number is not None, f"{code}'s {name} does not run"
        return number

    def kill(self, code: str, name: str, *, held: bool = False) -> None:
        """SIGKILL; where it is `held` it stays down until `release`."""
        number = self.process(code, name)
        supervisor.hold(self.folders[code], name, held=held)
        os.kill(number, signal.SIGKILL)
        while supervisor.running(self.folders[code], name) == number:
            time.sleep(0.01)

    async def release(self, code: str, name: str) -> None:
        """Let a process start again, and wait until it has."""
        supervisor.hold(self.folders[code], name, held=False)

        async def runs() -> bool:
            return supervisor.running(self.folders[code], name) is not None

        await wait_until(f"{code}'s {name} has not started again", runs, 60)

    async def run_rules(self, code: str, dispatch: str) -> None:
        """Have a condominium's chaincode server run other rules, as only its own operator can."""
        path = self.folders[code].chaincode / "settings.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"dispatch": dispatch}))
        self.kill(code, "chaincode")
        await self.release(code, "chaincode")
        ports = [int(listener.address.rpartition(":")[2]) for listener in listeners(self.folders[code])]

        async def listens() -> bool:
            return not any(_free(port) for port in ports)

        await wait_until(f"{code}'s chaincode does not listen", listens, 60)

    def log(self, code: str, process: str) -> str:
        """What a process has printed so far."""
        return self.folders[code].log(process).read_text(errors="replace")


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that nothing listens on, below those the system hands out."""
    for _ in range(200):
        first = 15_000 + secrets.randbelow(16_000)
        if all(_free(first + offset) for offset in range(count)):
            return first
    raise RuntimeError(f"no {count} free ports in a row were found")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in this hook too
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All tests on the shared network run in one worker."""
    for item in items:
        if item.get_closest_marker("fabric"):
            item.add_marker(pytest.mark.xdist_group(GROUP))
            if config.getoption("loadgroup", default=False):  # xdist tells its workers so
                _name_group(item)


def _name_group(item: Any) -> None:
    """Put the group into the test's id, by which xdist's scheduler knows it.

    xdist 3.8 does so itself, in an attribute that pytest 9.2 has renamed; without this each worker would
    start a network of its own.
    """
    if hasattr(item, "_id"):
        item._id = type(item._id).parse(f"{item.nodeid}@{GROUP}")


@pytest.fixture(scope="session")
def fabric_binaries() -> Binaries:
    """Fabric's programs, built first where they are not there."""
    return binaries()


@contextmanager
def running(
    path: Path,
    programs: Binaries,
    *,
    codes: Sequence[str] = CODES,
    rules: Rules = RULES,
    block_milliseconds: int = BLOCK_MILLISECONDS,
    room: int = 0,
    certificates: Certificates = "cryptogen",
    **options: Any,
) -> Iterator[Network]:
    """A network in `path`, with ports left free for `room` more condominiums; stopped however this ends."""
    first_port = free_ports((len(codes) + room) * PORTS_PER_CONDOMINIUM)
    ordering: Ordering = "bft" if len(codes) >= FEWEST_FOR_BFT else "raft"
    description = Federation(CHANNEL, ordering, block_milliseconds=block_milliseconds)
    made = create(path, description, codes, programs, rules, first_port=first_port, certificates=certificates)
    try:
        asyncio.run(up(path, programs, rules, lambda _step: None, bound=True, **options))
        yield Network(path, {folder.code: folder for folder in made})
    except FederationError as error:
        for log in sorted(path.glob("*/log/*.log")):
            last = log.read_text(errors="replace").splitlines()[-5:]
            error.add_note("\n".join((str(log.relative_to(path)), *last)))
        raise
    finally:
        down(path)


@pytest.fixture(scope="session")
def federation(fabric_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The shared network: aurora, boreal, cedar and dune."""
    path = tmp_path_factory.mktemp("federation") / "network"
    # Scenarios have clocks of their own, far from the machine's.
    with running(path, fabric_binaries, proposal_age="1000000h") as network:
        yield network


@pytest.fixture(scope="session")
def changing_federation(
    fabric_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Network]:
    """Another network of the same condominiums, for tests that change its members, rules or keys."""
    path = tmp_path_factory.mktemp("changing") / "network"
    with running(path, fabric_binaries, room=1) as network:
        yield network


@pytest.fixture
async def ledgers(federation: Network) -> AsyncIterator[dict[str, FabricLedger]]:
    """Each condominium's gateway, at its own peer."""
    opened = {
        code: FabricLedger(folder.identity("gateway"), CHANNEL, [own_peer(folder)])
        for code, folder in federation.folders.items()
    }
    yield opened
    for ledger in opened.values():
        await ledger.close()


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return secrets.token_hex(6)
