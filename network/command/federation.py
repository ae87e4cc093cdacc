"""`condocharge network`: founding, starting, joining, leaving, and how it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from network.command.terminal import DIRECTORY, programs, says_what_is_wrong, steps
from network.command.upkeep import COMMANDS
from network.federation import network as federations
from network.federation import overview
from network.federation.binaries import FABRIC, FABRIC_CA
from network.federation.compose import PLACE, compose
from network.federation.description import (
    CERTIFICATES,
    CHANNEL,
    FEWEST_FOR_BFT,
    ORDERINGS,
    Certificates,
    Federation,
    Ordering,
    check_membership,
)
from network.federation.folder import (
    LAST_FIRST_PORT,
    LOCAL_ADDRESS,
    PORTS_PER_CONDOMINIUM,
    Folder,
    Ports,
    folders,
    members_in,
)
from network.federation.join import SNAPSHOT_FILE, join, prepare, read_public_file
from network.federation.listening import check_free, places
from network.federation.membership import admit, let_out
from network.federation.nodes import PROPOSAL_AGE, write_settings
from network.federation.package import RULES
from network.federation.snapshot import LONG_CHAIN
from network.federation.status import status

_FIRST_PORT = 21000


@click.group()
def network() -> None:
    """The Fabric network that condominiums run together."""


def _build_authority(wanted: bool) -> None:
    """Build fabric-ca where it is wanted and not there, with the progress shown."""
    if wanted:
        programs(FABRIC_CA)


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
@says_what_is_wrong
def show_binaries(certificate_authority: bool, as_json: bool) -> None:
    """Build Fabric's programs, or find them, and say their versions.

    CONDOCHARGE_FABRIC_BIN names a directory of release binaries to use instead.
    """
    rows = []
    for module in (FABRIC, FABRIC_CA) if certificate_authority else (FABRIC,):
        found = programs(module)
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
@click.argument("directory", type=DIRECTORY)
@click.option("--condominiums", default=4, show_default=True, type=click.IntRange(1, 30), help="How many.")
@click.option(
    "--code", "codes", multiple=True, help="A condominium's code, once for each, instead of condo1, condo2, …"
)
@click.option("--ordering", type=click.Choice(ORDERINGS), default="bft", show_default=True)
@click.option(
    "--first-port",
    default=_FIRST_PORT,
    show_default=True,
    type=click.IntRange(1, LAST_FIRST_PORT),
    help="Forty ports a condominium.",
)
@click.option("--containers", is_flag=True, help="For docker-compose: each host is called like its code.")
@_certificates_option
@says_what_is_wrong
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
    hosts = {name: name for name in names} if containers else None
    if not containers:
        _check_ports(directory, names, first_port, authority=certificates == "ca")
    _build_authority(certificates == "ca")
    made = federations.create(
        directory,
        Federation(CHANNEL, ordering),
        names,
        programs(),
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
            f"Fewer than {FEWEST_FOR_BFT} orderers survive no faulty one; here are {len(names)}.", err=True
        )
    for folder in made:
        member = folder.member
        click.echo(f"{member.code}: peer {member.peer}, orderer {member.orderer}, {folder.path}")
    click.echo(f"Start it: condocharge network up {directory}")


def _check_ports(directory: Path, names: Sequence[str], first_port: int, *, authority: bool) -> None:
    wanted = []
    for index, name in enumerate(names):
        ports = Ports.block(first_port + index * PORTS_PER_CONDOMINIUM)
        chaincode = range(ports.chaincode, ports.chaincode + len(names))
        wanted += places(name, LOCAL_ADDRESS, ports, chaincode, authority=authority)
    check_free(
        wanted,
        f"{directory} is not made. Stop what is in the way (where it is another network: `condocharge "
        "network down ITS-DIRECTORY`) or choose other ports: --first-port.",
    )


@network.command()
@click.argument("directory", type=DIRECTORY)
@click.option(
    "--proposal-age",
    default=PROPOSAL_AGE,
    show_default=True,
    help="How far a proposal's time may be from the peer's clock; widen it to replay the past.",
)
@click.option("--external", is_flag=True, help="The processes run elsewhere, in containers for instance.")
@says_what_is_wrong
def up(directory: Path, proposal_age: str, external: bool) -> None:
    """Start the condominiums in DIRECTORY (or the one whose folder it is) and wait until they can be used."""
    _build_authority(not external and any(folder.authority.exists() for folder in folders(directory)))
    built = None if external else programs()
    with steps() as report:
        asyncio.run(federations.up(directory, built, RULES, report, proposal_age=proposal_age))
    click.echo("ready")


@network.command()
@click.argument("directory", type=DIRECTORY)
@says_what_is_wrong
def down(directory: Path) -> None:
    """Stop the condominiums in DIRECTORY. Nothing is lost; `up` goes on."""
    federations.down(directory)


@network.command("status")
@click.argument("directory", type=DIRECTORY)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@says_what_is_wrong
def show_status(directory: Path, as_json: bool) -> None:
    """Show what runs, heights, lags, leaders, approvals and when certificates end."""
    found = asyncio.run(status(members_in(directory)))
    if as_json:
        click.echo(json.dumps([asdict(entry) for entry in found], indent=2))
        return
    Console().print(overview.machines(found))
    Console().print(overview.approvals(found))
    click.echo(overview.first_to_end(found))
    for sentence in overview.unanswered(found):
        click.echo(sentence, err=True)


@network.command("join")
@click.argument("directory", type=DIRECTORY)
@click.option("--code", required=True, help="The new condominium's code.")
@click.option(
    "--federation",
    "description",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The members' federation.json, from any of them.",
)
@click.option("--host", default=LOCAL_ADDRESS, show_default=True, help="Where the others reach this machine.")
@click.option(
    "--first-port",
    default=None,
    type=click.IntRange(1, LAST_FIRST_PORT),
    help="Forty ports. [default: after the members']",
)
@click.option("--patience", default=3600, show_default=True, help="Seconds to wait for the members.")
@_snapshot_option
@click.option("--fingerprint", default=None, help="The snapshot's, as a second member says it.")
@_certificates_option
@says_what_is_wrong
def join_federation(  # noqa: PLR0917  one parameter an option
    directory: Path,
    code: str,
    description: Path,
    host: str,
    first_port: int | None,
    patience: int,
    snapshot_above: int,
    fingerprint: str | None,
    certificates: Certificates,
) -> None:
    """Join a running federation with a new condominium, whose folder DIRECTORY becomes.

    Hand the public file that it names to the members; interrupted, call it again.
    """
    federation = Federation.load(description)
    after = PORTS_PER_CONDOMINIUM + max(member.peer_port for member in federation.members)
    ports = Ports.block(first_port or after)
    built = programs()
    _build_authority(certificates == "ca")
    public = prepare(
        directory,
        code,
        federation,
        built,
        ports=ports,
        host=host,
        certificates=certificates,
    )
    click.echo(f"Hand {public} to the members, who run: condocharge network admit THEIR-FOLDER {public.name}")
    with steps() as report:
        folder = Folder.open(directory)
        joining = join(
            folder,
            built,
            RULES,
            report,
            patience=patience,
            snapshot_above=snapshot_above,
            fingerprint=fingerprint,
        )
        asyncio.run(joining)
    click.echo("ready")


@network.command("admit")
@click.argument("directory", type=DIRECTORY)
@click.argument("newcomer", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_snapshot_option
@says_what_is_wrong
def admit_condominium(directory: Path, newcomer: Path, snapshot_above: int) -> None:
    """Let the condominium of the public file NEWCOMER in, as the member or members in DIRECTORY."""
    member = read_public_file(newcomer)
    with steps() as report:
        done = asyncio.run(admit(directory, member, programs(), RULES, report, snapshot_above=snapshot_above))
    _say_whether_done(done, directory)
    for path in directory.glob(f"{member.code}.snapshot.tar"):
        click.echo(f"The chain is long. Hand {path} to {member.code} too, as {SNAPSHOT_FILE} in its folder.")


@network.command("leave")
@click.argument("directory", type=DIRECTORY)
@click.argument("code")
@says_what_is_wrong
def leave_federation(directory: Path, code: str) -> None:
    """Take the condominium CODE out, as the member or members in DIRECTORY.

    Those that remain do it. Of two, both must sign: CODE itself too, in its own folder.
    """
    with steps() as report:
        done = asyncio.run(let_out(directory, code, programs(), report))
    _say_whether_done(done, directory)


def _say_whether_done(done: bool, directory: Path) -> None:
    if done:
        click.echo("done")
    else:
        click.echo(f"Signed; it does not suffice alone. Hand {directory}/*.proposal.json to another member.")


@network.command("compose")
@click.option("--condominiums", default=4, show_default=True, type=click.IntRange(1, 30), help="How many.")
@click.option("--directory", default="demo", show_default=True, help="Where `create --containers` made them.")
@_certificates_option
def show_compose(condominiums: int, directory: str, certificates: Certificates) -> None:
    """Print the docker-compose.yml that runs what `up` would, in containers."""
    names = [f"condo{number}" for number in range(1, condominiums + 1)]
    click.echo(compose(names, directory, certificates), nl=False)


for _command in COMMANDS:
    network.add_command(_command)
