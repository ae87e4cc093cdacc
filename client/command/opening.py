"""`condocharge open`: lock tokens and ask for power."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import click

from chaincode.errors import InvalidArgument
from chaincode.fields import Fields
from chaincode.record import VERSION
from chaincode.signing.intent import MAX_DURATION, OpenIntent
from chaincode.tariff import Tariff, read
from client.command.access import Unlocked, choose, unlocked, wallet_options
from client.command.failure import Failure
from client.command.terminal import (
    amount_of,
    json_option,
    local_time,
    notices,
    plain,
    print_facts,
    print_json,
)
from client.command.watching import follow
from client.wallet.answer import Condominium, Unit
from client.wallet.gateway import Gateway, GatewayError, GatewayGarbled, GatewayUnreachable
from client.wallet.keystore import Home
from client.wallet.money import format_amount, format_energy, format_price

USUAL_DURATION = 9 * 3_600
"""Seconds: a night; the longest session of the case study (paper, section 5, figure 21)."""
_SHORTEST = 60
_IN_USE = ("queued", "charging", "paused")
"""A unit's states while it has a session (docs/rest.md)."""


@click.command("open")
@click.argument("unit", type=click.IntRange(0, 65_535))
@click.option("--lock", required=True, help="The most that the session may cost.")
@click.option("--hours", type=click.FloatRange(0, 168, min_open=True), help="The longest it may last.")
@click.option("--leave", help="When the car leaves: HH:MM or YYYY-MM-DDTHH:MM. The scheduler plans for it.")
@click.option("--energy", help="How many kWh the car needs; no more are billed.")
@click.option("--at", "host", help="Code of the condominium that you visit; with --gateway.")
@click.option("--yes", is_flag=True, help="Sign without asking.")
@click.option("--watch", "stay", is_flag=True, help="Then watch the session to its end.")
@wallet_options
@json_option
def open_session(
    *,
    unit: int,
    lock: str,
    hours: float | None,
    leave: str | None,
    energy: str | None,
    host: str | None,
    yes: bool,
    stay: bool,
    name: str | None,
    address: str | None,
    as_json: bool,
) -> None:
    """Lock tokens and ask for power at UNIT.

    What the session does not cost comes back when it ends. Without --hours it lasts until --leave, or nine
    hours at most.
    """
    now = int(time.time())
    departure = None if leave is None else _departure(leave, now)
    duration = _duration(hours, departure, now)
    wallet = choose(name)
    home = wallet.home
    amount = amount_of(lock, home.decimals, "--lock")
    needed = None if energy is None else amount_of(energy, 3, "--energy")
    # Before the passphrase: what anybody may ask needs none.
    with Gateway(address or home.gateway) as gateway:
        condominium = gateway.condominium()
        _check_place(condominium, home, host or home.condominium)
        place = _check_unit(gateway.units(), unit)
        tariff = _tariff(gateway, condominium)
    with unlocked(wallet, address) as opened:
        if condominium.code == home.condominium:
            # A visitor's balance is at home; here the ledger alone can tell.
            _check_balance(opened, amount)
        intent = OpenIntent(
            **opened.members(),
            condominium=condominium.code,
            unit=unit,
            tariff=tariff.number,
            issuer=home.condominium,
            amount=amount,
            duration=duration,
            energy=needed,
            leave=departure,
            tariff_hash=tariff.hash(),
        )
        if not yes:
            _confirm(intent, place, tariff, condominium, home)
        session = _submit(opened, intent)
        if stay:
            follow(opened, session, as_json=as_json)
        elif as_json:
            print_json({"session": session})
        else:
            print_facts(_opened(opened.gateway, session))


def _submit(opened: Unlocked, intent: OpenIntent) -> str:
    signed = opened.key.sign(intent)
    try:
        opened.gateway.submit(signed)
    except GatewayUnreachable as error:
        raise GatewayUnreachable(
            f"{error}. The session may be open all the same; see: condocharge watch {signed.id}"
        ) from error
    return signed.id


def _check_place(condominium: Condominium, home: Home, host: str) -> None:
    """Raise Failure where a session would be opened elsewhere than the person thinks."""
    if condominium.code != host:
        raise Failure(
            f"the gateway is the condominium {condominium.code}'s, not {host}'s; to charge there as a "
            f"visitor add --at {condominium.code}"
        )
    if condominium.network != home.network:
        raise Failure(
            f"the gateway is on the network {condominium.network} and the wallet on {home.network}, "
            "so its tokens are not known there"
        )


