"""Make, start and stop a federation whose condominiums' folders are on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from network.fabric.gateway import Gateway
from network.federation import authority, crypto, lifecycle, supervisor
from network.federation.administration import join_peer, own_peer
from network.federation.binaries import Binaries
from network.federation.channel import join_orderer, make_genesis
from network.federation.credentials import make_credentials
from network.federation.description import Certificates, Federation, FederationError, Member
from network.federation.folder import LOCAL_ADDRESS, PORTS_PER_CONDOMINIUM, Folder, Ports, folders, members_in
from network.federation.issuer import issuer_of
from network.federation.lifecycle import Definition
from network.federation.listening import check_startable
from network.federation.nodes import PROPOSAL_AGE, Programs, processes, write_settings
from network.federation.package import Rules, make_package
from network.federation.readiness import endorsers_known, peer_answers, wait_until
from network.federation.server import serve_package
from network.ledger import LedgerError

Report = Callable[[str], None]
_START_SECONDS = 90.0


def make_member(
    folder: Folder, host: str, consenter: int, binaries: Binaries, certificates: Certificates
) -> Member:
    """All keys and certificates of one condominium, and what the others may know of it."""
    if certificates == "ca":
        authority.make_roots(folder)
    else:
        crypto.make_roots(folder, binaries)
    with issuer_of(folder) as issuer:
        make_credentials(folder, issuer, host)
    return Member(
        code=folder.code,
        host=host,
        peer_port=folder.ports.peer,
        orderer_port=folder.ports.orderer,
        consenter=consenter,
        root=(folder.path / "ca/root.pem").read_text(),
        tls_root=(folder.path / "tls/root.pem").read_text(),
        orderer_certificate=(folder.path / "orderer/msp/signcerts/certificate.pem").read_text(),
        orderer_tls_certificate=(folder.path / "orderer/tls/certificate.pem").read_text(),
    )


def create(
    directory: Path,
    federation: Federation,
    codes: Sequence[str],
    binaries: Binaries,
    rules: Rules,
    *,
    first_port: int,
    hosts: Mapping[str, str] | None = None,
    certificates: Certificates = "cryptogen",
) -> list[Folder]:
    """Make a folder for each condominium in `directory`, and the channel's first block.

    `federation` gives channel and ordering, `hosts` where the others reach a condominium (default: on this
    machine), `certificates` who makes them. Raises FederationError where `directory` exists; nothing is
    left behind where something fails.
    """
    if directory.exists() and any(directory.iterdir()):
        raise FederationError(f"{directory} is not empty; choose another place or remove it")
    try:
        made = []
        for index, code in enumerate(codes):
            ports = Ports.block(first_port + index * PORTS_PER_CONDOMINIUM)
            folder = Folder.create(directory / code, code, ports)
            host = (hosts or {}).get(code, LOCAL_ADDRESS)
            federation = federation.with_member(make_member(folder, host, index + 1, binaries, certificates))
            made.append(folder)
        genesis = make_genesis(federation, binaries)
        packages = [make_package(member.namespace, rules) for member in federation.members]
        for folder in made:
            federation.save(folder.path / "federation.json")
            folder.genesis.write_bytes(genesis)
            for package in packages:
                serve_package(folder, package, rules.dispatch)
    except BaseException:
        for code in codes:
            shutil.rmtree(directory / code, ignore_errors=True)
        raise
    return made


@contextlib.asynccontextmanager
async def administration(members: Sequence[Folder]) -> AsyncIterator[list[Gateway]]:
    """Each condominium's administrator at its own peer."""
    gateways = [Gateway(folder.admin(), folder.federation.channel, [own_peer(folder)]) for folder in members]
    try:
        yield gateways
    finally:
        await asyncio.gather(*(gateway.close() for gateway in gateways))


