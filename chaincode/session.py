"""Sessions: one record from escrow to refund, and what its steps have in common.

::

    opened ──start──► started ──settle──► settled
      │                  └──reclaim──┐
      ├──cancel──► cancelled         ├──► reclaimed
      └──reclaim─────────────────────┘

A visitor's started session whose issuer has vanished is `abandoned`, which frees the unit, and settled or
reclaimed when the issuer is back. `stop` marks a session that its wallet wants ended.

`chaincode.opening` opens sessions, `chaincode.readings` starts them and counts their readings and
`chaincode.ending` ends them. Each step done twice is the same as once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from chaincode import creator
from chaincode.condominium import KEY as CONDOMINIUM_KEY
from chaincode.condominium import Condominium, own_from
from chaincode.errors import NotFound, StateConflict
from chaincode.fields import Fields
from chaincode.meter import Meter, Reading
from chaincode.meter import key_of as meter_key
from chaincode.record import Record
from chaincode.settlement import Settlement, Usage
from chaincode.stub import Stub, composite_key
from chaincode.tariff import Tariff
from chaincode.tariff import key_of as tariff_key
from chaincode.unit import Unit, existing
from chaincode.unit import key_of as unit_key

OPENED = "opened"
STARTED = "started"
SETTLED = "settled"
CANCELLED = "cancelled"
RECLAIMED = "reclaimed"
ABANDONED = "abandoned"
ENDED = (SETTLED, CANCELLED, RECLAIMED)
"""The states that no transaction leaves: the escrow is paid out."""
SIGNED = "signed"
ATTESTED = "attested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Record):
    """One charging session, from escrow to refund."""

    nested: ClassVar[dict[str, type[Record]]] = {
        "first": Reading,
        "last": Reading,
        "usage": Usage,
        "settlement": Settlement,
    }

    id: str
    """SHA-256 of the intent's body, or of the start request."""
    state: str
    unit: int
    unit_class: str
    unit_key: str | None
    unit_generation: int
    """The unit as the session was opened: no other meter can be put in its place."""
    wallet: str
    issuer: str
    wallet_key: str | None
    """The public key, hexadecimal, that signed the intent; None under a mandate."""
    tariff: int
    tariff_hash: str
    """SHA-256 of the tariff's record, hexadecimal: a receipt shows the tariff that was settled by."""
    amount: int
    """The escrow, minor units of the issuer's token."""
    decimals: int
    """Of the issuer's token."""
    opened_at: int
    deadline: int
    """Unix seconds after which nothing more is charged."""
    reclaim_after: int
    energy_limit: int | None
    """mWh that are billed at most."""
    leave: int | None
    mandate: str | None
    metering: str | None
    """`signed` by the unit, or `attested` by the gateway for a unit that cannot sign; None before start."""
    meter_keys: tuple[str, ...]
    """The public keys under which readings were counted: the unit's, or the condominium's signing key."""
    stop_at: int | None
    """When the wallet asked to stop."""
    first: Reading | None
    last: Reading | None
    usage: tuple[Usage, ...]
    settlement: Settlement | None


def key_of(session: str) -> str:
    """Where a session is kept."""
    return composite_key("session", session)


def existing_session(session: str, value: bytes | None) -> Session:
    """The session in `value`. Raises NotFound."""
    if value is None:
        raise NotFound("session", f"{session} was opened at this condominium")
    return Session.decode(value)


def read_id(argument: bytes) -> str:
    """The session's id in a transaction's argument. Raises InvalidArgument."""
    return Fields({"session": argument.decode("ascii", "replace")}).hexadecimal("session", 32)


def _nothing(_session: Session, _own_code: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Step:
    """A session with all that a step of it reads."""

    condominium: Condominium
    session: Session
    tariff: Tariff
    unit: Unit
    meter: Meter


async def load(stub: Stub, identity: str, more: Callable[[Session, str], Sequence[str]] = _nothing) -> Step:
    """All that a step of a session reads. Raises NotFound.

    `more` names keys that the step will read later, given the session and the condominium's code: on
    Fabric each read asks the peer, so they come along with the others."""
    stored_condominium, stored = await stub.get_many([CONDOMINIUM_KEY, key_of(identity)])
    session = existing_session(identity, stored)
    condominium = own_from(stored_condominium)
    tariff, unit, meter, *_ = await stub.get_many(
        [
            tariff_key(session.tariff),
            unit_key(session.unit),
            meter_key(session.unit),
            *more(session, condominium.code),
        ]
    )
    if tariff is None:
        raise NotFound("tariff", f"{session.tariff} is published")
    return Step(
        condominium=condominium,
        session=session,
        tariff=Tariff.decode(tariff),
        unit=existing(session.unit, unit),
        meter=Meter.existing(meter),
    )


async def write(stub: Stub, session: Session, event: str) -> bytes:
    """Keep the session and publish it as `event`; returns its record."""
    value = session.encode()
    await stub.put(key_of(session.id), value)
    stub.set_event(event, value)
    return value


def require_gateway(stub: Stub, condominium: Condominium) -> None:
    """The condominium's gateway or an administrator submits. Raises NotAuthorised."""
    creator.require(stub, condominium.msp_id, creator.GATEWAY, creator.ADMIN)


def require_state(session: Session, *states: str) -> None:
    """The session is in one of `states`. Raises StateConflict."""
    if session.state not in states:
        raise StateConflict("session", f"is {' or '.join(states)}; it is {session.state}")
