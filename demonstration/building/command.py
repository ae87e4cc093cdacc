"""`condocharge run`: the demonstration condominium."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import click

from demonstration.building.building import RESIDENTS, Opened
from demonstration.building.building import run as run_building
from gateway.collector import collect_seldom
from gateway.command import SENTENCES
from gateway.server import AddressError

PORT = 8080


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_533),
    default=PORT,
    show_default=True,
    envvar="PORT",
    help="Of the wallet; the console has the next.",
)
@click.option(
    "--folder",
    default=Path("run"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the building lives; run again, it goes on where it was.",
)
@click.option(
    "--push-origin",
    multiple=True,
    help="A push service of your own network, such as http://push.lan:8090; may be given again.",
)
@click.option(
    "--residents",
    type=click.IntRange(0, len(RESIDENTS)),
    default=len(RESIDENTS),
    show_default=True,
    help="Who come and go by themselves; with none, every socket is yours at once.",
)
@click.option("--verbose", is_flag=True, help="Log what the services do, not only what goes wrong.")
def run(port: int, folder: Path, push_origin: tuple[str, ...], residents: int, verbose: bool) -> None:
    """Start a demonstration condominium with simulated sockets, cars and residents."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    try:
        collect_seldom()
        asyncio.run(run_building(folder, port, _announce, push_origin, residents))
    except AddressError as error:
        raise click.ClickException(
            f"{error}. The demonstration takes three ports in a row, from PORT on: try make run PORT=9000"
        ) from error
    except SENTENCES as error:
        raise click.ClickException(str(error)) from error


def _announce(opened: Opened) -> None:
    click.echo("ready")
    click.echo(f"wallet   {opened.wallet}   make a wallet, buy tokens, charge at socket 3")
    click.echo(f"console  {opened.console}   log in as {opened.username}, password {opened.password}")
    click.echo(f"REST     {opened.rest}/docs")
    click.echo(f"gRPC     {opened.grpc}")
    click.echo(f"root     {opened.root}   what receipts and audits are checked against")
    click.echo(f"by hand  condocharge wallet create maria --gateway {opened.rest}")
    click.echo(f"Ctrl-C, or kill {os.getpid()}, stops it; run again, it goes on where it was.")
