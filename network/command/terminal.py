"""How the network's commands speak with a person: what is being done, and what is wrong."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from network.federation.binaries import FABRIC, Binaries, BinariesError, Module, binaries
from network.federation.description import FederationError
from network.identity import IdentityError
from network.ledger import LedgerError

DIRECTORY = click.Path(file_okay=False, path_type=Path)
"""A condominium's folder, or one that holds several."""
_console = Console(stderr=True)
_P = ParamSpec("_P")
_R = TypeVar("_R")


def says_what_is_wrong(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Show the errors that a person can act on as one sentence."""

    @functools.wraps(command)
    def wrapped(*arguments: _P.args, **options: _P.kwargs) -> _R:
        try:
            return command(*arguments, **options)
        except (FederationError, BinariesError, IdentityError, LedgerError) as error:
            raise click.ClickException(str(error)) from error

    return wrapped


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """A spinner that says what is being done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=_console, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda step: progress.update(task, description=step)


def programs(module: Module = FABRIC) -> Binaries:
    """The module's programs, with a progress bar where they have to be built."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("packages"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console, transient=True) as progress:
        task = progress.add_task("", total=None, visible=False)

        def report(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total or None, visible=True)

        return binaries(module, progress=report)
