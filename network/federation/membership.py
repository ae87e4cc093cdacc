"""How the members let another condominium in, or one out.

Each member's administrator signs the same change of the channel's configuration. Where all the folders
are on one machine, one call collects the signatures; otherwise the proposal is a file that goes from member
to member, and whoever adds the last signature that is needed hands it to the orderers. Who leaves may sign
too, and of two members must, for one is no majority; but it hands nothing over, since it would not see what
becomes of it. Every step looks first whether it has been done, so an interrupted call is repeated.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from fabric_protos.common import configtx_pb2

from network.fabric.chain import chain
from network.fabric.gateway import Gateway
from network.fabric.proposal import Signer
from network.federation import configuration, lifecycle, snapshot
from network.federation.binaries import Binaries
from network.federation.description import Federation, FederationError, Member
from network.federation.folder import Folder, members_in
from network.federation.lifecycle import Definition
from network.federation.network import Report, administration
from network.federation.package import Rules, make_package
from network.federation.readiness import wait_until
from network.federation.server import serve_package
from network.federation.snapshot import LONG_CHAIN
from network.file import write

_Outcome = Literal["signed", "changed", "in force"]
"""More signatures are needed; this call made the change; or it had been made before."""
_SECONDS = 60.0
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of the configuration with the signatures that it has so far."""

    update: bytes
    signatures: dict[str, bytes]
    """By MSP id."""

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        signatures = {name: base64.b64encode(value).decode() for name, value in self.signatures.items()}
        record = {"update": base64.b64encode(self.update).decode(), "signatures": signatures}
        write(path, f"{json.dumps(record, indent=2)}\n".encode())

    @classmethod
    def load(cls, path: Path) -> Proposal:
        """Read what `save` wrote. Raises FederationError where it is not that."""
        try:
            record = json.loads(path.read_text())
            signatures = {name: base64.b64decode(value) for name, value in record["signatures"].items()}
            return cls(base64.b64decode(record["update"]), signatures)
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise FederationError(f"{path} holds no proposal: {error}") from error


async def admit(
    directory: Path,
    newcomer: Member,
    binaries: Binaries,
    rules: Rules,
    report: Report,
    *,
    snapshot_above: int = LONG_CHAIN,
) -> bool:
    """Let `newcomer` in, and approve its namespace, for the members whose folders are in `directory`.

    Whoever adds the last signature also takes a snapshot for the newcomer (`CODE.snapshot.tar` in
    `directory`) where the chain has `snapshot_above` blocks or more. Returns False where more members have
    to sign the proposal in `directory` first. Raises FederationError where the proposal is for another
    change, or the orderers refuse.
    """
    members = [folder for folder in members_in(directory) if folder.code != newcomer.code]
    before = members[0].federation
    if before.has(newcomer.code):
        after = before
    else:
        after = before.with_member(replace(newcomer, consenter=before.next_consenter))
    async with administration(members) as gateways:
        change = _Change(members, gateways, after, directory / f"{newcomer.code}.proposal.json")
        outcome = await change.make(binaries, report)
        if outcome == "signed":
            return False
        height = (await chain(gateways[0], [gateways[0].signer.msp_id])).height
        if outcome == "changed" and height >= snapshot_above:
            report("taking a snapshot")
            target = directory / f"{newcomer.code}.snapshot.tar"
            await snapshot.take(members[0], gateways[0], height, target)
        report(f"approving the namespace of {newcomer.code}")
        await approve_namespace(members, gateways, newcomer.namespace, rules)
    return True


