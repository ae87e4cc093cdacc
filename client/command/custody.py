"""`condocharge wallet words`, `restore`, `passphrase` and `rotate-key`: keeping a wallet's key."""

from __future__ import annotations

from pathlib import Path

import click

from chaincode.signing.intent import RotateKeyIntent
from client.command.access import (
    NEW_PASSPHRASE,
    Unlocked,
    ask_passphrase,
    choose,
    keystore,
    wallet_option,
)
from client.command.failure import Failure
from client.command.terminal import json_option, notices, print_facts, print_json
from client.command.wallet import at_condominium, check_name, described, home_at, members_of
from client.wallet.gateway import Gateway, GatewayRefused
from client.wallet.key import WalletKey
from client.wallet.recovery import seed_of, words_of

_NOT_AUTHENTICATED = 401


@click.command()
@wallet_option
@json_option
def words(name: str | None, as_json: bool) -> None:
    """Show the 24 recovery words: whoever has them has the tokens.

    Write them on paper. The phone's wallet takes the same words.
    """
    chosen = choose(name)
    key = keystore().unlock(chosen.name, ask_passphrase(f"Passphrase of {chosen.name}"))
    sheet = words_of(key.seed)
    if as_json:
        print_json({"wallet": chosen.wallet, "words": sheet})
        return
    for first in range(0, len(sheet), 6):
        click.echo(" ".join(sheet[first : first + 6]))
    if key.public != key.wallet:
        notices().print(
            "Its key was rotated: write the wallet's id down too, and restore it with --id.", style="bold"
        )


@click.command()
@click.argument("name")
@click.option("--id", "identity", help="The wallet's id, where its key was rotated.")
@at_condominium
@json_option
def restore(*, name: str, identity: str | None, address: str, root: Path | None, as_json: bool) -> None:
    """Make a wallet called NAME of its recovery words, which are asked for."""
    check_name(name)
    if identity is not None and (len(identity) != 64 or set(identity) - set("0123456789abcdef")):
        raise click.BadParameter("is 64 lower-case hexadecimal digits", param_hint="--id")
    typed: str = click.prompt("The 24 words", err=True)
    try:
        key = WalletKey.from_seed(seed_of(typed))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="the words") from error
    if identity is not None:
        key = WalletKey(key.seed, bytes.fromhex(identity))
    home = home_at(address, root)
    with Gateway(address, network=home.network, key=key) as gateway:
        if not _signs(gateway):
            raise Failure(
                f"these words' key does not sign for the wallet {key.wallet.hex()}; if its key was rotated, "
                "give the id that the wallet had with --id, or the words of its latest key"
            )
    passphrase = ask_passphrase("Passphrase for the restored wallet", new=True)
    try:
        made = keystore().create(name, passphrase, key, home)
    except ValueError as error:
        raise Failure(f"{error}") from error
    if as_json:
        print_json(members_of(made))
    else:
        print_facts(described(made))


@click.command("passphrase")
@wallet_option
def change_passphrase(name: str | None) -> None:
    """Put another passphrase in the place of a wallet's.

    A script gives them in CONDOCHARGE_PASSPHRASE and CONDOCHARGE_NEW_PASSPHRASE.
    """
    chosen = choose(name)
    passphrase = ask_passphrase(f"Passphrase of {chosen.name}")
    keystore().unlock(chosen.name, passphrase)
    another = ask_passphrase(f"New passphrase of {chosen.name}", new=True, variable=NEW_PASSPHRASE)
    try:
        keystore().reseal(chosen.name, passphrase, another)
    except ValueError as error:
        raise Failure(f"{error}") from error
    notices().print("From now on the new one opens it; copies of the file still open with the old one.")


@click.command("rotate-key")
@wallet_option
@json_option
def rotate_key(name: str | None, as_json: bool) -> None:
    """Let a new key sign for a wallet: when somebody may have seen the old one.

    The new key is kept before it is asked for; if this breaks off, do it again. The recovery words are new.
    """
    chosen = choose(name)
    passphrase = ask_passphrase(f"Passphrase of {chosen.name}")
    key, following = keystore().unlock(chosen.name, passphrase), keystore().prepare(chosen.name, passphrase)
    home = chosen.home
    with Gateway(home.gateway, network=home.network, key=following) as gateway:
        if not _signs(gateway):
            opened = Unlocked(chosen, key, gateway)
            intent = RotateKeyIntent(**opened.members(), issuer=home.condominium, key=following.public.hex())
            signed = key.sign(intent)
            gateway.submit(signed, following.prove(signed))
    rotated = keystore().adopt(chosen.name)
    if as_json:
        print_json(members_of(rotated))
        return
    print_facts([*described(rotated), ("key", rotated.key)])
    notices().print("The recovery words are others now; see: condocharge wallet words", style="bold")


def _signs(gateway: Gateway) -> bool:
    """Whether the gateway's key is the one that signs for its wallet now."""
    try:
        gateway.balance()
    except GatewayRefused as error:
        if error.status != _NOT_AUTHENTICATED:
            raise
        return False
    return True
