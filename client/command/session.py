"""Which session a command is for, and how one is told to a person."""

from __future__ import annotations

import re
from collections.abc import Callable

import click

from chaincode.session import ATTESTED, SETTLED, SIGNED
from client.command.access import Unlocked
from client.command.failure import Failure
from client.wallet.answer import Session

_STOPPED = {
    "EVDisconnected": "the car was unplugged",
    "EnergyLimitReached": "the energy asked for was delivered",
    "GroundFault": "a fault at the socket",
    "Local": "stopped at the socket",
    "LocalOutOfCredit": "the locked amount was used up",
    "MasterPass": "stopped by the condominium",
    "Other": "another reason",
    "OvercurrentFault": "too much current",
    "PowerLoss": "power failed",
    "Remote": "stopped by the resident",
    "StoppedByEV": "the car is full",
    "TimeLimitReached": "the time was used up",
    "Timeout": "no car was connected in time, or the socket fell silent",
}
_IDENTITY = re.compile(r"[0-9a-f]{64}")


def _whole(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and _IDENTITY.fullmatch(value) is None:
        raise click.BadParameter("is 64 lower-case hexadecimal digits")
    return value


session_argument = click.argument("session", required=False, callback=_whole)


def running(session: Session) -> bool:
    """Whether a session has not ended."""
    return not session.over


def only(opened: Unlocked, description: str, wanted: Callable[[Session], bool]) -> str:
    """The id of the wallet's one session that is `wanted`.

    Raises Failure where there is none, and where there are several: what ends a session does not guess."""
    fitting = [session for session in opened.gateway.sessions() if wanted(session)]
    if not fitting:
        raise Failure(f"the wallet {opened.wallet.name} has no session {description}")
    if len(fitting) == 1:
        return fitting[0].session
    # Not through rich, which would break a line before the id.
    for each in fitting:
        click.echo(f"{each.session}  unit {each.unit}, {each.state}", err=True)
    command = click.get_current_context().command_path
    raise Failure(
        f"the wallet {opened.wallet.name} has {len(fitting)} sessions {description}; "
        f"say which: {command} SESSION, with one of the ids above"
    )


def last_ended(opened: Unlocked) -> str:
    """The id of the wallet's session that ended last; one that was settled goes before one that cost nothing.

    Raises Failure where none has ended."""
    ended = [session for session in opened.gateway.sessions() if session.over]
    if not ended:
        raise Failure(f"the wallet {opened.wallet.name} has no session that has ended")
    return max(ended, key=_settled_last).session


def stopped_words(reason: str | None) -> str | None:
    """Why a session ended, in words, from the ledger's reason (`chaincode.ending.STOPPED_REASONS`)."""
    return None if reason is None else _STOPPED.get(reason, reason)


def metering_of(session: Session) -> str | None:
    """The ledger's `metering` of a session as the gateway shows it."""
    if session.attested:
        return ATTESTED
    return None if session.started is None else SIGNED


def metering_words(metering: str | None) -> str | None:
    """Whose word the readings are, from the ledger's `metering`; None where no reading was counted."""
    if metering is None:
        return None
    return "attested by the gateway" if metering == ATTESTED else "signed by the unit"


def _settled_last(session: Session) -> tuple[bool, int]:
    return session.state == SETTLED, session.ended or 0


def newest(opened: Unlocked, description: str, wanted: Callable[[Session], bool]) -> str:
    """The id of the wallet's newest session that is `wanted`. Raises Failure where there is none."""
    for session in opened.gateway.sessions():
        if wanted(session):
            return session.session
    raise Failure(f"the wallet {opened.wallet.name} has no session {description}")
