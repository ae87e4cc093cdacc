"""`condocharge replay`: play a file of charging sessions through the whole platform."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from demonstration.replay.dataset import Dataset, DatasetError, load
from demonstration.replay.ground import GroundError
from demonstration.replay.replay import Replay
from demonstration.replay.report import Report, table
from demonstration.replay.supply import LimitExceeded
from gateway.collector import collect_seldom
from network.federation.description import FederationError
from network.identity import IdentityError

_MOST_SHOWN = 20
"""Faults printed; the rest is counted."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--ledger",
    type=click.Choice(["embedded", "fabric"]),
    default="embedded",
    show_default=True,
    help="Where the rules are agreed on.",
)
@click.option(
    "--network",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --ledger fabric: the folder of a network that runs on this machine, started with "
    "--proposal-age 1000000h. The replay takes a condominium of it that has no record yet, for good.",
)
@click.option(
    "--limit-kw", type=click.FloatRange(min=0, min_open=True), help="Maximum load of all stations together."
)
@click.option("--first", type=click.IntRange(min=1), help="Only the first rows of the file.")
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there, as JSON."
)
def replay(
    *,
    file: Path,
    ledger: str,
    network: Path | None,
    limit_kw: float | None,
    first: int | None,
    report: Path | None,
) -> None:
    """Play FILE, a CSV of charging sessions, on a simulated clock: every row becomes a wallet, a purchase, a
    signed intent, a car at a unit, signed readings once a minute, a settlement, a refund and a receipt.

    Rows that make no sense are refused by number (1 is the first below the header) and reason. Everything is
    checked at the end; what is not as it should be is said, and the exit code is then 1.
    """
    if (ledger == "fabric") != (network is not None):
        raise click.UsageError("--ledger fabric and --network go together")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    notices = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        dataset = load(file, first)
        for refusal in dataset.refusals:
            notices.print(f"row {refusal.number}: {refusal.reason}", markup=False)
        found, faults = _play(dataset, limit_kw, network, notices)
    except (DatasetError, LimitExceeded, GroundError, FederationError, IdentityError) as error:
        raise click.ClickException(str(error)) from error
    _show(dataset, found)
    if report is not None:
        _write(report, found)
    for fault in faults[:_MOST_SHOWN]:
        notices.print(f"fault: {fault}", markup=False)
    if len(faults) > _MOST_SHOWN:
        notices.print(f"and {len(faults) - _MOST_SHOWN} more faults")
    if faults:
        raise SystemExit(1)


def _play(
    dataset: Dataset, limit_kw: float | None, network: Path | None, notices: Console
) -> tuple[Report, list[str]]:
    bar = Progress(
        TextColumn("replay"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("sessions"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=notices,
    )
    with bar:
        task = bar.add_task("replay", total=len(dataset.rows))
        limit = None if limit_kw is None else int(limit_kw * 1_000)
        player = Replay(dataset, limit, lambda ended: bar.update(task, completed=ended), network)
        collect_seldom()
        found = asyncio.run(player.run())
    if limit is not None:
        notices.print(f"at most {player.supply.highest:,.0f} W flowed at any moment, of {limit:,} W allowed")
    return found, player.faults


def _show(dataset: Dataset, found: Report) -> None:
    shown = Table(show_header=False, box=None, pad_edge=False)
    shown.add_column()
    shown.add_column(justify="right")
    for name, value in table(dataset, found):
        shown.add_row(name, value)
    Console(highlight=False, soft_wrap=True).print(shown)


def _write(path: Path, found: Report) -> None:
    try:
        path.write_text(json.dumps(found.members(), indent=2) + "\n")
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror or error}") from error
