"""What the command prints: results on standard output, everything else on standard error.

With `--json` a result is one JSON value on standard output and nothing more. Texts that a gateway sent are
printed without their control characters, so that none can write over what stands on the screen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape

from client.wallet.money import parse_amount

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON value, for scripts."
)


def notices() -> Console:
    """Standard error, for progress and remarks."""
    return Console(stderr=True, highlight=False)


def print_json(value: object) -> None:
    """One JSON value on a line of its own."""
    # ASCII alone: some characters beyond it steer terminals, and JSON need not escape those.
    click.echo(json.dumps(value, sort_keys=True))


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Names and values below each other; those without a value are left out."""
    _print_columns([(f"{name}:", value) for name, value in facts if value is not None])


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table with a heading. Nothing is cut off: an id is no use in part."""
    _print_columns([columns, *rows])


def amount_of(text: str, decimals: int, option: str = "AMOUNT") -> int:
    """An amount that was given on the command line, in minor units. Raises click.BadParameter."""
    try:
        return parse_amount(text, decimals)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def plain(value: object) -> str:
    """A value as text in which neither markup nor a control character does anything."""
    return escape(printable(str(value)))


def printable(text: str) -> str:
    """Text in which no character does anything but stand there."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def local_time(seconds: int | None) -> str | None:
    """Unix seconds as the reader's clock shows them."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _print_columns(rows: Sequence[Sequence[object]]) -> None:
    cells = [["" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())
