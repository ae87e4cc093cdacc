"""Readings: a session starts with its unit's first, and each one that a transaction brings is counted once.

What proves a reading is in `chaincode.evidence`; here is when it counts for a session, and that it follows
the one before it. What it costs is in `chaincode.settlement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chaincode.errors import InvalidArgument, NotAuthorised, StateConflict
from chaincode.evidence import (
    CLOCK_TOLERANCE,
    check_deliverable,
    check_follows,
    reading_of,
    verify_batch,
)
from chaincode.meter import Meter, Reading
from chaincode.meter import key_of as meter_key
from chaincode.session import (
    ATTESTED,
    OPENED,
    SIGNED,
    STARTED,
    Session,
    Step,
    load,
    read_id,
    require_gateway,
    require_state,
    write,
)
from chaincode.settlement import add_segment
from chaincode.stub import Stub
from chaincode.unit import ED25519

END_TOLERANCE = 300
"""Seconds after the deadline that a reading may still count: the relay has to open."""
STOP_TOLERANCE = END_TOLERANCE + CLOCK_TOLERANCE
"""Likewise after a stop, whose transaction may be dated as far back as a ledger lets it be."""
MAX_EVIDENCE = 200


async def start(stub: Stub, session_id: bytes, evidence: bytes) -> bytes:
    """`session.start`: the first reading; from here the unit's meter is this session's."""
    return await _advance(stub, session_id, [evidence], "session.started")


async def checkpoint(stub: Stub, session_id: bytes, *evidence: bytes) -> bytes:
    """`session.checkpoint`: put readings of a long session on the ledger before its end."""
    return await _advance(stub, session_id, evidence, "session.checkpointed")


def count(stub: Stub, step: Step, evidence: Sequence[bytes]) -> Step:
    """The step with each batch counted. What the session has already used is passed over.

    Raises InvalidArgument, NotAuthorised, StateConflict."""
    if len(evidence) > MAX_EVIDENCE:
        raise InvalidArgument("evidence", f"holds at most {MAX_EVIDENCE} batches")
    session, meter = step.session, step.meter
    if not evidence:
        return step
    key = step.unit.key or step.condominium.signing_key
    for reading in _unused(session.last, _verified(stub.channel, step, evidence)):
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


async def _advance(stub: Stub, session_id: bytes, evidence: Sequence[bytes], event: str) -> bytes:
    step = await load(stub, read_id(session_id))
    require_gateway(stub, step.condominium)
    if event == "session.started" and step.session.state != OPENED:
        return step.session.encode()
    require_state(step.session, OPENED, STARTED)
    after = count(stub, step, evidence)
    if after.session == step.session:
        return step.session.encode()
    await stub.put(meter_key(after.session.unit), after.meter.encode())
    return await write(stub, after.session, event)


def _verified(channel: str, step: Step, evidence: Sequence[bytes]) -> list[Reading]:
    session, unit = step.session, step.unit
    enrolled = (session.unit_class, session.unit_key, session.unit_generation)
    if (unit.key_class, unit.key, unit.generation) != enrolled:
        raise NotAuthorised("unit", f"{session.unit} is enrolled as it was when the session was opened")
    if step.meter.session not in ("", session.id):
        raise StateConflict("unit", f"{session.unit} has a started session; settle it first")
    batches = [verify_batch(step.condominium, channel, unit, session.id, message) for message in evidence]
    return [reading_of(unit, *pair) for pair in zip(evidence, batches, strict=True)]


def _unused(last: Reading | None, brought: list[Reading]) -> list[Reading]:
    """What follows the session's last reading: a transaction that is repeated brings that one again."""
    hashes = [each.hash for each in brought]
    return brought if last is None or last.hash not in hashes else brought[hashes.index(last.hash) + 1 :]


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
