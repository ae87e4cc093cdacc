"""`condocharge wallet`: make, list, show and unlock wallets; see what is in one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from client.command.access import (
    PASSPHRASE,
    USUAL_GATEWAY,
    ask_passphrase,
    choose,
    keystore,
    unlocked,
    wallet_options,
)
from client.command.failure import Failure, read_file
from client.command.terminal import json_option, local_time, notices, print_facts, print_json, print_table
from client.wallet.gateway import Gateway
from client.wallet.key import WalletKey
from client.wallet.keystore import Home, LockedWallet
from client.wallet.money import format_amount


@click.group()
def wallet() -> None:
    """Keys that never leave this machine, and what they hold."""


_Function = TypeVar("_Function", bound=Callable[..., Any])


def at_condominium(function: _Function) -> _Function:
    """The options of a command that makes a wallet: `--gateway` and `--root`."""
    gateway = click.option(
        "--gateway",
        "address",
        envvar="CONDOCHARGE_GATEWAY",
        default=USUAL_GATEWAY,
        show_default=True,
        help="The condominium's gateway.",
    )
    root = click.option(
        "--root",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The condominium's root certificate (PEM), where you have it from somebody you trust.",
    )
    return gateway(root(function))


@wallet.command()
@click.argument("name")
@at_condominium
@json_option
def create(*, name: str, address: str, root: Path | None, as_json: bool) -> None:
    """Make a wallet called NAME at a condominium.

    The wallet remembers the condominium's root certificate and believes no receipt that was not signed
    under it. Compare the fingerprint with the one on the condominium's notice board, or give --root.
    """
    check_name(name)
    home = home_at(address, root)
    passphrase = ask_passphrase("Passphrase for the new wallet", new=True)
    try:
        made = keystore().create(name, passphrase, WalletKey.generate(), home)
    except ValueError as error:
        raise Failure(f"{error}") from error
    if as_json:
        print_json(members_of(made))
        return
    print_facts(described(made))
    notices().print(
        "Without the passphrase nobody can open the wallet. Write its recovery words down too: "
        f"condocharge wallet words --wallet {name}",
        style="bold",
    )


def check_name(name: str) -> None:
    """`name` can be a new wallet's. Raises click.BadParameter, WalletExists."""
    try:
        keystore().check_free(name)
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="NAME") from error


def home_at(address: str, root: Path | None) -> Home:
    """The condominium whose gateway is at `address`; with `root` only where that is its root certificate."""
    with Gateway(address) as gateway:
        condominium = gateway.condominium()
    certificate = condominium.root_certificate
    if root is not None:
        known = read_file(root).decode("ascii", "replace")
        if fingerprint(known) != fingerprint(certificate):
            raise Failure(
                f"the gateway at {address} shows another root certificate than {root}; do not use it"
            )
        certificate = known
    fingerprint(certificate)
    return Home(
        gateway=gateway.address,
        network=condominium.network,
        condominium=condominium.code,
        currency=condominium.currency,
        decimals=condominium.decimals,
        root_certificate=certificate,
    )


@wallet.command("list")
@json_option
def list_wallets(as_json: bool) -> None:
    """List the wallets on this machine."""
    wallets = keystore().wallets()
    if as_json:
        print_json([members_of(each) for each in wallets])
    elif not wallets:
        notices().print("There is no wallet yet. Make one with: condocharge wallet create NAME")
    else:
        rows = [(each.name, each.home.condominium, each.home.gateway, each.wallet) for each in wallets]
        print_table(("name", "condominium", "gateway", "wallet"), rows)


@wallet.command()
@click.argument("name", required=False)
@json_option
def show(name: str | None, as_json: bool) -> None:
    """Show what may be known of a wallet without its passphrase."""
    chosen = choose(name)
    if as_json:
        print_json(members_of(chosen) | {"fingerprint": fingerprint(chosen.home.root_certificate)})
        return
    print_facts(described(chosen))


@wallet.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def unlock(name: str, command: tuple[str, ...]) -> None:
    """Check the passphrase of wallet NAME; with a COMMAND, run it with the wallet unlocked.

    Nothing is left behind: no agent, no file. Each command that signs asks for the passphrase by itself; a
    script is given it for as long as it runs:

        condocharge wallet unlock maria -- ./charge-tonight.sh
    """
    chosen = choose(name)
    passphrase = ask_passphrase(f"Passphrase of {name}")
    keystore().unlock(name, passphrase)
    if not command:
        notices().print(f"The passphrase opens {chosen.name}.")
        return
    environment = os.environ | {PASSPHRASE: passphrase, "CONDOCHARGE_WALLET": name}
    try:
        done = subprocess.run(command, env=environment, check=False)
    except OSError as error:
        raise Failure(f"{command[0]} cannot be run: {error.strerror or error}") from error
    raise SystemExit(done.returncode)


@wallet.command()
@wallet_options
@click.option("--rows", default=20, show_default=True, help="How many movements to show at most.")
@json_option
def statement(name: str | None, address: str | None, rows: int, as_json: bool) -> None:
    """Show balance, escrow and the latest movements."""
    with unlocked(choose(name), address) as opened:
        balance = opened.gateway.balance()
        movements = [row for row, _ in zip(opened.gateway.statement(), range(rows), strict=False)]
    if as_json:
        print_json(asdict(balance) | {"rows": [asdict(row) for row in movements]})
        return
    home = opened.wallet.home

    def money(amount: int) -> str:
        return format_amount(amount, home.decimals, home.currency)

    print_facts([("balance", money(balance.balance)), ("held by sessions", money(balance.escrow))])
    if movements:
        print_table(
            ("time", "kind", "amount", "session"),
            [(local_time(row.time), row.kind, money(row.amount), row.session) for row in movements],
        )


def fingerprint(certificate: str) -> str:
    """SHA-256 of a PEM certificate, as certificates are compared by people."""
    try:
        digest = x509.load_pem_x509_certificate(certificate.encode()).fingerprint(SHA256())
    except ValueError as error:
        raise Failure(
            "the root certificate is not a certificate in PEM form; ask the condominium for it"
        ) from error
    return ":".join(f"{byte:02X}" for byte in digest)


def described(wallet: LockedWallet) -> list[tuple[str, object]]:
    """What may be known of a wallet without its passphrase, by name."""
    home = wallet.home
    return [
        ("name", wallet.name),
        ("wallet", wallet.wallet),
        ("condominium", home.condominium),
        ("network", home.network),
        ("gateway", home.gateway),
        ("root certificate", fingerprint(home.root_certificate)),
    ]


def members_of(wallet: LockedWallet) -> dict[str, object]:
    """The same for a script."""
    return {"name": wallet.name, "wallet": wallet.wallet, "key": wallet.key, **asdict(wallet.home)}
