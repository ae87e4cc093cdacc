"""A fifth condominium joins under load, charges and is charged at, and leaves again."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from chaincode.condominium import namespace_of
from network.fabric import FabricLedger
from network.federation import supervisor
from network.federation.administration import own_peer
from network.federation.binaries import Binaries
from network.federation.description import CHANNEL, FederationError
from network.federation.folder import PORTS_PER_CONDOMINIUM, Folder, Ports
from network.federation.join import join, prepare, read_public_file
from network.federation.membership import admit, let_out
from network.ledger import LedgerError
from tests.federation import CODES, RULES, Network

pytestmark = [pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(600)]

FOUNDERS = CODES
NEWCOMER = "elm"


def quiet(_step: str) -> None:
    """Say nothing."""


def opened(path: Path, code: str) -> FabricLedger:
    """The ledger as a condominium's gateway sees it."""
    folder = Folder.open(path / code)
    return FabricLedger(folder.identity("gateway"), CHANNEL, [own_peer(folder)])


async def works(ledger: FabricLedger, code: str, key: str) -> None:
    """A transaction in `code`'s namespace commits."""
    await ledger.submit(namespace_of(code), "put", [key.encode(), b"1"])
    assert json.loads(await ledger.evaluate(namespace_of(code), "get", [key.encode()])) == "1"


async def test_a_fifth_condominium_joins_and_leaves(
    changing_federation: Network, fabric_binaries: Binaries
) -> None:
    """The members sign one after the other; the fifth catches up, endorses, is endorsed; then it leaves."""
    network = changing_federation.path
    load = [asyncio.create_task(_load(opened(network, code), code)) for code in FOUNDERS]
    founder = Folder.open(network / FOUNDERS[0])
    ports = Ports.block(founder.ports.peer + len(FOUNDERS) * PORTS_PER_CONDOMINIUM)
    public = prepare(
        network / NEWCOMER, NEWCOMER, founder.federation, fabric_binaries, ports=ports, host="127.0.0.1"
    )
    newcomer = Folder.open(network / NEWCOMER)
    with pytest.raises(FederationError, match="have not let this condominium in"):
        await join(newcomer, fabric_binaries, RULES, quiet, patience=0.1)

    joining = asyncio.create_task(join(newcomer, fabric_binaries, RULES, quiet, patience=240, bound=True))
    member = read_public_file(public)
    handed = network / f"{NEWCOMER}.proposal.json"
    for code in FOUNDERS:
        # As if each had a machine of its own: the proposal goes from one to the next.
        own = network / code / handed.name
        if handed.exists():
            shutil.move(handed, own)
        done = await admit(network / code, member, fabric_binaries, RULES, quiet)
        assert done == (code in FOUNDERS[2:])
        if own.exists():
            shutil.move(own, handed)
    for code in FOUNDERS:
        assert await admit(network / code, member, fabric_binaries, RULES, quiet)
    await joining

    counts = await _stop(load)
    assert all(counts), "a condominium had no transaction during the join"
    home, away = opened(network, FOUNDERS[0]), opened(network, NEWCOMER)
    await works(away, NEWCOMER, "own")
    await works(home, FOUNDERS[0], "after")
    arguments = [namespace_of(FOUNDERS[0]).encode(), b"visit", b"1"]
    await away.submit(namespace_of(NEWCOMER), "call_and_put", arguments)
    assert json.loads(await away.evaluate(namespace_of(FOUNDERS[0]), "get", [b"visit"])) == "1"

    await _leave(network, fabric_binaries)
    await works(home, FOUNDERS[0], "without")
    await works(home, NEWCOMER, "its sessions can still end")
    with pytest.raises(LedgerError):
        await away.submit(namespace_of(NEWCOMER), "put", [b"gone", b"1"])
    await home.close()
    await away.close()
    supervisor.stop(newcomer)
    shutil.rmtree(network / NEWCOMER)


async def _leave(network: Path, fabric_binaries: Binaries) -> None:
    """The four that remain take the fifth out."""
    assert await let_out(network, NEWCOMER, fabric_binaries, quiet)
    assert await let_out(network, NEWCOMER, fabric_binaries, quiet), "done twice is done once"
    federation = Folder.open(network / FOUNDERS[0]).federation
    assert [member.code for member in federation.members] == list(FOUNDERS)
    assert [member.code for member in federation.departed] == [NEWCOMER]


async def _load(ledger: FabricLedger, code: str) -> int:
    """Transactions one after the other; any failure ends the test."""
    count = 0
    try:
        while True:
            await ledger.submit(namespace_of(code), "add", [f"load {count}".encode(), b"1"])
            count += 1
            await asyncio.sleep(0.2)
    except asyncio.CancelledError:
        return count
    finally:
        await ledger.close()


async def _stop(load: list[asyncio.Task[int]]) -> list[int]:
    for task in load:
        assert not task.done(), task.exception()
        task.cancel()
    return await asyncio.gather(*load)
