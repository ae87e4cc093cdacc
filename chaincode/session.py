"""Sessions: open (escrow), start (first reading), settle (last reading), and the ways out of them.

::

    opened ──start──► started ──settle──► settled
      │                  └──reclaim──┐
      ├──cancel──► cancelled         ├──► reclaimed
      └──reclaim─────────────────────┘

A visitor's started session whose issuer has vanished is `abandoned`, which frees the unit, and settled or
reclaimed when the issuer is back.
`stop` marks a session that its wallet wants ended. Each step done twice is the same as once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from chaincode import claim, creator, escrow
from chaincode.condominium import KEY as CONDOMINIUM_KEY
from chaincode.condominium import Condominium, namespace_of, own, own_from
from chaincode.errors import InvalidArgument, NotAuthorised, NotFound, StateConflict
from chaincode.evidence import (
    CLOCK_TOLERANCE,
    check_deliverable,
    check_follows,
    reading_of,
    verify_batch,
    verify_request,
)
from chaincode.fields import CODE, Fields, encode
from chaincode.mandate import Mandate
from chaincode.meter import Meter, Reading
from chaincode.meter import key_of as meter_key
from chaincode.record import Record
from chaincode.settlement import Settlement, Usage, add_segment, cost
from chaincode.signing.intent import OpenIntent, ReclaimIntent, StopIntent, intent_id
from chaincode.signing.request import BODY_BYTES as REQUEST_BYTES
from chaincode.signing.request import session_of_request
from chaincode.stub import Stub, composite_key
from chaincode.tariff import Tariff, nameable
from chaincode.tariff import key_of as tariff_key
from chaincode.unit import ACTIVE, ED25519, Unit, existing
from chaincode.unit import key_of as unit_key
from chaincode.wallet import check_signature, key_at, read_intent

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
END_TOLERANCE = 300
"""Seconds after the deadline that a reading may still count: the relay has to open."""
STOP_TOLERANCE = END_TOLERANCE + CLOCK_TOLERANCE
"""Likewise after a stop, whose transaction may be dated as far back as a ledger lets it be."""
REQUEST_VALIDITY = 900
"""Seconds for which a tap or plugging in may open a session."""
MAX_EVIDENCE = 200
STOPPED_REASONS = (
    "EVDisconnected", "EnergyLimitReached", "Local", "MasterPass", "Other", "PowerLoss", "Remote",
    "StoppedByEV", "TimeLimitReached", "LocalOutOfCredit", "OvercurrentFault", "GroundFault", "Timeout",
)  # fmt: skip
"""OCPP 2.0.1, part 2, section 3.76 (ReasonEnumType), those that a unit or gateway here can have."""


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


async def open_session(stub: Stub, body: bytes, signature: bytes) -> bytes:
    """`session.open`: lock the intent's tokens; the condominium's gateway relays it."""
    intent = read_intent(stub, body, OpenIntent)
    identity = intent_id(body)
    now = stub.timestamp // 1000
    stored, condominium_value, unit_value, tariff_value, successor = await stub.get_many(
        [
            key_of(identity),
            CONDOMINIUM_KEY,
            unit_key(intent.unit),
            tariff_key(intent.tariff),
            tariff_key(intent.tariff + 1),
        ]
    )
    condominium = own_from(condominium_value)
    _require_gateway(stub, condominium)
    if stored is not None:
        return stored
    if intent.condominium != condominium.code:
        raise NotAuthorised("condominium", f"is {condominium.code}")
    unit = _active(intent.unit, unit_value)
    tariff = nameable(intent.tariff, tariff_value, successor, now)
    if intent.tariff_hash not in (None, tariff.hash()):
        raise StateConflict("tariff_hash", f"is that of tariff {tariff.number} as it was published")
    if intent.issuer == condominium.code:
        key, reclaim_after = await escrow.lock(stub, condominium.code, body, signature)
    else:
        answer = await stub.invoke(namespace_of(intent.issuer), "escrow.lock", [body, signature])
        locked = json.loads(answer)
        key, reclaim_after = locked["key"], locked["reclaim_after"]
        _same_currency(condominium, locked)
    session = Session(
        id=identity,
        state=OPENED,
        unit=intent.unit,
        unit_class=unit.key_class,
        unit_key=unit.key,
        unit_generation=unit.generation,
        wallet=intent.wallet,
        issuer=intent.issuer,
        wallet_key=key,
        tariff=intent.tariff,
        tariff_hash=tariff.hash(),
        amount=intent.amount,
        decimals=condominium.decimals,
        opened_at=now,
        deadline=now + intent.duration,
        reclaim_after=reclaim_after,
        energy_limit=None if intent.energy is None else intent.energy * 1000,
        leave=intent.leave,
        mandate=None,
        metering=None,
        meter_keys=(),
        stop_at=None,
        first=None,
        last=None,
        usage=(),
        settlement=None,
    )
    return await _open(stub, session)


async def open_under_mandate(stub: Stub, request: bytes, evidence: bytes) -> bytes:
    """`session.open_under_mandate`: a tap or plugging in opens a session that a mandate permits.

    Request: mandate, issuer, tariff. Evidence: the unit's start request, attested for class mac."""
    condominium = await own(stub)
    _require_gateway(stub, condominium)
    fields = Fields.parse(request, "request")
    mandate_id = fields.hexadecimal("mandate", 32)
    issuer = fields.text("issuer", CODE)
    number = fields.integer("tariff", 1, 99_999_998)
    fields.done()
    unit_number = int.from_bytes(evidence[2:4], "little")
    body = evidence[:REQUEST_BYTES]
    identity = session_of_request(body)
    now = stub.timestamp // 1000
    stored, unit_value, tariff_value, successor = await stub.get_many(
        [key_of(identity), unit_key(unit_number), tariff_key(number), tariff_key(number + 1)]
    )
    if stored is not None:
        return stored
    unit = _active(unit_number, unit_value)
    started = verify_request(condominium, stub.channel, unit, evidence)
    if abs(now - started.time) > REQUEST_VALIDITY:
        raise StateConflict("request.time", f"is within {REQUEST_VALIDITY} seconds of now")
    tariff = nameable(number, tariff_value, successor, now)
    mandate, amount, reclaim_after = await _lock_under_mandate(stub, condominium, issuer, mandate_id, body)
    mandate.check_affordable(tariff)
    session = Session(
        id=identity,
        state=OPENED,
        unit=unit_number,
        unit_class=unit.key_class,
        unit_key=unit.key,
        unit_generation=unit.generation,
        wallet=mandate.wallet,
        issuer=issuer,
        wallet_key=None,
        tariff=number,
        tariff_hash=tariff.hash(),
        amount=amount,
        decimals=condominium.decimals,
        opened_at=now,
        deadline=now + mandate.duration,
        reclaim_after=reclaim_after,
        energy_limit=None,
        leave=None,
        mandate=mandate_id,
        metering=None,
        meter_keys=(),
        stop_at=None,
        first=None,
        last=None,
        usage=(),
        settlement=None,
    )
    return await _open(stub, session)


