"""An orderer and a peer of four that the network cuts off, and ones that come back after a long absence.

Cut off is worse than dead: no connection ends, so nobody is told. The network between the condominiums is a
relay of the tests' own (`wires.py`), so this needs no rights on the machine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest

from network.fabric import FabricLedger
from network.fabric.chain import chain
from network.federation import network as made_by
from network.federation import supervisor
from network.federation.administration import own_peer
from network.federation.binaries import Binaries
from network.federation.description import CHANNEL, Certificates, Member
from network.federation.folder import Folder
from network.federation.readiness import wait_until
from tests.federation import Network, running
from tests.network.fabric.load import Ledgers, Load, caught_up, leader, said
from tests.network.fabric.wires import Wires

pytestmark = [pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(400)]

MISSED = 50
"""Blocks that are made while a condominium is away."""
SOCKETS = 64
OF_A_SESSION = 5
"""Transactions: purchase, opening, start, a checkpoint, settlement."""
AN_HOUR = 4 * SOCKETS * OF_A_SESSION
"""Blocks of an hour's load of four buildings: every socket has a new car, and each transaction, arriving some
seconds after the last one, is in a block of its own."""
AT_ONCE = 2
"""Transactions that each condominium has under way in the long absence."""
_SECONDS_A_BLOCK = 4
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def wires() -> Iterator[Wires]:
    """What lies between the condominiums of `relayed`."""
    folders: dict[str, Folder] = {}

    def machines() -> dict[int, str]:
        found = {}
        for code, folder in folders.items():
            for node in ("peer", "orderer"):
                number = supervisor.running(folder, node)
                if number is not None:
                    found[number] = f"{code} {node}"
        return found

    made = Wires(machines)
    original = made_by.make_member

    def relayed(
        folder: Folder, host: str, consenter: int, binaries: Binaries, certificates: Certificates
    ) -> Member:
        folders[folder.code] = folder
        member = original(folder, host, consenter, binaries, certificates)
        return replace(
            member,
            peer_port=made.relay(f"{folder.code} peer", folder.ports.peer),
            orderer_port=made.relay(f"{folder.code} orderer", folder.ports.orderer),
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_by, "make_member", relayed)
        yield made
    made.close()


@pytest.fixture(scope="module")
def network(
    wires: Wires, fabric_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Network]:
    """Four condominiums whose peers and orderers reach each other through `wires` alone."""
    with running(tmp_path_factory.mktemp("wired") / "network", fabric_binaries) as started:
        yield started


@pytest.fixture
async def ledgers(network: Network, wires: Wires) -> AsyncIterator[Ledgers]:
    """Each condominium's gateway at its own peer, on the same machine: no cut comes between these two."""
    opened = {
        code: FabricLedger(folder.identity("gateway"), CHANNEL, [own_peer(folder)])
        for code, folder in network.folders.items()
    }
    yield opened
    wires.heal()
    for ledger in opened.values():
        await ledger.close()


@pytest.mark.parametrize("which", ["follower", "leader"])
async def test_one_orderer_of_four_is_cut_off(  # noqa: PLR0917  fixtures
    which: str, network: Network, wires: Wires, ledgers: Ledgers, name: str, record_property: Record
) -> None:
    """Service goes on without it, and it catches up once it is heard again."""
    leading = await leader(network)
    victim = leading if which == "leader" else next(code for code in ledgers if code != leading)
    async with Load(ledgers, name) as load:
        await load.more(3)
        wires.cut([f"{victim} orderer"])
        try:
            await load.more(5)
        finally:
            wires.heal()
        await load.more(2)
    await load.check()
    await caught_up(network)
    said(record_property, load)


async def test_one_peer_of_four_is_cut_off(
    network: Network, wires: Wires, ledgers: Ledgers, name: str, record_property: Record
) -> None:
    """The other condominiums go on; its own goes on when it is heard again, and has lost nothing."""
    victim, *others = ledgers
    async with Load(ledgers, name) as load:
        await load.more(3)
        wires.cut([f"{victim} peer"])
        try:
            await load.more(5, *others)
        finally:
            wires.heal()
        await load.more(2)
    await load.check()
    await caught_up(network)
    said(record_property, load)


@pytest.mark.parametrize(
    "blocks", [MISSED, pytest.param(AN_HOUR, marks=[pytest.mark.soak, pytest.mark.timeout(0)])]
)
async def test_who_comes_back_after_a_long_absence_catches_up(
    blocks: int, network: Network, ledgers: Ledgers, name: str, record_property: Record
) -> None:
    """Peer and orderer were down while the others made many blocks; nobody has to help them."""
    victim, *others = ledgers
    for node in ("peer", "orderer"):
        network.kill(victim, node, held=True)
    before = await ledgers[others[0]].height()
    loads = [Load({code: ledgers[code] for code in others}, f"{name} {each}") for each in range(AT_ONCE)]
    await asyncio.gather(*(load.__aenter__() for load in loads))

    async def away_long_enough() -> bool:
        return await ledgers[others[0]].height() >= before + blocks

    await wait_until(f"no {blocks} blocks", away_long_enough, blocks * _SECONDS_A_BLOCK)
    await asyncio.gather(*(load.__aexit__() for load in loads))
    missed = await ledgers[others[0]].height() - before
    began = time.monotonic()
    for node in ("orderer", "peer"):
        await network.release(victim, node)
    await caught_up(network)
    record_property("blocks missed", missed)
    record_property("transactions missed", sum(len(keys) for load in loads for keys in load.done.values()))
    record_property("caught up after, s", round(time.monotonic() - began, 1))
    for load in loads:
        await load.check()
        load.ledgers = dict.fromkeys(others, ledgers[victim])
        await load.check()
    assert (await chain(ledgers[victim].gateway)).height >= before + missed
