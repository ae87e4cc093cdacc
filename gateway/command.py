"""`condocharge serve` runs the gateway, `invite` lets somebody in who lost their password, `rebuild` makes
the projections anew."""

from __future__ import annotations

import asyncio
import logging
from importlib.metadata import entry_points
from pathlib import Path

import click

from chaincode.errors import ContractError
from chaincode.signing.certificate import CertificateError
from gateway.access.password import Passwords
from gateway.access.routes import invitation_link
from gateway.access.service import Access
from gateway.access.session import Sessions
from gateway.app import Gateway
from gateway.clock import SystemClock
from gateway.collector import collect_seldom
from gateway.configuration.condominium import CondominiumError
from gateway.configuration.secrets import SecretError
from gateway.grpc.server import GrpcServerError
from gateway.server import AddressError, Ready
from gateway.server import serve as serve_gateway
from gateway.settings import Settings, SettingsError, load
from gateway.site import SiteError
from gateway.store.database import Database
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

_settings_option = click.option(
    "--settings",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="CONDOCHARGE_SETTINGS",
    help="The settings, a TOML file. Without it the environment alone decides.",
)


@click.command()
@_settings_option
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
    collect_seldom()
    try:
        asyncio.run(serve_gateway(_with_pages(load(file)), _announce))
    except SENTENCES as error:
        raise click.ClickException(str(error)) from error


@click.command()
@_settings_option
@click.argument("username")
def invite(file: Path | None, username: str) -> None:
    """Print a link, used once, at which USERNAME sets a new password.

    For an administrator who lost theirs: it works on the gateway's own machine, with its settings, whether
    the gateway runs or not. The old password works until the link has been used.
    """
    try:
        click.echo(asyncio.run(_invitation(load(file), username)))
    except SENTENCES as error:
        raise click.ClickException(str(error)) from error


@click.command()
@_settings_option
def rebuild(file: Path | None) -> None:
    """Drop what the database holds of the ledger, and fill it again from the ledger.

    Nothing else is touched: accounts, settings, readings and secrets stay. Stop all gateways on this
    database first.
    """
    try:
        tables = asyncio.run(_rebuild(load(file)))
    except SENTENCES as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"rebuilt from the ledger: {', '.join(tables)}")


async def _rebuild(settings: Settings) -> list[str]:
    async with await Gateway.open(settings) as gateway:
        return await gateway.rebuild()


async def _invitation(settings: Settings, username: str) -> str:
    database = await Database.open(settings.database_url)
    try:
        clock = SystemClock()
        sessions = Sessions(database, clock, settings.access)
        access = Access(database, clock, sessions, Passwords(), settings.access)
        return invitation_link(settings.origin, await access.invite_from_console(username))
    finally:
        await database.close()


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