async def let_out(directory: Path, code: str, binaries: Binaries, report: Report) -> bool:
    """Take `code` out of the federation, at its own wish or at the others', as `admit` lets in.

    Its namespace stays on the channel, endorsed by any two of those that remain, or by the one that does.
    Returns False where more members have to sign, or where `directory` is the leaving one's own folder: it
    signs, and one that remains goes on. Raises FederationError as `admit` does.
    """
    members = members_in(directory)
    remaining = [folder for folder in members if folder.code != code]
    acting = remaining or members
    before = acting[0].federation
    after = before.without(code) if before.has(code) else before
    if not after.members:
        raise FederationError(f"{code} is the only member; it ends with `down`")
    leaving = [folder.admin() for folder in members if folder.code == code]
    async with administration(acting) as gateways:
        path = directory / f"{code}.proposal.json"
        change = _Change(acting, gateways, after, path, also_signs=leaving, hands_over=bool(remaining))
        return await change.make(binaries, report) != "signed"


async def approve_namespace(
    members: Sequence[Folder], gateways: Sequence[Gateway], namespace: str, rules: Rules
) -> None:
    """Serve and install the package of `namespace`, and approve its first definition, at each member."""
    package = make_package(namespace, rules)
    for folder, gateway in zip(members, gateways, strict=True):
        serve_package(folder, package, rules.dispatch)
        await lifecycle.install(gateway, package)
        if await lifecycle.committed(gateway, namespace) is None:
            await lifecycle.approve(gateway, Definition(namespace, rules.version, 1), package)


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of the membership, as some of the members make it."""

    members: Sequence[Folder]
    gateways: Sequence[Gateway]
    after: Federation
    path: Path
    """The proposal's file."""
    also_signs: Sequence[Signer] = ()
    """Administrators who sign without being members afterwards."""
    hands_over: bool = True

    async def make(self, binaries: Binaries, report: Report) -> _Outcome:
        """Bring the channel's configuration to `after`, as far as the signatures at hand do."""
        gateway = self.gateways[0]
        now = await configuration.current(gateway)
        wanted = configuration.desired(now, self.after, binaries)
        update = configuration.difference(self.after.channel, now, wanted, binaries)
        if update is not None:
            report("signing the change")
            signers = {signer.msp_id: signer for signer in self.also_signs}
            signers |= {each.signer.msp_id: each.signer for each in self.gateways}
            proposal = _signed(self.path, update, signers.values())
            administrators = set(now.channel_group.groups["Application"].groups)
            present = len(administrators & set(proposal.signatures))
            needed = configuration.majority(len(administrators))
            if present < needed or not self.hands_over:
                report(f"{self.path}: {present} of {needed} signatures; hand it to another member")
                return "signed"
            report("changing the channel")
            await self._submit(proposal, int(now.sequence))
        self.path.unlink(missing_ok=True)
        for folder in self.members:
            self.after.save(folder.path / "federation.json")
        return "in force" if update is None else "changed"

    async def _submit(self, proposal: Proposal, sequence: int) -> None:
        gateway, signatures = self.gateways[0], list(proposal.signatures.values())

        async def changed() -> bool:
            return int((await configuration.current(gateway)).sequence) > sequence

        try:
            await configuration.submit(
                self.members[0], gateway.signer, self.after.channel, proposal.update, signatures
            )
        except FederationError:
            # An earlier call that was interrupted may have handed the same change over.
            with contextlib.suppress(FederationError):
                await wait_until("the channel's configuration has not changed", changed, _PATIENCE)
                return
            raise
        await wait_until("the channel's configuration has not changed", changed, _SECONDS)


def _signed(path: Path, update: bytes, signers: Iterable[Signer]) -> Proposal:
    """The proposal at `path`, or a new one, with the signatures of these administrators.

    Raises FederationError where the file's change is not the one that was asked for: nobody signs
    what they have not computed themselves.
    """
    proposal = Proposal.load(path) if path.exists() else Proposal(update, {})
    if _update(proposal.update) != _update(update):
        raise FederationError(f"{path} holds another change than this one, or one that is out of date")
    signatures = {signer.msp_id: configuration.sign(signer, proposal.update) for signer in signers}
    proposal = replace(proposal, signatures={**proposal.signatures, **signatures})
    proposal.save(path)
    return proposal


def _update(content: bytes) -> configtx_pb2.ConfigUpdate:
    return configtx_pb2.ConfigUpdate.FromString(content)
