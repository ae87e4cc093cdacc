"""`condocharge buy`: tokens from the condominium."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from client.command.access import choose, unlocked, wallet_options
from client.command.failure import Failure
from client.command.terminal import amount_of, json_option, notices, plain, print_facts, print_json
from client.wallet.gateway import Gateway
from client.wallet.money import format_amount

_POLL = 2.0


# A negative amount is told as what it is, not taken for an option.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("amount")
@click.option("--wait", is_flag=True, help="Stay until the condominium has confirmed the payment.")
@wallet_options
@json_option
def buy(amount: str, wait: bool, name: str | None, address: str | None, as_json: bool) -> None:
    """Ask for AMOUNT of tokens.

    Prints the reference to pay under. The tokens arrive when the condominium has confirmed the payment."""
    wallet = choose(name)
    home = wallet.home
    minor = amount_of(amount, home.decimals)
    with unlocked(wallet, address) as opened:
        purchase = opened.gateway.buy(minor)
        price = format_amount(purchase.amount, home.decimals, home.currency)
        if wait:
            notices().print(f"Pay {plain(price)} with the reference {plain(purchase.reference)}.")
            _wait(opened.gateway, purchase.reference)
            purchase = opened.gateway.purchase(purchase.reference)
    if as_json:
        print_json(asdict(purchase))
    else:
        print_facts([("reference", purchase.reference), ("amount", price), ("state", purchase.state)])
        if purchase.state == "pending":
            notices().print(
                "The tokens arrive when the condominium confirms the payment; --wait waits for it."
            )


def _wait(gateway: Gateway, reference: str) -> None:
    with notices().status("waiting for the condominium to confirm the payment"):
        while (state := gateway.purchase(reference).state) == "pending":
            time.sleep(_POLL)
    if state != "paid":
        raise Failure(f"the purchase {reference} is {state}; ask the condominium, or buy again")
