"""`condocharge units`: where a car can charge."""

from __future__ import annotations

from dataclasses import asdict

import click

from client.command.access import gateway_of, wallet_options
from client.command.terminal import json_option, print_json, print_table
from client.wallet.gateway import Gateway


@click.command()
@wallet_options
@json_option
def units(name: str | None, address: str | None, as_json: bool) -> None:
    """List a condominium's units and which are free. Needs no wallet where --gateway says whose."""
    with Gateway(address or gateway_of(name)) as gateway:
        rows = gateway.units()
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    print_table(
        ("unit", "state", "location", "reason"),
        [(row.unit, row.state, row.location, row.reason) for row in rows],
    )
