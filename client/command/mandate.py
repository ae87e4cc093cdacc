"""`condocharge mandate`: standing permissions, under which a tag or plugging in opens sessions."""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from datetime import timedelta

import click

from chaincode.errors import InvalidArgument
from chaincode.signing.intent import MAX_STANDING, MandateIntent, RevokeIntent, parse_intent
from client.command.access import choose, unlocked, wallet_options
from client.command.opening import USUAL_DURATION
from client.command.terminal import (
    amount_of,
    json_option,
    local_time,
    notices,
    plain,
    print_facts,
    print_json,
    print_table,
)
from client.wallet.answer import Mandate
from client.wallet.keystore import Home
from client.wallet.money import format_amount, format_price

_DAY = 86_400
_MILLIONTHS = 6
_MANDATE = re.compile(r"[0-9a-f]{64}")


@click.group()
def mandate() -> None:
    """What a tag, or plugging in, may spend without asking you."""


@mandate.command()
@click.option(
    "--unit", "units", multiple=True, type=click.IntRange(0, 65_535), help="Where; every unit otherwise."
)
@click.option("--tag", "tags", multiple=True, help="A tag's hash, from `mandate tags`; none is plugging in.")
@click.option("--session", "session_cap", required=True, help="The most that one session locks.")
@click.option("--period", "period_cap", required=True, help="The most that all sessions of a period cost.")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="A period's length.")
@click.option("--price", required=True, help="The dearest kWh: no session opens under a dearer tariff.")
@click.option("--start-fee", default="0", show_default=True, help="The dearest start fee.")
@click.option("--idle-price", default="0", show_default=True, help="The dearest minute after charging.")
@click.option(
    "--hours", type=click.FloatRange(0, 168, min_open=True), help="The longest session; 9 otherwise."
)
@click.option(
    "--for",
    "lasting",
    type=click.IntRange(1, MAX_STANDING // _DAY),
    default=365,
    show_default=True,
    help="Days.",
)
@click.option("--at", "host", help="Code of another condominium, at which you are a visitor.")
@click.option("--yes", is_flag=True, help="Sign without asking.")
@wallet_options
@json_option
def grant(
    *,
    units: tuple[int, ...],
    tags: tuple[str, ...],
    session_cap: str,
    period_cap: str,
    days: int,
    price: str,
    start_fee: str,
    idle_price: str,
    hours: float | None,
    lasting: int,
    host: str | None,
    yes: bool,
    name: str | None,
    address: str | None,
    as_json: bool,
) -> None:
    """Let tags, or plugging in at the units that are named, open sessions within caps."""
    wallet = choose(name)
    home = wallet.home
    limits = {
        "session_cap": amount_of(session_cap, home.decimals, "--session"),
        "period_cap": amount_of(period_cap, home.decimals, "--period"),
        "price_limit": amount_of(price, _MILLIONTHS, "--price"),
        "start_fee_limit": _perhaps(start_fee, home.decimals, "--start-fee"),
        "idle_price_limit": _perhaps(idle_price, _MILLIONTHS, "--idle-price"),
        "period": days * _DAY,
        "until": int(time.time()) + lasting * _DAY,
        "duration": USUAL_DURATION if hours is None else max(60, round(hours * 3_600)),
    }
    if not tags and not units:
        raise click.UsageError("say where with --unit, or with which tag with --tag")
    with unlocked(wallet, address) as opened:
        intent = MandateIntent(
            **opened.members(),
            issuer=home.condominium,
            condominium=host or home.condominium,
            units=tuple(sorted(set(units))),
            tags=tuple(sorted(set(tags))),
            **limits,
        )
        try:
            parse_intent(intent.encode())
        except InvalidArgument as error:
            raise click.UsageError(f"{error}") from error
        if not yes:
            _confirm(intent, home)
        signed = opened.key.sign(intent)
        record = opened.gateway.submit(signed)
    if as_json:
        print_json(record)
    else:
        print_facts([("mandate", signed.id), ("until", local_time(intent.until))])


@mandate.command()
@click.argument("mandate_id", metavar="MANDATE")
@wallet_options
@json_option
def revoke(*, mandate_id: str, name: str | None, address: str | None, as_json: bool) -> None:
    """End MANDATE. Sessions under way go on."""
    if _MANDATE.fullmatch(mandate_id) is None:
        raise click.BadParameter("is 64 lower-case hexadecimal digits", param_hint="MANDATE")
    wallet = choose(name)
    with unlocked(wallet, address) as opened:
        intent = RevokeIntent(**opened.members(), issuer=wallet.home.condominium, mandate=mandate_id)
        record = opened.gateway.submit(opened.key.sign(intent))
    if as_json:
        print_json(record)
    else:
        print_facts([("revoked", mandate_id)])


@mandate.command("list")
@click.option("--all", "every", is_flag=True, help="Those that are revoked or have expired too.")
@wallet_options
@json_option
def list_mandates(*, every: bool, name: str | None, address: str | None, as_json: bool) -> None:
    """List the wallet's mandates and what they have spent."""
    wallet = choose(name)
    now = int(time.time())
    with unlocked(wallet, address) as opened:
        rows = [each for each in opened.gateway.mandates() if every or each.stands(now)]
    if as_json:
        print_json([asdict(row) for row in rows])
    elif not rows:
        notices().print("There is none. Grant one with: condocharge mandate grant")
    else:
        print_table(
            ("mandate", "for", "a session", "spent", "until"),
            [_row(each, wallet.home) for each in rows],
        )


@mandate.command("tags")
@click.argument("unit", type=click.IntRange(0, 65_535))
@wallet_options
@json_option
def list_tags(*, unit: int, name: str | None, address: str | None, as_json: bool) -> None:
    """List tags that were just held to the reader of UNIT and have no mandate yet."""
    with unlocked(choose(name), address) as opened:
        rows = list(opened.gateway.tags(unit))
    if as_json:
        print_json([asdict(row) for row in rows])
    elif not rows:
        notices().print("None within three minutes. Hold the tag to the reader and ask again.")
    else:
        print_table(("tag", "time"), [(each.tag, local_time(each.time)) for each in rows])


def _perhaps(text: str, decimals: int, option: str) -> int:
    """An amount that may be nothing."""
    return 0 if text.strip() == "0" else amount_of(text, decimals, option)


def _confirm(intent: MandateIntent, home: Home) -> None:
    """Show what is about to be signed, and ask."""

    def money(amount: int) -> str:
        return format_amount(amount, home.decimals, home.currency)

    price = format_price(intent.price_limit, home.decimals, home.currency)
    lines = [
        f"{_who(intent.tags)} at {_where(intent.units)} of {intent.condominium}",
        f"A session locks {money(intent.session_cap)} at most, for {timedelta(seconds=intent.duration)}",
        f"All sessions of {intent.period // _DAY} days cost {money(intent.period_cap)} at most",
        f"{price} per kWh at most, until {local_time(intent.until)}",
    ]
    for line in lines:
        notices().print(plain(line))
    click.confirm("Sign this?", abort=True, err=True)


def _row(each: Mandate, home: Home) -> tuple[object, ...]:
    spent = format_amount(each.spent, home.decimals)
    cap = format_amount(each.period_cap, home.decimals, home.currency)
    until = local_time(each.until) if each.revoked is None else f"revoked {local_time(each.revoked)}"
    who = f"{_who(each.tags)} at {_where(each.units)} of {each.condominium}"
    session = format_amount(each.session_cap, home.decimals, home.currency)
    return each.mandate, who, session, f"{spent} of {cap}", until


def _who(tags: tuple[str, ...]) -> str:
    return f"tag {', '.join(tag[:8] for tag in tags)}" if tags else "plugging in"


def _where(units: tuple[int, ...]) -> str:
    return f"unit {', '.join(map(str, units))}" if units else "every unit"
