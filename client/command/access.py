"""Which wallet a command is for, how it is unlocked, and which gateway it asks."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import GetPassWarning
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import click

from chaincode.signing.intent import new_nonce
from client.command.failure import Failure
from client.wallet.gateway import Gateway
from client.wallet.key import WalletKey
from client.wallet.keystore import SHORTEST_PASSPHRASE, Keystore, LockedWallet

PASSPHRASE = "CONDOCHARGE_PASSPHRASE"  # noqa: S105 - a variable's name
NEW_PASSPHRASE = "CONDOCHARGE_NEW_PASSPHRASE"  # noqa: S105 - a variable's name
USUAL_GATEWAY = "http://127.0.0.1:8080"
INTENT_VALIDITY = 600
"""Seconds: long enough for a slow network, short enough that a gateway cannot keep an intent for later."""
_Function = TypeVar("_Function", bound=Callable[..., Any])


class IntentMembers(TypedDict):
    """The members that all kinds of intent have."""

    network: str
    wallet: str
    nonce: str
    expires: int


@dataclass(frozen=True, slots=True)
class Unlocked:
    """An unlocked wallet and the gateway that it talks to."""

    wallet: LockedWallet
    key: WalletKey
    gateway: Gateway

    def members(self) -> IntentMembers:
        """What every intent of this wallet holds, with a fresh nonce; signed now, it is valid for a while."""
        return IntentMembers(
            network=self.wallet.home.network,
            wallet=self.wallet.wallet,
            nonce=new_nonce(),
            expires=int(time.time()) + INTENT_VALIDITY,
        )


def keystore() -> Keystore:
    """The wallets of this user: under CONDOCHARGE_HOME, or where the platform keeps settings."""
    home = os.environ.get("CONDOCHARGE_HOME") or click.get_app_dir("condocharge")
    return Keystore(Path(home) / "wallets")


wallet_option: Callable[[_Function], _Function] = click.option(
    "--wallet", "name", envvar="CONDOCHARGE_WALLET", help="Which wallet; not needed where there is one."
)


def wallet_options(function: _Function) -> _Function:
    """The options of each command that acts for a wallet: `--wallet` and `--gateway`."""
    gateway = click.option(
        "--gateway", "address", help="Ask this gateway instead of the wallet's own: when visiting."
    )
    return wallet_option(gateway(function))


def choose(name: str | None) -> LockedWallet:
    """The wallet called `name`, or the only one there is."""
    if name is not None:
        return keystore().wallet(name)
    wallets = keystore().wallets()
    if len(wallets) == 1:
        return wallets[0]
    if not wallets:
        raise Failure("there is no wallet yet; make one with: condocharge wallet create NAME")
    names = ", ".join(wallet.name for wallet in wallets)
    raise Failure(f"there are several wallets ({names}); say which with --wallet")


def gateway_of(name: str | None) -> str:
    """The gateway of the wallet called `name`, or the one that all wallets have, or the usual one."""
    if name is not None:
        return choose(name).home.gateway
    known = {wallet.home.gateway for wallet in keystore().wallets()}
    if len(known) > 1:
        raise Failure(f"your wallets are at several gateways ({', '.join(sorted(known))}); add --gateway")
    return known.pop() if known else os.environ.get("CONDOCHARGE_GATEWAY", USUAL_GATEWAY)


def ask_passphrase(prompt: str, *, new: bool = False, variable: str = PASSPHRASE) -> str:
    """The passphrase: from the environment, or typed unseen; one that is `new` twice, after what is asked of
    it was said. Raises Failure where nobody can type."""
    if new:
        prompt = f"{prompt} (at least {SHORTEST_PASSPHRASE} characters)"
    given = os.environ.get(variable)
    if given:
        return given
    with warnings.catch_warnings():
        # Without a terminal getpass would show what is typed, and say so in a warning.
        warnings.simplefilter("error", GetPassWarning)
        try:
            typed: str = click.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True)
        except GetPassWarning as error:
            raise Failure(
                f"there is no terminal on which to ask for the passphrase; give it in {variable}, or run the "
                "script with: condocharge wallet unlock NAME -- SCRIPT"
            ) from error
    return typed


@contextmanager
def unlocked(wallet: LockedWallet, address: str | None) -> Iterator[Unlocked]:
    """The wallet, unlocked for the length of one command, with its gateway."""
    key = keystore().unlock(wallet.name, ask_passphrase(f"Passphrase of {wallet.name}"))
    with Gateway(address or wallet.home.gateway, network=wallet.home.network, key=key) as gateway:
        yield Unlocked(wallet, key, gateway)
