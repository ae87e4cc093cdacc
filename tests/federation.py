"""One real Fabric network for all tests that need one: four condominiums, BFT ordering, started once.

The tests that use it share it, so each uses keys of its own, and puts back what it has broken.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaincode import contract
from chaincode.stub import Stub
from network.fabric import FabricLedger, Peer
from network.federation.administration import own_peer
from network.federation.binaries import Binaries, binaries
from network.federation.description import CHANNEL, Federation, FederationError
from network.federation.folder import PORTS_PER_CONDOMINIUM, Folder
from network.federation.network import create, down, up
from network.federation.package import Rules
from tests import register
from tests.scope import ScopedStub

CODES = ("aurora", "boreal", "cedar", "dune")
BLOCK_MILLISECONDS = 100
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests on the shared network run in one worker."""
    for item in items:
        if item.get_closest_marker("fabric"):
            item.add_marker(pytest.mark.xdist_group("fabric"))


@pytest.fixture(scope="session")
def fabric_binaries() -> Binaries:
    """Fabric's programs, built first where they are not there."""
    return binaries()


@pytest.fixture(scope="session")
def federation(fabric_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The shared network: aurora, boreal, cedar and dune."""
    path = tmp_path_factory.mktemp("federation") / "network"
    first_port = free_ports(len(CODES) * PORTS_PER_CONDOMINIUM)
    made = create(
        path,
        Federation(CHANNEL, "bft", block_milliseconds=BLOCK_MILLISECONDS),
        CODES,
        fabric_binaries,
        RULES,
        first_port=first_port,
    )
    try:
        # Scenarios have clocks of their own, far from the machine's.
        started = up(path, fabric_binaries, RULES, lambda _step: None, proposal_age="1000000h", bound=True)
        asyncio.run(started)
        yield Network(path, {folder.code: folder for folder in made})
    except FederationError as error:
        for log in sorted(path.glob("*/log/*.log")):
            last = log.read_text(errors="replace").splitlines()[-5:]
            error.add_note("\n".join((str(log.relative_to(path)), *last)))
        raise
    finally:
        down(path)


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
