"""`condocharge watch`: a session as it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict

import click
from rich.progress import BarColumn, Progress, TextColumn

from client.command.access import Unlocked, choose, unlocked, wallet_options
from client.command.session import metering_of, metering_words, newest, session_argument, stopped_words
from client.command.terminal import json_option, local_time, notices, plain, print_facts, print_json
from client.wallet.answer import Session
from client.wallet.gateway import Gateway, GatewayUnreachable
from client.wallet.money import format_amount, format_energy

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, as shells have it: 128 and the signal's number."""
_RECONNECTIONS = 10
_PAUSE = 2.0


@click.command()
@session_argument
@wallet_options
@json_option
def watch(session: str | None, name: str | None, address: str | None, as_json: bool) -> None:
    """Watch a session to its end: energy, cost, place in the queue and why.

    Without SESSION it is the newest. With --json each change is a line of its own.
    """
    with unlocked(choose(name), address) as opened:
        chosen = session or newest(opened, "yet", lambda _: True)
        follow(opened, chosen, as_json=as_json)


def follow(opened: Unlocked, session: str, *, as_json: bool, ends: bool = False) -> None:
    """Show a session until it has ended: with `as_json` each change, or the last where it `ends`.

    An interrupt ends the watching with a line that says so, and exit code 130; the session goes on."""
    home = opened.wallet.home
    last: Session | None = None
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"))
    try:
        with Progress(*columns, console=notices(), disable=as_json, transient=ends) as progress:
            task = progress.add_task("cost", total=None, text="")
            for last in _states(opened.gateway, session):
                if as_json and not ends:
                    print_json(asdict(last))
                progress.update(
                    task,
                    total=max(1, last.escrow),
                    completed=last.cost,
                    description=plain(last.activity),
                    text=plain(_line(last, home.decimals, home.currency)),
                )
    except KeyboardInterrupt:
        # Not through rich, which would break the line before the id.
        click.echo(f"No longer watched; it goes on. See: condocharge watch {session}", err=True)
        raise SystemExit(INTERRUPTED) from None
    if last is not None and as_json and ends:
        print_json(asdict(last))
    elif last is not None and not as_json:
        print_facts(_facts(last, home.decimals, home.currency))


def _states(gateway: Gateway, session: str) -> Iterator[Session]:
    """The session's states to its end, over as many connections as it takes."""
    failures = 0
    while True:
        try:
            for state in gateway.watch(session):
                failures = 0
                yield state
                if state.over:
                    return
        except GatewayUnreachable:
            failures += 1
            if failures > _RECONNECTIONS:
                raise
        # A stream that ended without the session's end is one that a server or proxy closed.
        time.sleep(_PAUSE)


def _line(session: Session, decimals: int, currency: str) -> str:
    cost = format_amount(session.cost, decimals)
    escrow = format_amount(session.escrow, decimals, currency)
    words = [f"{format_energy(session.energy)}, {cost} of {escrow}"]
    if session.power:
        words.append(f"{session.power} W")
    if session.reason:
        words.append(session.reason)
    return ", ".join(words)


def _facts(session: Session, decimals: int, currency: str) -> list[tuple[str, object]]:
    refund = None if session.refund is None else format_amount(session.refund, decimals, currency)
    return [
        ("session", session.session),
        ("unit", session.unit),
        ("state", session.state),
        ("ended", local_time(session.ended)),
        ("why", stopped_words(session.stopped_reason)),
        ("energy", format_energy(session.energy)),
        ("cost", format_amount(session.cost, decimals, currency)),
        ("refund", refund),
        ("metering", metering_words(metering_of(session))),
    ]
