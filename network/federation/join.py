"""A condominium's own side of joining a federation that runs.

It makes its keys on its own machine, hands over one public file, and waits until the members have let it
in. Then its orderer and its peer join the channel and catch up, it installs and approves every namespace,
and its own namespace is committed. Every step looks first whether it has been done.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from network.fabric.chain import chain
from network.fabric.gateway import Gateway
from network.federation import blocks, lifecycle, snapshot
from network.federation.administration import channels, join_peer
from network.federation.binaries import Binaries
from network.federation.channel import join_orderer
from network.federation.description import Certificates, Federation, FederationError, Member, check_code
from network.federation.folder import Folder, Ports
from network.federation.lifecycle import Definition
from network.federation.listening import check_startable
from network.federation.network import (
    Report,
    administration,
    await_discovery,
    make_member,
    start_processes,
)
from network.federation.nodes import PROPOSAL_AGE, write_settings
from network.federation.package import Rules, make_package
from network.federation.readiness import peer_answers, wait_until
from network.federation.server import serve_package
from network.federation.snapshot import LONG_CHAIN
from network.file import write
from network.ledger import LedgerError

PUBLIC_FILE = "member.json"
SNAPSHOT_FILE = "snapshot.tar"
_START_SECONDS = 90.0
_CATCH_UP_SECONDS = 600.0


def prepare(
    path: Path,
    code: str,
    federation: Federation,
    binaries: Binaries,
    *,
    ports: Ports,
    host: str,
    certificates: Certificates = "cryptogen",
) -> Path:
    """Make the newcomer's folder with all keys; returns the public file to hand to the members.

    `federation` is the members' description, from any of them. A folder that is there already is kept.
    Raises FederationError where the code is taken.
    """
    check_code(code)
    public = path / PUBLIC_FILE
    if public.exists():
        return public
    if code in {member.code for member in (*federation.members, *federation.departed)}:
        raise FederationError(f"code: {code} is taken in this federation")
    if path.exists():
        raise FederationError(f"{path} exists already; choose another place or remove it")
    # Made under another name: what an interrupted call leaves, nobody has seen, and it is made anew.
    partial = path.with_name(f"{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    folder = Folder.create(partial, code, ports)
    member = make_member(folder, host, federation.next_consenter, binaries, certificates)
    federation.with_member(member).save(partial / "federation.json")
    (partial / PUBLIC_FILE).write_text(json.dumps(asdict(member), indent=2) + "\n")
    partial.rename(path)
    return public


def read_public_file(path: Path) -> Member:
    """The newcomer in its public file. Raises FederationError where it is not one."""
    try:
        return Member.from_record(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise FederationError(f"{path} is no member's public file: {error}") from error


async def join(
    folder: Folder,
    binaries: Binaries,
    rules: Rules,
    report: Report,
    *,
    patience: float,
    proposal_age: str = PROPOSAL_AGE,
    snapshot_above: int = LONG_CHAIN,
    fingerprint: str | None = None,
    bound: bool = False,
) -> None:
    """Join the channel once the members have let this condominium in.

    Waits `patience` seconds for them. Where the chain has `snapshot_above` blocks or more, the peer begins
    with the snapshot that a member hands over (`snapshot.tar` in the folder), and waits for that too. It
    is read only where `fingerprint` is its own, as a second member says. Raises FederationError where one of
    these does not come; then it is called again. So it does, at once, where a port is taken.
    """
    check_startable([folder])
    federation = folder.federation
    signer = folder.admin()
    report("waiting for the members to let this condominium in")

    async def admitted() -> bool:
        try:
            block = await blocks.first_block(federation, signer)
        except FederationError:
            return False
        write(folder.genesis, block)
        return True

    if not folder.genesis.exists():
        await wait_until("the members have not let this condominium in", admitted, patience)
    write_settings(folder, proposal_age=proposal_age)
    packages = {name: make_package(name, rules) for name in federation.namespaces}
    for package in packages.values():
        serve_package(folder, package, rules.dispatch)
    start_processes(folder, binaries, bound=bound)
    async with administration([folder]) as (gateway,):
        report("joining the channel")
        await _join_orderer(folder, gateway)
        await _join_peer(folder, gateway, report, patience, snapshot_above, fingerprint)
        report("catching up")
        await _catch_up(federation, gateway)
        report("approving the namespaces")
        for name, package in packages.items():
            await lifecycle.install(gateway, package)
            await _approve(gateway, name, rules, name == folder.member.namespace)
        report("waiting for the members to approve this condominium's namespace")
        await _commit_own(folder, gateway, rules, patience)
        report("waiting until the peers know of each other")
        await await_discovery(gateway, [member.namespace for member in federation.members])


async def _join_orderer(folder: Folder, gateway: Gateway) -> None:
    federation = folder.federation
    block = await blocks.newest_configuration(federation, gateway.signer)

    async def orderer_joined() -> bool:
        return await asyncio.to_thread(join_orderer, folder, block, federation.channel)

    await wait_until("the orderer does not answer", orderer_joined, _START_SECONDS)


async def _join_peer(  # noqa: PLR0917  what `join` was given
    folder: Folder,
    gateway: Gateway,
    report: Report,
    patience: float,
    snapshot_above: int,
    fingerprint: str | None,
) -> None:
    federation, connection = folder.federation, gateway.connections[0]

    async def peer_ready() -> bool:
        return await peer_answers(gateway)

    await wait_until("the peer does not answer", peer_ready, _START_SECONDS)
    if federation.channel in await channels(connection, gateway.signer):
        return
    length = await blocks.newest_number(federation, gateway.signer) + 1
    if length < snapshot_above:
        await join_peer(connection, gateway.signer, federation.channel, folder.genesis.read_bytes())
        return
    archive, directory = folder.path / SNAPSHOT_FILE, folder.path / "peer/snapshot"
    report(f"the chain has {length} blocks: waiting for a member's snapshot, {archive}")

    async def handed_over() -> bool:
        return archive.exists()

    await wait_until(f"no member's snapshot is at {archive}", handed_over, patience)
    found = snapshot.unpack(archive, directory)
    report(f"reading the snapshot of block {found.block}, fingerprint {found.fingerprint}")
    await snapshot.check(found, federation, gateway)
    snapshot.check_fingerprint(found, fingerprint)
    await snapshot.join_from(gateway, federation.channel, directory)
    shutil.rmtree(directory)


async def _catch_up(federation: Federation, gateway: Gateway) -> None:
    goal = await blocks.newest_number(federation, gateway.signer)

    async def level() -> bool:
        try:
            return (await chain(gateway, [gateway.signer.msp_id])).height > goal
        except LedgerError:
            return False

    await wait_until(f"the peer has not reached block {goal}", level, _CATCH_UP_SECONDS)


async def _approve(gateway: Gateway, namespace: str, rules: Rules, own: bool) -> None:
    """Approve what is in force for `namespace`, or the first definition of the own one."""
    package = make_package(namespace, rules)
    now = await lifecycle.committed(gateway, namespace)
    if now is not None:
        await lifecycle.approve(gateway, now, package, in_force=True)
    elif own:
        await lifecycle.approve(gateway, Definition(namespace, rules.version, 1), package)


async def _commit_own(folder: Folder, gateway: Gateway, rules: Rules, patience: float) -> None:
    """Commit the own namespace's definition once everybody has approved it."""
    definition = Definition(folder.member.namespace, rules.version, 1)
    organisations: Sequence[str] = [member.msp_id for member in folder.federation.members]

    async def committed() -> bool:
        if await lifecycle.committed(gateway, definition.namespace) is not None:
            return True
        if all((await lifecycle.approvals(gateway, definition)).values()):
            try:
                await lifecycle.commit(gateway, definition, organisations)
            except LedgerError:
                return False
        return False

    await wait_until("the members have not all approved this condominium's namespace", committed, patience)
