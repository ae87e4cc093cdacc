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
from rich.console import Console
from rich.markup import escape
from rich.table import Table

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
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in facts:
        if value is not None:
            table.add_row(f"{name}:", plain(value))
    _results().print(table)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table with a heading."""
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("" if cell is None else plain(cell) for cell in row))
    _results().print(table)


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


def _results() -> Console:
    return Console(highlight=False, soft_wrap=True)
