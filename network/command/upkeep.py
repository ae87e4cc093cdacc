"""`condocharge network`'s commands for a condominium that is a member: keys, certificates, rules, logs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from network.command.terminal import DIRECTORY, programs, says_what_is_wrong, steps
from network.fabric.chain import chain
from network.federation.credentials import check_name, make_identity
from network.federation.export import export
from network.federation.folder import Folder, folders, key_of
from network.federation.issuer import issuer_of
from network.federation.join import SNAPSHOT_FILE
from network.federation.network import administration
from network.federation.package import RULES
from network.federation.renewal import renew, restart
from network.federation.revocation import revoke
from network.federation.snapshot import Snapshot, take
from network.federation.status import first_end
from network.federation.upgrade import upgrade


@click.command("revoke")
@click.argument("directory", type=DIRECTORY)
@click.argument("certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@says_what_is_wrong
def revoke_certificate(directory: Path, certificate: Path) -> None:
    """Have the whole network refuse CERTIFICATE of the condominium whose folder DIRECTORY is."""
    with steps() as report:
        report("changing the channel")
        asyncio.run(revoke(Folder.open(directory), certificate, programs()))
    click.echo("revoked")


@click.command("enrol")
@click.argument("directory", type=DIRECTORY)
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["admin", "gateway", "auditor"]), default="gateway", show_default=True
)
@says_what_is_wrong
def enrol_identity(directory: Path, name: str, role: str) -> None:
    """Give NAME a new key and certificate under the condominium whose folder DIRECTORY is.

    The key that NAME had before is replaced; revoke its certificate first where it was lost.
    """
    folder = Folder.open(directory)
    check_name(name)
    with issuer_of(folder) as issuer:
        click.echo(make_identity(folder, issuer, name, role))


@click.command("upgrade-chaincode")
@click.argument("directory", type=DIRECTORY)
@says_what_is_wrong
def upgrade_chaincode(directory: Path) -> None:
    """Approve the rules that are installed here, as the members in DIRECTORY; commit what all approved."""
    with steps() as report:
        waiting = asyncio.run(upgrade(directory, RULES, report))
    for name in waiting:
        click.echo(f"{name} waits for the other members' approval")
    if not waiting:
        click.echo(f"every namespace runs the rules {RULES.version}")


@click.command("renew-certificates")
@click.argument("directory", type=DIRECTORY)
@says_what_is_wrong
def renew_certificates(directory: Path) -> None:
    """Renew the certificates of the condominiums in DIRECTORY and restart what uses them, one by one.

    An identity whose key is not in its file is named and left where its authority wants the key's signature.
    The restart needs the administrator's key file.
    """
    for folder in folders(directory):
        found = renew(folder)
        for file in found.keyless:
            click.echo(f"{file} is not renewed: {key_of(file).name} is not beside it", err=True)
        administrator = key_of(folder.certificate("admin"))
        if administrator.exists():
            with steps() as report:
                report(f"restarting {folder.code}")
                asyncio.run(restart(folder))
        else:
            click.echo(
                f"{folder.code} is not restarted, and runs with the certificates before: put {administrator} "
                "back for it, and call this again",
                err=True,
            )
        count, end = len(found.renewed), first_end(folder)
        click.echo(f"{folder.code}: {count} certificates, the first ends {end:%Y-%m-%d}")


@click.command()
@click.argument("directory", type=DIRECTORY)
@click.option(
    "--process", type=click.Choice(["authority", "orderer", "peer", "chaincode", "supervisor"]), multiple=True
)
@click.option("--lines", default=20, show_default=True, type=click.IntRange(1))
@says_what_is_wrong
def logs(directory: Path, process: tuple[str, ...], lines: int) -> None:
    """Show the ends of the logs of the condominiums in DIRECTORY."""
    for folder in folders(directory):
        for name in process or ("supervisor", "authority", "orderer", "peer", "chaincode"):
            path = folder.log(name)
            if name == "authority" and not path.exists():
                continue
            click.secho(f"{folder.code} {name}", bold=True)
            tail = path.read_text(errors="replace").splitlines()[-lines:] if path.exists() else []
            for line in tail:
                click.echo(f"  {line}")


@click.command("snapshot")
@click.argument("directory", type=DIRECTORY)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=Path(SNAPSHOT_FILE))
@says_what_is_wrong
def take_snapshot(directory: Path, output: Path) -> None:
    """Pack the channel's state at the peer of the condominium whose folder DIRECTORY is, for a newcomer.

    The peer commits nothing while it writes. Two members' snapshots of one block have one fingerprint.
    """
    folder = Folder.open(directory)

    async def make() -> Snapshot:
        async with administration([folder]) as (gateway,):
            height = (await chain(gateway, [gateway.signer.msp_id])).height
            return await take(folder, gateway, height, output)

    made = asyncio.run(make())
    click.echo(f"{output}: block {made.block}, fingerprint {made.fingerprint}")


@click.command("export")
@click.argument("directory", type=DIRECTORY)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@says_what_is_wrong
def export_channel(directory: Path, file: Path) -> None:
    """Write the whole channel to FILE, one block a line, from the peer of a condominium in DIRECTORY.

    `condocharge audit verify FILE --root ROOT` verifies it, with no network and no gateway.
    """
    folder = folders(directory)[0]
    count = asyncio.run(export(folder, file))
    click.echo(f"{file}: {count} blocks, from the peer of {folder.code}")
    click.echo(f"Verify it: condocharge audit verify {file} --root {folder.path / 'ca/root.pem'}")


COMMANDS = (
    revoke_certificate, enrol_identity, upgrade_chaincode, renew_certificates, logs, take_snapshot,
    export_channel,
)  # fmt: skip
