"""`condocharge transfer` and `redeem`: tokens to another wallet, or back to their condominium."""

from __future__ import annotations

import re

import click

from chaincode.signing.intent import RedeemIntent, TransferIntent
from client.command.access import Unlocked, choose, unlocked, wallet_options
from client.command.terminal import amount_of, json_option, print_facts, print_json
from client.wallet.money import format_amount

_WALLET = re.compile(r"[0-9a-f]{64}")


def _wallet(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if _WALLET.fullmatch(value) is None:
        raise click.BadParameter("is a wallet's id: 64 lower-case hexadecimal digits")
    return value


@click.command()
@click.argument("to", callback=_wallet)
@click.argument("amount")
@click.option("--yes", is_flag=True, help="Sign without asking.")
@wallet_options
@json_option
def transfer(
    *, to: str, amount: str, yes: bool, name: str | None, address: str | None, as_json: bool
) -> None:
    """Give AMOUNT of tokens to the wallet TO. It cannot be undone."""
    wallet = choose(name)
    home = wallet.home
    minor = amount_of(amount, home.decimals)
    shown = format_amount(minor, home.decimals, home.currency)
    if to == wallet.wallet:
        raise click.BadParameter("is this very wallet", param_hint="TO")
    if not yes:
        click.confirm(f"Give {shown} to {to}?", abort=True, err=True)
    with unlocked(wallet, address) as opened:
        intent = TransferIntent(**opened.members(), issuer=home.condominium, to=to, amount=minor)
        _submit(opened, intent, [("given", shown), ("to", to)], as_json=as_json)


@click.command()
@click.argument("amount")
@click.option("--yes", is_flag=True, help="Sign without asking.")
@wallet_options
@json_option
def redeem(*, amount: str, yes: bool, name: str | None, address: str | None, as_json: bool) -> None:
    """Give AMOUNT of tokens back to the condominium, which owes you their price."""
    wallet = choose(name)
    home = wallet.home
    minor = amount_of(amount, home.decimals)
    shown = format_amount(minor, home.decimals, home.currency)
    if not yes:
        click.confirm(f"Give {shown} back to {home.condominium}?", abort=True, err=True)
    with unlocked(wallet, address) as opened:
        intent = RedeemIntent(**opened.members(), issuer=home.condominium, amount=minor)
        _submit(opened, intent, [("given back", shown), ("to", home.condominium)], as_json=as_json)


def _submit(
    opened: Unlocked,
    intent: TransferIntent | RedeemIntent,
    facts: list[tuple[str, object]],
    *,
    as_json: bool,
) -> None:
    signed = opened.key.sign(intent)
    record = opened.gateway.submit(signed)
    if as_json:
        print_json(record)
    else:
        print_facts([*facts, ("intent", signed.id)])
