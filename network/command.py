"""`condocharge network`: make, run and inspect the Fabric network that condominiums share."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from network.fabric.chain import chain
from network.federation import network as federations
from network.federation import overview
from network.federation.binaries import FABRIC, FABRIC_CA, Binaries, BinariesError, Module, binaries
from network.federation.compose import PLACE, compose
from network.federation.credentials import check_name, make_identity
from network.federation.description import (
    CERTIFICATES,
    CHANNEL,
    FEWEST_FOR_BFT,
    ORDERINGS,
    Certificates,
    Federation,
    FederationError,
    Ordering,
    check_membership,
)
from network.federation.folder import LOCAL_ADDRESS, PORTS_PER_CONDOMINIUM, Folder, Ports, folders, members_in
from network.federation.issuer import issuer_of
from network.federation.join import SNAPSHOT_FILE, join, prepare, read_public_file
from network.federation.membership import admit, let_out
from network.federation.nodes import PROPOSAL_AGE, write_settings
from network.federation.package import RULES
from network.federation.renewal import renew, restart
from network.federation.revocation import revoke
from network.federation.snapshot import LONG_CHAIN, Snapshot, take
from network.federation.status import first_end, status
from network.federation.upgrade import upgrade
from network.identity import IdentityError
from network.ledger import LedgerError

_console = Console(stderr=True)
_P = ParamSpec("_P")
_R = TypeVar("_R")
_FIRST_PORT = 21000
_DIRECTORY = click.Path(file_okay=False, path_type=Path)


def _says_what_is_wrong(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Show the errors that a person can act on as one sentence."""

    @functools.wraps(command)
    def wrapped(*arguments: _P.args, **options: _P.kwargs) -> _R:
        try:
            return command(*arguments, **options)
        except (FederationError, BinariesError, IdentityError, LedgerError) as error:
            raise click.ClickException(str(error)) from error

    return wrapped


@click.group()
def network() -> None:
    """The Fabric network that condominiums run together."""


@contextmanager
def _steps() -> Iterator[Callable[[str], None]]:
    """A spinner that says what is being done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=_console, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda step: progress.update(task, description=step)


def _programs(module: Module = FABRIC) -> Binaries:
    """The module's programs, with a progress bar where they have to be built."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("packages"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console, transient=True) as progress:
        task = progress.add_task("", total=None, visible=False)

        def report(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total or None, visible=True)

        return binaries(module, progress=report)


def _build_authority(wanted: bool) -> None:
    """Build fabric-ca where it is wanted and not there, with the progress shown."""
    if wanted:
        _programs(FABRIC_CA)


_certificates_option = click.option(
    "--certificates",
    type=click.Choice(CERTIFICATES),
    default="cryptogen",
    show_default=True,
    help="ca: each condominium runs a fabric-ca server of its own.",
)


_snapshot_option = click.option(
    "--snapshot-above",
    default=LONG_CHAIN,
    show_default=True,
    type=click.IntRange(0),
    help="From how many blocks on a newcomer takes a member's snapshot instead of reading them all.",
)