async def up(
    directory: Path,
    binaries: Binaries | None,
    rules: Rules,
    report: Report,
    *,
    proposal_age: str = PROPOSAL_AGE,
    bound: bool = False,
) -> None:
    """Start every condominium in `directory`, join the channel, define the namespaces, wait for discovery.

    Each step is left out where it has been done; so this also goes on after an interruption. With the
    folder of one condominium alone its processes start, and what it can do by itself is done. Without
    `binaries` nothing is started: the processes run elsewhere, in containers for instance. Where the
    processes are `bound`, they end with the one that calls this. Raises FederationError, before anything is
    started, where a port is taken.
    """
    members = members_in(directory)
    if binaries is not None:
        check_startable(members)
        for folder in members:
            write_settings(folder, proposal_age=proposal_age)
            start_processes(folder, binaries, bound=bound)
    async with administration(members) as gateways:
        report("starting peers and orderers")
        await asyncio.gather(*(_join(*pair) for pair in zip(members, gateways, strict=True)))
        report("defining the namespaces")
        await _define(members, gateways, rules)
        report("waiting until the peers know of each other")
        namespaces = [member.namespace for member in members[0].federation.members]
        await asyncio.gather(*(await_discovery(gateway, namespaces) for gateway in gateways))


def start_processes(folder: Folder, binaries: Binaries, *, bound: bool) -> None:
    """Have the condominium's processes run under its supervisor, its certificate authority among them."""
    authority_server = authority.program() if folder.authority.exists() else ""
    supervisor.start(folder, processes(folder.path, Programs.here(binaries, authority_server)), bound=bound)


def down(directory: Path) -> None:
    """Stop every condominium in `directory`."""
    for folder in folders(directory):
        supervisor.stop(folder)


async def _join(folder: Folder, gateway: Gateway) -> None:
    channel, genesis = folder.federation.channel, folder.genesis.read_bytes()

    async def orderer_joined() -> bool:
        return await asyncio.to_thread(join_orderer, folder, genesis, channel)

    async def peer_ready() -> bool:
        return await peer_answers(gateway)

    await wait_until(f"the orderer of {folder.code} does not answer", orderer_joined, _START_SECONDS)
    await wait_until(f"the peer of {folder.code} does not answer", peer_ready, _START_SECONDS)
    await join_peer(gateway.connections[0], gateway.signer, channel, genesis)


async def _define(members: Sequence[Folder], gateways: Sequence[Gateway], rules: Rules) -> None:
    """Install, approve and commit what has no definition yet.

    A commit needs every member's approval, so it is left to whoever has all the folders, or comes last.
    """
    federation = members[0].federation
    organisations = [member.msp_id for member in federation.members]

    async def define(namespace: str) -> None:
        if await lifecycle.committed(gateways[0], namespace) is not None:
            return
        package, definition = make_package(namespace, rules), Definition(namespace, rules.version, 1)
        for folder, gateway in zip(members, gateways, strict=True):
            serve_package(folder, package, rules.dispatch)
            await lifecycle.install(gateway, package)
            await lifecycle.approve(gateway, definition, package)
        # Who approved last has all the others' approvals in its own peer's blocks; others may lag.
        last = gateways[-1]
        if all((await lifecycle.approvals(last, definition)).values()):
            await lifecycle.commit(last, definition, organisations)
        elif len(members) == len(federation.members):
            raise LedgerError("the approvals have not all arrived")

    await asyncio.gather(*(_persist(namespace, define) for namespace in federation.namespaces))


async def _persist(namespace: str, define: Callable[[str], Awaitable[None]]) -> None:
    """Define a namespace, again and again while orderers and peers still find each other."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            await define(namespace)
        except LedgerError as error:
            if time.monotonic() >= deadline:
                raise FederationError(f"{namespace} cannot be defined: {error}") from error
            await asyncio.sleep(1)
        else:
            return


async def await_discovery(gateway: Gateway, namespaces: Sequence[str]) -> None:
    """Wait until the own peer can name endorsers for what touches all `namespaces`."""

    async def known() -> bool:
        return await endorsers_known(gateway, namespaces)

    what = f"the peer of {gateway.signer.msp_id} does not know enough of the others"
    await wait_until(what, known, _START_SECONDS)