async def start(stub: Stub, session_id: bytes, evidence: bytes) -> bytes:
    """`session.start`: the first reading; from here the unit's meter is this session's."""
    return await _advance(stub, session_id, [evidence], "session.started")


async def checkpoint(stub: Stub, session_id: bytes, *evidence: bytes) -> bytes:
    """`session.checkpoint`: put readings of a long session on the ledger before its end."""
    return await _advance(stub, session_id, evidence, "session.checkpointed")


async def settle(stub: Stub, session_id: bytes, reason: bytes, *evidence: bytes) -> bytes:
    """`session.settle`: the last readings; pays the condominium, refunds the rest, frees the unit.

    `evidence` may be empty where a checkpoint was the last reading; where no start reached the ledger its
    first batch is the start. `reason` is OCPP's StoppedReason."""
    identity = _session_id(session_id)
    words = reason.decode("ascii", "replace")
    if words not in STOPPED_REASONS:
        raise InvalidArgument("reason", f"is one of {', '.join(STOPPED_REASONS)}")
    step = await _load(stub, identity)
    _require_gateway(stub, step.condominium)
    if step.session.state == SETTLED:
        return step.session.encode()
    _require_state(step.session, OPENED, STARTED, *(() if evidence else (ABANDONED,)))
    step = _read_evidence(stub, step, evidence)
    session = step.session
    if session.last is None:
        raise StateConflict("evidence", "holds a reading: a session without one is cancelled")
    price = cost(step.tariff, session.usage, session.decimals, session.amount)
    released = await _release(stub, step.condominium, session, price)
    return await _finish(stub, step, words, released)