def _tariff(gateway: Gateway, condominium: Condominium) -> Tariff:
    """The tariff in force, as the gateway shows it; the intent names its hash, so it must be the ledger's."""
    if condominium.tariff is None:
        raise Failure(f"{condominium.name} has published no tariff yet; ask those who run it")
    try:
        fields = Fields.parse(gateway.tariff(condominium.tariff), "tariff")
        fields.integer("version", VERSION, VERSION)
        tariff = read(fields)
    except InvalidArgument as error:
        raise GatewayGarbled(f"the gateway's tariff {condominium.tariff} cannot be read: {error}") from error
    if tariff.number != condominium.tariff:
        raise GatewayGarbled(f"the gateway answered with tariff {tariff.number}, not {condominium.tariff}")
    return tariff


def _confirm(intent: OpenIntent, unit: Unit, tariff: Tariff, condominium: Condominium, home: Home) -> None:
    """Show what is about to be signed, and ask."""
    console = notices()
    lines = [
        f"Unit {intent.unit} at {condominium.name} ({intent.condominium}), tariff {tariff.number}",
        *_prices(tariff, home, int(time.time())),
        f"Start fee {format_amount(tariff.start_fee, home.decimals, home.currency)}",
        f"Locks {format_amount(intent.amount, home.decimals, home.currency)} "
        f"for {timedelta(seconds=intent.duration)} at most",
    ]
    if intent.energy is not None:
        lines.append(f"Bills {format_energy(intent.energy)} at most")
    if intent.leave is not None:
        lines.append(f"Leaves {local_time(intent.leave)}")
    if unit.state in _IN_USE:
        lines.append(f"Unit {unit.unit} is in use; yours would wait until it ends")
    elif unit.state == "offline":
        lines.append(f"Unit {unit.unit} does not answer the gateway just now")
    for line in lines:
        console.print(plain(line))
    click.confirm("Sign this?", abort=True, err=True)


def _prices(tariff: Tariff, home: Home, now: int) -> list[str]:
    """A line for each band, marked where it is the one that holds now."""
    present = tariff.band_at(now) if len(tariff.bands) > 1 else None
    lines = list[str]()
    for index, band in enumerate(tariff.bands):
        line = f"{band.name}: {format_price(band.energy_price, home.decimals, home.currency)} per kWh"
        if band.idle_price:
            idle = format_price(band.idle_price, home.decimals, home.currency)
            line += f", {idle} per minute connected after charging"
        lines.append(f"{line} (now)" if index == present else line)
    return lines


def _check_unit(units: list[Unit], number: int) -> Unit:
    """The unit called `number`. Raises Failure where there is none."""
    for unit in units:
        if unit.unit == number:
            return unit
    raise Failure(f"no unit {number} here; `condocharge units` lists them")


def _check_balance(opened: Unlocked, amount: int) -> None:
    """Raise Failure where the wallet has less than is to be locked."""
    home, balance = opened.wallet.home, opened.gateway.balance().balance
    if amount > balance:
        raise Failure(
            f"--lock {format_amount(amount, home.decimals, home.currency)} is more than the wallet "
            f"{opened.wallet.name} has, {format_amount(balance, home.decimals, home.currency)}; lock "
            "less, or buy tokens first with: condocharge buy AMOUNT"
        )


def _opened(gateway: Gateway, session: str) -> list[tuple[str, object]]:
    """What a person is told of a session that has just been opened."""
    try:
        now = gateway.session(session)
    except GatewayError:
        # The ledger has it, so the command succeeded: an answer that does not come must not say otherwise.
        return [("session", session)]
    return [("session", session), ("unit", now.unit), ("state", now.activity), ("why", now.reason)]


def _departure(text: str, now: int) -> int:
    """Unix seconds of a local time: the next HH:MM, or a date and time, ahead of `now`."""
    try:
        if "T" in text or "-" in text:
            moment = datetime.fromisoformat(text).astimezone()
        else:
            clock = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone yet
            today = datetime.fromtimestamp(now).astimezone()
            moment = datetime.combine(today.date(), clock).astimezone()
            if moment <= today:
                moment = datetime.combine(today.date() + timedelta(days=1), clock).astimezone()
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is not a time such as 07:30 or 2026-05-01T07:30", param_hint="--leave"
        ) from error
    if moment.timestamp() <= now:
        raise click.BadParameter(f"{text} is in the past", param_hint="--leave")
    return int(moment.timestamp())


def _duration(hours: float | None, departure: int | None, now: int) -> int:
    if hours is not None:
        return max(_SHORTEST, round(hours * 3_600))
    if departure is None:
        return USUAL_DURATION
    if departure - now > MAX_DURATION:
        raise click.BadParameter("is at most seven days ahead", param_hint="--leave")
    return max(_SHORTEST, departure - now)