@network.command("binaries")
@click.option("--certificate-authority", is_flag=True, help="fabric-ca's programs too.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@_says_what_is_wrong
def show_binaries(certificate_authority: bool, as_json: bool) -> None:
    """Build Fabric's programs, or find them, and say their versions.

    CONDOCHARGE_FABRIC_BIN names a directory of release binaries to use instead.
    """
    rows = []
    for module in (FABRIC, FABRIC_CA) if certificate_authority else (FABRIC,):
        found = _programs(module)
        rows += [(name, found.version(name), str(found.path(name))) for name in module.programs]
    if as_json:
        fields = ("program", "version", "path")
        click.echo(json.dumps([dict(zip(fields, row, strict=True)) for row in rows], indent=2))
        return
    table = Table("program", "version", "path")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@network.command()
@click.argument("directory", type=_DIRECTORY)
@click.option("--condominiums", default=4, show_default=True, type=click.IntRange(1, 30), help="How many.")
@click.option(
    "--code", "codes", multiple=True, help="A condominium's code, once for each, instead of condo1, condo2, …"
)
@click.option("--ordering", type=click.Choice(ORDERINGS), default="bft", show_default=True)
@click.option("--first-port", default=_FIRST_PORT, show_default=True, help="Forty ports a condominium.")
@click.option("--containers", is_flag=True, help="For docker-compose: each host is called like its code.")
@_certificates_option
@_says_what_is_wrong
def create(  # noqa: PLR0917  one parameter an option
    directory: Path,
    condominiums: int,
    codes: tuple[str, ...],
    ordering: Ordering,
    first_port: int,
    containers: bool,
    certificates: Certificates,
) -> None:
    """Make keys, settings and the channel's first block in DIRECTORY, a folder for each condominium."""
    names = list(codes) or [f"condo{number}" for number in range(1, condominiums + 1)]
    check_membership(names, ordering)
    if containers and certificates == "ca":
        raise click.UsageError("--containers: the compose file runs no certificate authorities")
    hosts = {name: name for name in names} if containers else None
    _build_authority(certificates == "ca")
    made = federations.create(
        directory,
        Federation(CHANNEL, ordering),
        names,
        _programs(),
        RULES,
        first_port=first_port,
        hosts=hosts,
        certificates=certificates,
    )
    if containers:
        for folder in made:
            write_settings(folder, place=PLACE)
    if ordering == "bft" and len(names) < FEWEST_FOR_BFT:
        click.echo(
            f"With {len(names)} orderers no faulty one is survived; that takes {FEWEST_FOR_BFT}.", err=True
        )
    for folder in made:
        member = folder.member
        click.echo(f"{member.code}: peer {member.peer}, orderer {member.orderer}, {folder.path}")
    click.echo(f"Start it: condocharge network up {directory}")


@network.command()
@click.argument("directory", type=_DIRECTORY)
@click.option(
    "--proposal-age",
    default=PROPOSAL_AGE,
    show_default=True,
    help="How far a proposal's time may be from the peer's clock; widen it to replay the past.",
)
@click.option("--external", is_flag=True, help="The processes run elsewhere, in containers for instance.")
@_says_what_is_wrong
def up(directory: Path, proposal_age: str, external: bool) -> None:
    """Start the condominiums in DIRECTORY (or the one whose folder it is) and wait until they can be used."""
    with _steps() as report:
        _build_authority(not external and any(folder.authority.exists() for folder in folders(directory)))
        programs = None if external else _programs()
        asyncio.run(federations.up(directory, programs, RULES, report, proposal_age=proposal_age))
    click.echo("ready")


@network.command()
@click.argument("directory", type=_DIRECTORY)
@_says_what_is_wrong
def down(directory: Path) -> None:
    """Stop the condominiums in DIRECTORY. Nothing is lost; `up` goes on."""
    federations.down(directory)


@network.command("status")
@click.argument("directory", type=_DIRECTORY)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@_says_what_is_wrong
def show_status(directory: Path, as_json: bool) -> None:
    """Show what runs, heights, lags, leaders, approvals and when certificates end."""
    found = asyncio.run(status(members_in(directory)))
    if as_json:
        click.echo(json.dumps([asdict(entry) for entry in found], indent=2))
        return
    Console().print(overview.machines(found))
    Console().print(overview.approvals(found))


@network.command("join")
@click.argument("directory", type=_DIRECTORY)
@click.option("--code", required=True, help="The new condominium's code.")
@click.option(
    "--federation",
    "description",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The members' federation.json, from any of them.",
)
@click.option("--host", default=LOCAL_ADDRESS, show_default=True, help="Where the others reach this machine.")
@click.option("--first-port", default=None, type=int, help="Forty ports. [default: after the members']")
@click.option("--patience", default=3600, show_default=True, help="Seconds to wait for the members.")
@_snapshot_option
@_certificates_option
@_says_what_is_wrong
def join_federation(  # noqa: PLR0917  one parameter an option
    directory: Path,
    code: str,
    description: Path,
    host: str,
    first_port: int | None,
    patience: int,
    snapshot_above: int,
    certificates: Certificates,
) -> None:
    """Join a running federation with a new condominium, whose folder DIRECTORY becomes.

    Hand the public file that it names to the members; interrupted, call it again.
    """
    federation = Federation.load(description)
    port = first_port or PORTS_PER_CONDOMINIUM + max(member.peer_port for member in federation.members)
    programs = _programs()
    _build_authority(certificates == "ca")
    public = prepare(
        directory,
        code,
        federation,
        programs,
        ports=Ports.block(port),
        host=host,
        certificates=certificates,
    )
    click.echo(f"Hand {public} to the members, who run: condocharge network admit THEIR-FOLDER {public.name}")
    with _steps() as report:
        folder = Folder.open(directory)
        asyncio.run(join(folder, programs, RULES, report, patience=patience, snapshot_above=snapshot_above))
    click.echo("ready")


@network.command("admit")
@click.argument("directory", type=_DIRECTORY)
@click.argument("newcomer", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_snapshot_option
@_says_what_is_wrong
def admit_condominium(directory: Path, newcomer: Path, snapshot_above: int) -> None:
    """Let the condominium of the public file NEWCOMER in, as the member or members in DIRECTORY."""
    member = read_public_file(newcomer)
    with _steps() as report:
        done = asyncio.run(
            admit(directory, member, _programs(), RULES, report, snapshot_above=snapshot_above)
        )
    _say_whether_done(done, directory)
    for path in directory.glob(f"{member.code}.snapshot.tar"):
        click.echo(f"The chain is long. Hand {path} to {member.code} too, as {SNAPSHOT_FILE} in its folder.")


@network.command("snapshot")
@click.argument("directory", type=_DIRECTORY)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=Path(SNAPSHOT_FILE))
@_says_what_is_wrong
def take_snapshot(directory: Path, output: Path) -> None:
    """Pack the channel's state at the peer of the condominium whose folder DIRECTORY is, for a newcomer.

    The peer commits nothing while it writes. Two members' snapshots of one block have one fingerprint.
    """
    folder = Folder.open(directory)

    async def make() -> Snapshot:
        async with federations.administration([folder]) as (gateway,):
            height = (await chain(gateway, [gateway.signer.msp_id])).height
            return await take(folder, gateway, height, output)

    made = asyncio.run(make())
    click.echo(f"{output}: block {made.block}, fingerprint {made.fingerprint}")


@network.command("leave")
@click.argument("directory", type=_DIRECTORY)
@click.argument("code")
@_says_what_is_wrong
def leave_federation(directory: Path, code: str) -> None:
    """Take the condominium CODE out, as the member or members in DIRECTORY that remain."""
    with _steps() as report:
        done = asyncio.run(let_out(directory, code, _programs(), report))
    _say_whether_done(done, directory)


def _say_whether_done(done: bool, directory: Path) -> None:
    if done:
        click.echo("done")
    else:
        click.echo(f"Signed; more signatures are needed. Hand {directory}/*.proposal.json to another member.")


@network.command("compose")
@click.option("--condominiums", default=4, show_default=True, type=click.IntRange(1, 30), help="How many.")
@click.option("--directory", default="demo", show_default=True, help="Where `create --containers` made them.")
def show_compose(condominiums: int, directory: str) -> None:
    """Print the docker-compose.yml that runs what `up` would, in containers."""
    names = [f"condo{number}" for number in range(1, condominiums + 1)]
    click.echo(compose(names, directory), nl=False)


@network.command("revoke")
@click.argument("directory", type=_DIRECTORY)
@click.argument("certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_says_what_is_wrong
def revoke_certificate(directory: Path, certificate: Path) -> None:
    """Have the whole network refuse CERTIFICATE of the condominium whose folder DIRECTORY is."""
    with _steps() as report:
        report("changing the channel")
        asyncio.run(revoke(Folder.open(directory), certificate, _programs()))
    click.echo("revoked")


@network.command("enrol")
@click.argument("directory", type=_DIRECTORY)
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["admin", "gateway", "auditor"]), default="gateway", show_default=True
)
@_says_what_is_wrong
def enrol_identity(directory: Path, name: str, role: str) -> None:
    """Give NAME a new key and certificate under the condominium whose folder DIRECTORY is.

    The key that NAME had before is replaced; revoke its certificate first where it was lost.
    """
    folder = Folder.open(directory)
    check_name(name)
    with issuer_of(folder) as issuer:
        click.echo(make_identity(folder, issuer, name, role))