async def cancel(stub: Stub, session_id: bytes) -> bytes:
    """`session.cancel`: a session that never started gives everything back."""
    step = await _load(stub, _session_id(session_id))
    _require_gateway(stub, step.condominium)
    session = step.session
    if session.state == CANCELLED:
        return session.encode()
    _require_state(session, OPENED)
    await _release(stub, step.condominium, session, 0)
    return await _write(stub, replace(session, state=CANCELLED), "session.cancelled")


async def abandon(stub: Stub, session_id: bytes) -> bytes:
    """`session.abandon`: free the unit of a visitor's session that cannot be settled because the issuer's
    peers do not answer. Only after the wallet could have reclaimed it. Settled once the issuer is back."""
    step = await _load(stub, _session_id(session_id))
    _require_gateway(stub, step.condominium)
    session = step.session
    if session.state == ABANDONED:
        return session.encode()
    _require_state(session, STARTED)
    if session.issuer == step.condominium.code:
        raise StateConflict("session", "is a visitor's: at home it is settled")
    if stub.timestamp // 1000 <= session.reclaim_after:
        raise StateConflict("session", f"can be abandoned after {session.reclaim_after}")
    await stub.put(meter_key(session.unit), replace(step.meter, session="").encode())
    return await _write(stub, replace(session, state=ABANDONED), "session.abandoned")


