"""Dispatch: the one way into the rules, the same on every ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from chaincode import (
    audit,
    claim,
    condominium,
    ending,
    escrow,
    mandate,
    opening,
    readings,
    tariff,
    token,
    unit,
    wallet,
)
from chaincode.errors import InvalidArgument
from chaincode.stub import Stub


@dataclass(frozen=True, slots=True)
class _Function:
    run: Callable[..., Awaitable[bytes]]
    arguments: tuple[str, ...]
    more: str | None = None
    """Name of the last argument where it may come any number of times."""


_FUNCTIONS: dict[str, _Function] = {
    "condominium.register": _Function(condominium.register, ("request",)),
    "condominium.amend": _Function(condominium.amend, ("request",)),
    "condominium.get": _Function(condominium.get, ()),
    "tariff.publish": _Function(tariff.publish, ("request",)),
    "tariff.get": _Function(tariff.get, ("number",)),
    "tariff.in_force": _Function(tariff.in_force, ()),
    "unit.enrol": _Function(unit.enrol, ("request",)),
    "unit.rotate_key": _Function(unit.rotate_key, ("request",)),
    "unit.retire": _Function(unit.retire, ("request",)),
    "unit.get": _Function(unit.get, ("unit",)),
    "wallet.key": _Function(wallet.key, ("wallet",)),
    "wallet.rotate_key": _Function(wallet.rotate_key, ("intent", "signature", "proof")),
    "token.issue": _Function(token.issue, ("request",)),
    "token.transfer": _Function(token.transfer, ("intent", "signature")),
    "token.redeem": _Function(token.redeem, ("intent", "signature")),
    "token.balance": _Function(token.balance, ("wallet",)),
    "mandate.grant": _Function(mandate.grant, ("intent", "signature")),
    "mandate.revoke": _Function(mandate.revoke, ("intent", "signature")),
    "mandate.get": _Function(mandate.get, ("mandate",)),
    "session.open": _Function(opening.open_session, ("intent", "signature")),
    "session.open_under_mandate": _Function(opening.open_under_mandate, ("request", "evidence")),
    "session.start": _Function(readings.start, ("session", "evidence")),
    "session.checkpoint": _Function(readings.checkpoint, ("session",), "evidence"),
    "session.settle": _Function(ending.settle, ("session", "reason"), "evidence"),
    "session.abandon": _Function(ending.abandon, ("session",)),
    "session.cancel": _Function(ending.cancel, ("session",)),
    "session.stop": _Function(ending.stop, ("intent", "signature")),
    "session.reclaim": _Function(ending.reclaim, ("intent", "signature")),
    "session.proven": _Function(ending.proven, ("session",)),
    "escrow.lock": _Function(escrow.lock_for_visitor, ("intent", "signature")),
    "escrow.lock_under_mandate": _Function(
        escrow.lock_for_visitor_under_mandate, ("mandate", "host", "request")
    ),
    "escrow.release": _Function(escrow.release_for_visitor, ("session", "host", "paid")),
    "escrow.reclaim": _Function(escrow.reclaim, ("intent", "signature")),
    "claim.clear": _Function(claim.clear, ("clearing", "first_signature", "second_signature")),
    "claim.clear_counterparty": _Function(
        claim.clear_counterparty, ("clearing", "first_signature", "second_signature")
    ),
    "claim.open": _Function(claim.page, ("request",)),
    "audit.session": _Function(audit.session, ("session",)),
    "audit.sessions": _Function(audit.sessions, ("request",)),
    "audit.history": _Function(audit.history, ("kind",), "attribute"),
    "audit.supply": _Function(audit.supply, ("request",)),
}

FUNCTIONS = tuple(_FUNCTIONS)
"""The names of all functions."""


async def dispatch(stub: Stub, function: str, arguments: Sequence[bytes]) -> bytes:
    """Run one function of the rules. Raises `ContractError` where they reject the transaction.

    Arguments are bytes: signed bodies as they were signed, requests as JSON objects, ids and numbers as
    ASCII. The answer is the record that the transaction made or read, as JSON."""
    entry = _FUNCTIONS.get(function)
    if entry is None:
        raise InvalidArgument("function", f"is one of {', '.join(FUNCTIONS)}")
    expected, given = len(entry.arguments), len(arguments)
    if given < expected or (given > expected and entry.more is None):
        names = ", ".join((*entry.arguments, *([f"{entry.more}…"] if entry.more else [])))
        raise InvalidArgument("arguments", f"of {function} are ({names}); {given} were given")
    return await entry.run(stub, *arguments)
