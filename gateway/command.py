"""`condocharge serve`: run the gateway."""

from __future__ import annotations

import asyncio
import logging
from importlib.metadata import entry_points
from pathlib import Path

import click

from chaincode.errors import ContractError
from chaincode.signing.certificate import CertificateError
from gateway.configuration.condominium import CondominiumError
from gateway.configuration.secrets import SecretError
from gateway.grpc.server import GrpcServerError
from gateway.server import AddressError, Ready
from gateway.server import serve as serve_gateway
from gateway.settings import Settings, SettingsError, load
from gateway.site import SiteError
from gateway.store.errors import StoreError
from network.identity import IdentityError
from network.ledger import LedgerError

SENTENCES = (
    AddressError,
    CertificateError,
    CondominiumError,
    ContractError,
    GrpcServerError,
    IdentityError,
    LedgerError,
    SecretError,
    SettingsError,
    SiteError,
    StoreError,
)
"""Errors whose message is a sentence that says what to do."""


@click.command()
@click.option(
    "--settings",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="CONDOCHARGE_SETTINGS",
    help="The settings, a TOML file. Without it the environment alone decides.",
)
@click.option("--verbose", is_flag=True, help="Log what the services do, not only what goes wrong.")
def serve(file: Path | None, verbose: bool) -> None:
    """Run a condominium's gateway until it is interrupted.

    Prints `ready` and the addresses once it answers; at the first start also a link, used once, at which
    the first administrator sets a password. Every setting can be given as CONDOCHARGE_SECTION_MEMBER too,
    for instance CONDOCHARGE_CONDOMINIUM_CODE or CONDOCHARGE_HTTP_PORT.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    try:
        asyncio.run(serve_gateway(_with_pages(load(file)), _announce))
    except SENTENCES as error:
        raise click.ClickException(str(error)) from error


def _with_pages(settings: Settings) -> Settings:
    """The settings with the pages that are installed, where none are named."""
    if settings.pages.folder is not None:
        return settings
    for point in entry_points(group="condocharge.pages"):
        return settings.model_copy(
            update={"pages": settings.pages.model_copy(update={"folder": point.load()})}
        )
    return settings


def _announce(ready: Ready) -> None:
    if ready.invitation is not None:
        click.echo(f"Set the administrator's password (the link works once): {ready.invitation}")
    click.echo("ready")
    if ready.wallet is not None:
        click.echo(f"wallet   {ready.wallet}")
        click.echo(f"console  {ready.rest}")
    click.echo(f"REST     {ready.rest}/docs")
    click.echo(f"gRPC     {ready.grpc}")