async def stop(stub: Stub, body: bytes, signature: bytes) -> bytes:
    """`session.stop`: the wallet wants its session ended. Any member's identity may relay it."""
    intent = read_intent(stub, body, StopIntent)
    condominium_value, stored = await stub.get_many([CONDOMINIUM_KEY, key_of(intent.session)])
    condominium = own_from(condominium_value)
    session = existing_session(intent.session, stored)
    await _check_wallet(stub, condominium, session, intent, body=body, signature=signature)
    if session.stop_at is not None or session.state not in (OPENED, STARTED):
        return session.encode()
    return await _write(stub, replace(session, stop_at=stub.timestamp // 1000), "session.stop-requested")


async def reclaim(stub: Stub, body: bytes, signature: bytes) -> bytes:
    """`session.reclaim`: after deadline and grace the wallet takes back what readings do not prove was used.

    Any member's identity may relay it."""
    intent = read_intent(stub, body, ReclaimIntent)
    step = await _load(stub, intent.session)
    session = step.session
    await _check_wallet(stub, step.condominium, session, intent, body=body, signature=signature)
    if session.state == RECLAIMED:
        return session.encode()
    _require_state(session, OPENED, STARTED, ABANDONED)
    if stub.timestamp // 1000 <= session.reclaim_after:
        raise StateConflict("session", f"can be reclaimed after {session.reclaim_after}")
    price = cost(step.tariff, session.usage, session.decimals, session.amount)
    released = await _release(stub, step.condominium, session, price)
    return await _finish(stub, step, "Timeout", replace(released, reclaimed=True))


async def proven(stub: Stub, session_id: bytes) -> bytes:
    """`session.proven`: what the readings on the ledger prove a session costs so far, as {"cost"}."""
    session = existing_session(_session_id(session_id), await stub.get(key_of(_session_id(session_id))))
    tariff = Tariff.decode(await _required(stub, tariff_key(session.tariff)))
    return encode({"cost": cost(tariff, session.usage, session.decimals, session.amount)})


@dataclass(frozen=True, slots=True)
class _Step:
    """A session with all that a step of it reads."""

    condominium: Condominium
    session: Session
    tariff: Tariff
    unit: Unit
    meter: Meter


async def _load(stub: Stub, identity: str) -> _Step:
    condominium, stored = await stub.get_many([CONDOMINIUM_KEY, key_of(identity)])
    session = existing_session(identity, stored)
    tariff, unit, meter = await stub.get_many(
        [tariff_key(session.tariff), unit_key(session.unit), meter_key(session.unit)]
    )
    if tariff is None:
        raise NotFound("tariff", f"{session.tariff} is published")
    return _Step(
        condominium=own_from(condominium),
        session=session,
        tariff=Tariff.decode(tariff),
        unit=existing(session.unit, unit),
        meter=Meter.existing(meter),
    )


async def _open(stub: Stub, session: Session) -> bytes:
    moment = f"{session.opened_at:012d}"
    await stub.put(composite_key("session-by-unit", f"{session.unit:05d}", moment, session.id), b"1")
    await stub.put(composite_key("session-by-wallet", session.wallet, moment, session.id), b"1")
    return await _write(stub, session, "session.opened")


async def _advance(stub: Stub, session_id: bytes, evidence: Sequence[bytes], event: str) -> bytes:
    step = await _load(stub, _session_id(session_id))
    _require_gateway(stub, step.condominium)
    if event == "session.started" and step.session.state != OPENED:
        return step.session.encode()
    _require_state(step.session, OPENED, STARTED)
    after = _read_evidence(stub, step, evidence)
    if after.session == step.session:
        return step.session.encode()
    await stub.put(meter_key(after.session.unit), after.meter.encode())
    return await _write(stub, after.session, event)


def _read_evidence(stub: Stub, step: _Step, evidence: Sequence[bytes]) -> _Step:
    """The step with each batch counted. Batches that the session has already used are passed over."""
    if len(evidence) > MAX_EVIDENCE:
        raise InvalidArgument("evidence", f"holds at most {MAX_EVIDENCE} batches")
    session, meter = step.session, step.meter
    if not evidence:
        return step
    enrolled = (session.unit_class, session.unit_key, session.unit_generation)
    if (step.unit.key_class, step.unit.key, step.unit.generation) != enrolled:
        raise NotAuthorised("unit", f"{session.unit} is enrolled as it was when the session was opened")
    if meter.session not in ("", session.id):
        raise StateConflict("unit", f"{session.unit} has a started session; settle it first")
    for message in evidence:
        batch = verify_batch(step.condominium, stub.channel, step.unit, session.id, message)
        reading = reading_of(step.unit, message, batch)
        key = step.unit.key or step.condominium.signing_key
        if session.last is not None and reading.hash == session.last.hash:
            continue
        check_follows(meter.last, reading)
        _check_time(session, reading, stub.timestamp // 1000)
        if session.last is None:
            metering = SIGNED if step.unit.key_class == ED25519 else ATTESTED
            session = replace(session, state=STARTED, metering=metering, first=reading, last=reading)
        else:
            check_deliverable(step.unit, session.last, reading)
            # Each step allows for a rounded clock; many of them at once must not add up.
            check_deliverable(step.unit, session.first or reading, reading)
            usage = add_segment(session.usage, step.tariff, session.last, reading, session.energy_limit)
            session = replace(session, last=reading, usage=usage)
        if key not in session.meter_keys:
            session = replace(session, meter_keys=(*session.meter_keys, key))
        meter = Meter(last=reading, session=session.id)
    return replace(step, session=session, meter=meter)


def _check_time(session: Session, reading: Reading, now: int) -> None:
    """The reading was taken while the session could be charged. Raises StateConflict."""
    latest = session.deadline + END_TOLERANCE
    if session.stop_at is not None:
        latest = min(latest, session.stop_at + STOP_TOLERANCE)
    if reading.time > now + CLOCK_TOLERANCE:
        raise StateConflict("evidence.time", "is not ahead of the transaction's")
    if reading.time > latest:
        raise StateConflict("evidence.time", f"is at most {latest}: the session ends then")
    if reading.time < session.opened_at - CLOCK_TOLERANCE:
        raise StateConflict("evidence.time", "is not before the session was opened")


async def _finish(stub: Stub, step: _Step, reason: str, released: escrow.Release) -> bytes:
    session = step.session
    first, last = session.first, session.last
    settlement = Settlement(
        reason=reason,
        ended_at=stub.timestamp // 1000 if last is None else last.time,
        energy=0 if first is None or last is None else last.register - first.register,
        cost=released.paid,
        refund=released.refund,
    )
    session = replace(session, state=RECLAIMED if released.reclaimed else SETTLED, settlement=settlement)
    if step.meter.session == session.id:
        await stub.put(meter_key(session.unit), replace(step.meter, session="").encode())
    return await _write(stub, session, f"session.{session.state}")


async def _release(stub: Stub, condominium: Condominium, session: Session, paid: int) -> escrow.Release:
    if session.issuer == condominium.code:
        return await escrow.release(stub, condominium.code, condominium.code, session.id, paid)
    answer = await stub.invoke(
        namespace_of(session.issuer),
        "escrow.release",
        [session.id.encode(), condominium.code.encode(), str(paid).encode()],
    )
    released = escrow.Release.decode(answer)
    if released.paid:
        await claim.record(
            stub,
            counterparty=session.issuer,
            session=session.id,
            amount=released.paid,
            issuer=session.issuer,
            direction=claim.RECEIVABLE,
        )
    return released


async def _lock_under_mandate(
    stub: Stub, condominium: Condominium, issuer: str, mandate_id: str, body: bytes
) -> tuple[Mandate, int, int]:
    if issuer == condominium.code:
        return await escrow.lock_under_mandate(stub, condominium.code, mandate_id, body)
    answer = await stub.invoke(
        namespace_of(issuer),
        "escrow.lock_under_mandate",
        [mandate_id.encode(), condominium.code.encode(), body],
    )
    locked = json.loads(answer)
    _same_currency(condominium, locked)
    return Mandate.of(locked["mandate"]), locked["amount"], locked["reclaim_after"]


async def _check_wallet(
    stub: Stub,
    condominium: Condominium,
    session: Session,
    intent: StopIntent | ReclaimIntent,
    *,
    body: bytes,
    signature: bytes,
) -> None:
    if session.wallet != intent.wallet:
        raise NotAuthorised("wallet", "is the one that opened the session")
    key = await key_at(stub, session.issuer, condominium.code, session.wallet)
    check_signature(stub, intent, body, signature, key)


async def _write(stub: Stub, session: Session, event: str) -> bytes:
    value = session.encode()
    await stub.put(key_of(session.id), value)
    stub.set_event(event, value)
    return value


async def _required(stub: Stub, key: str) -> bytes:
    value = await stub.get(key)
    if value is None:
        raise NotFound("tariff", "of the session is published")
    return value


def _active(number: int, value: bytes | None) -> Unit:
    unit = existing(number, value)
    if unit.state != ACTIVE:
        raise StateConflict("unit", f"{number} is in service; it was retired")
    return unit


def _require_gateway(stub: Stub, condominium: Condominium) -> None:
    creator.require(stub, condominium.msp_id, creator.GATEWAY, creator.ADMIN)


def _require_state(session: Session, *states: str) -> None:
    if session.state not in states:
        raise StateConflict("session", f"is {' or '.join(states)}; it is {session.state}")


def _same_currency(condominium: Condominium, locked: dict[str, object]) -> None:
    """A tariff prices in its own condominium's token: a visitor's token must be worth the same."""
    if (locked["currency"], locked["decimals"]) != (condominium.currency, condominium.decimals):
        raise StateConflict(
            "issuer", f"issues tokens of {condominium.currency} with {condominium.decimals} decimals"
        )


def _session_id(session_id: bytes) -> str:
    return Fields({"session": session_id.decode("ascii", "replace")}).hexadecimal("session", 32)
