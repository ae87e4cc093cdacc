"""Replacing the rules: every member approves the new ones, and from the commit on they decide."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from network.fabric.gateway import Gateway
from network.federation import lifecycle, supervisor
from network.federation.description import FederationError
from network.federation.folder import Folder, members_in
from network.federation.lifecycle import Definition
from network.federation.network import Report, administration
from network.federation.package import Package, Rules, make_package
from network.federation.server import retire_packages, serve_package


async def upgrade(directory: Path, rules: Rules, report: Report) -> list[str]:
    """Approve `rules` for every namespace, as the members in `directory`, and commit what all approved.

    The chaincode servers here start again with the new rules; the old packages are served beside the new
    ones until the commit. Returns the namespaces that still wait for other members. Raises FederationError
    where a namespace has no definition yet. Called again, it goes on where it was.
    """
    members = members_in(directory)
    federation = members[0].federation
    waiting = []
    async with administration(members) as gateways:
        packages = {name: make_package(name, rules) for name in federation.namespaces}
        for folder in members:
            for package in packages.values():
                serve_package(folder, package, rules.dispatch)
            _restart_rules(folder)
        for name, package in packages.items():
            report(f"approving the rules {rules.version} for {name}")
            if not await _upgrade_one(members, gateways, package, rules):
                waiting.append(name)
    return waiting


async def _upgrade_one(
    members: Sequence[Folder], gateways: Sequence[Gateway], package: Package, rules: Rules
) -> bool:
    """Whether `package` is now in force."""
    now = await lifecycle.committed(gateways[0], package.namespace)
    if now is None:
        raise FederationError(f"{package.namespace} has no definition yet; run `up` first")
    if now.version != rules.version:
        following = Definition(package.namespace, rules.version, now.sequence + 1)
        for gateway in gateways:
            await lifecycle.install(gateway, package)
            await lifecycle.approve(gateway, following, package)
        # Who approved last has all the others' approvals in its own peer's blocks; others may lag.
        given = await lifecycle.approvals(gateways[-1], following)
        if not all(given.values()):
            return False
        await lifecycle.commit(gateways[-1], following, list(given))
    for folder in members:
        retire_packages(folder, package, rules.dispatch)
    return True


def _restart_rules(folder: Folder) -> None:
    """End the chaincode server; its supervisor starts it again, with the rules that are installed now."""
    number = supervisor.running(folder, "chaincode")
    if number is not None:
        os.kill(number, signal.SIGTERM)
