"""Which session a command is for: the one that is named, or the newest that fits."""

from __future__ import annotations

import re
from collections.abc import Callable

import click

from client.command.access import Unlocked
from client.command.failure import Failure
from client.wallet.answer import Session

_IDENTITY = re.compile(r"[0-9a-f]{64}")


def _whole(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and _IDENTITY.fullmatch(value) is None:
        raise click.BadParameter("is 64 lower-case hexadecimal digits")
    return value


session_argument = click.argument("session", required=False, callback=_whole)


def running(session: Session) -> bool:
    """Whether a session has not ended."""
    return not session.over


def newest(opened: Unlocked, description: str, wanted: Callable[[Session], bool]) -> str:
    """The id of the wallet's newest session that is `wanted`. Raises Failure where there is none."""
    for session in opened.gateway.sessions():
        if wanted(session):
            return session.session
    raise Failure(f"the wallet {opened.wallet.name} has no session {description}")
