"""A Fabric network for benchmarks, and what its processes cost."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.residents import CODE, Clock, Load
from chaincode.condominium import namespace_of
from network.fabric import FabricLedger, Timeouts
from network.federation import supervisor
from network.federation.administration import own_peer
from network.federation.binaries import binaries
from network.federation.description import CHANNEL, Federation, Ordering
from network.federation.folder import PORTS_PER_CONDOMINIUM, Folder
from network.federation.network import create, down, up
from network.federation.package import Rules

CODES = (CODE, "boreal", "cedar", "dune", "elmhouse", "firwood")
NAMESPACE = namespace_of(CODE)
RULES = Rules("1", "bench.filling:dispatch")
PROCESSES = ("peer", "orderer", "chaincode", supervisor.SUPERVISOR)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Network:
    """A running network."""

    folders: list[Folder]

    def folder(self, code: str) -> Folder:
        """A condominium's."""
        return next(folder for folder in self.folders if folder.code == code)

    def ledger(
        self,
        code: str,
        clock: Callable[[], int],
        *,
        admin: bool = False,
        timeouts: Timeouts | None = None,
    ) -> FabricLedger:
        """The channel as a condominium's gateway, or its administrator, sees it."""
        folder = self.folder(code)
        signer = folder.admin() if admin else folder.identity("gateway")
        return FabricLedger(signer, CHANNEL, [own_peer(folder)], clock=clock, timeouts=timeouts)

    def cpu_seconds(self) -> float:
        """Processor time that all processes of the network have used so far."""
        return sum(_cpu(number) for folder in self.folders for number in _numbers(folder))

    def memory(self, code: str) -> float:
        """Resident memory of one condominium's processes, in MiB."""
        return sum(memory_of(number) for number in _numbers(self.folder(code)))


def _numbers(folder: Folder) -> list[int]:
    found = [supervisor.running(folder, name) for name in PROCESSES]
    return [number for number in found if number is not None]


def _cpu(number: int) -> float:
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_of(number: int) -> float:
    """Resident memory of a process, in MiB."""
    status = Path(f"/proc/{number}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def federation(path: Path, members: int, ordering: Ordering) -> Iterator[Network]:
    """A network with so many members in `path`, stopped at the end."""
    codes, programs = CODES[:members], binaries()
    made = create(
        path, Federation(CHANNEL, ordering), codes, programs, RULES, first_port=_free_ports(members)
    )
    try:
        asyncio.run(up(path, programs, RULES, lambda _step: None, proposal_age="1000000h", bound=True))
        yield Network(made)
    finally:
        down(path)


def _free_ports(members: int) -> int:
    """The first of enough ports in a row that nothing listens on."""
    count = members * PORTS_PER_CONDOMINIUM
    for first in range(15_000, 30_000, count):
        with_listener = False
        for port in range(first, first + count):
            with socket.socket() as probe:
                with_listener |= probe.connect_ex(("127.0.0.1", port)) == 0
        if not with_listener:
            return first
    raise RuntimeError(f"no {count} free ports in a row were found")


async def load(network: Network, clock: Clock, residents: int) -> tuple[Load, FabricLedger, FabricLedger]:
    """Residents of the first condominium who are ready to charge, with its administrator and gateway."""
    admin, gateway = network.ledger(CODE, clock, admin=True), network.ledger(CODE, clock)
    ready = Load(admin, gateway, clock, residents)
    await ready.prepare()
    return ready, admin, gateway