@network.command("upgrade-chaincode")
@click.argument("directory", type=_DIRECTORY)
@_says_what_is_wrong
def upgrade_chaincode(directory: Path) -> None:
    """Approve the rules that are installed here, as the members in DIRECTORY; commit what all approved."""
    with _steps() as report:
        waiting = asyncio.run(upgrade(directory, RULES, report))
    for name in waiting:
        click.echo(f"{name} waits for the other members' approval")
    if not waiting:
        click.echo(f"every namespace runs the rules {RULES.version}")


@network.command("renew-certificates")
@click.argument("directory", type=_DIRECTORY)
@_says_what_is_wrong
def renew_certificates(directory: Path) -> None:
    """Renew the certificates of the condominiums in DIRECTORY and restart what uses them, one by one."""
    for folder in folders(directory):
        renewed = renew(folder)
        with _steps() as report:
            report(f"restarting {folder.code}")
            asyncio.run(restart(folder))
        click.echo(f"{folder.code}: {len(renewed)} certificates, the first ends {first_end(folder):%Y-%m-%d}")


@network.command()
@click.argument("directory", type=_DIRECTORY)
@click.option(
    "--process", type=click.Choice(["authority", "orderer", "peer", "chaincode", "supervisor"]), multiple=True
)
@click.option("--lines", default=20, show_default=True, type=click.IntRange(1))
@_says_what_is_wrong
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
