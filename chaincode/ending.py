"""Ending a session: settle, cancel, abandon and reclaim, and `stop`, by which a wallet asks for it.

What the readings cost is decided in `chaincode.settlement`; here is who may end a session, and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chaincode import claim, escrow
from chaincode.condominium import KEY as CONDOMINIUM_KEY
from chaincode.condominium import Condominium, namespace_of, own_from
from chaincode.errors import InvalidArgument, NotAuthorised, NotFound, StateConflict
from chaincode.fields import encode
from chaincode.meter import key_of as meter_key
from chaincode.readings import count
from chaincode.session import (
    ABANDONED,
    CANCELLED,
    OPENED,
    RECLAIMED,
    SETTLED,
    STARTED,
    Session,
    Step,
    existing_session,
    key_of,
    load,
    read_id,
    require_gateway,
    require_state,
    write,
)
from chaincode.settlement import Settlement, cost
from chaincode.signing.intent import ReclaimIntent, StopIntent
from chaincode.stub import Stub
from chaincode.tariff import Tariff
from chaincode.tariff import key_of as tariff_key
from chaincode.wallet import check_signature, key_at, read_intent

STOPPED_REASONS = (
    "EVDisconnected", "EnergyLimitReached", "Local", "MasterPass", "Other", "PowerLoss", "Remote",
    "StoppedByEV", "TimeLimitReached", "LocalOutOfCredit", "OvercurrentFault", "GroundFault", "Timeout",
)  # fmt: skip
"""OCPP 2.0.1, part 2, section 3.76 (ReasonEnumType), those that a unit or gateway here can have."""


async def settle(stub: Stub, session_id: bytes, reason: bytes, *evidence: bytes) -> bytes:
    """`session.settle`: the last readings; pays the condominium, refunds the rest, frees the unit.

    `evidence` may be empty where a checkpoint was the last reading; where no start reached the ledger its
    first batch is the start. `reason` is OCPP's StoppedReason."""
    identity = read_id(session_id)
    words = reason.decode("ascii", "replace")
    if words not in STOPPED_REASONS:
        raise InvalidArgument("reason", f"is one of {', '.join(STOPPED_REASONS)}")
    step = await load(stub, identity, _escrow_keys)
    require_gateway(stub, step.condominium)
    if _ended_by_settling(step.session, words):
        return step.session.encode()
    require_state(step.session, OPENED, STARTED, *(() if evidence else (ABANDONED,)))
    step = count(stub, step, evidence)
    session = step.session
    if session.last is None:
        raise StateConflict("evidence", "holds a reading: a session without one is cancelled")
    price = cost(step.tariff, session.usage, session.decimals, session.amount)
    released = await _release(stub, step.condominium, session, price)
    return await _finish(stub, step, words, released)


async def cancel(stub: Stub, session_id: bytes) -> bytes:
    """`session.cancel`: a session that never started gives everything back."""
    step = await load(stub, read_id(session_id))
    require_gateway(stub, step.condominium)
    session = step.session
    if session.state == CANCELLED:
        return session.encode()
    require_state(session, OPENED)
    await _release(stub, step.condominium, session, 0)
    return await write(stub, replace(session, state=CANCELLED), "session.cancelled")


async def abandon(stub: Stub, session_id: bytes) -> bytes:
    """`session.abandon`: free the unit of a visitor's session that cannot be settled because the issuer's
    peers do not answer. Only after the wallet could have reclaimed it. Settled once the issuer is back."""
    step = await load(stub, read_id(session_id))
    require_gateway(stub, step.condominium)
    session = step.session
    if session.state == ABANDONED:
        return session.encode()
    require_state(session, STARTED)
    if session.issuer == step.condominium.code:
        raise StateConflict("session", "is a visitor's: at home it is settled")
    if stub.timestamp // 1000 <= session.reclaim_after:
        raise StateConflict("session", f"can be abandoned after {session.reclaim_after}")
    await stub.put(meter_key(session.unit), replace(step.meter, session="").encode())
    return await write(stub, replace(session, state=ABANDONED), "session.abandoned")


async def stop(stub: Stub, body: bytes, signature: bytes) -> bytes:
    """`session.stop`: the wallet wants its session ended. Any member's identity may relay it."""
    intent = read_intent(stub, body, StopIntent)
    condominium_value, stored = await stub.get_many([CONDOMINIUM_KEY, key_of(intent.session)])
    condominium = own_from(condominium_value)
    session = existing_session(intent.session, stored)
    await _check_wallet(stub, condominium, session, intent, body=body, signature=signature)
    if session.stop_at is not None or session.state not in (OPENED, STARTED):
        return session.encode()
    return await write(stub, replace(session, stop_at=stub.timestamp // 1000), "session.stop-requested")


async def reclaim(stub: Stub, body: bytes, signature: bytes) -> bytes:
    """`session.reclaim`: after deadline and grace the wallet takes back what readings do not prove was used.

    Any member's identity may relay it."""
    intent = read_intent(stub, body, ReclaimIntent)
    step = await load(stub, intent.session)
    session = step.session
    await _check_wallet(stub, step.condominium, session, intent, body=body, signature=signature)
    if session.state == RECLAIMED:
        return session.encode()
    require_state(session, OPENED, STARTED, ABANDONED)
    if stub.timestamp // 1000 <= session.reclaim_after:
        raise StateConflict("session", f"can be reclaimed after {session.reclaim_after}")
    price = cost(step.tariff, session.usage, session.decimals, session.amount)
    released = await _release(stub, step.condominium, session, price)
    return await _finish(stub, step, "Timeout", replace(released, reclaimed=True))


async def proven(stub: Stub, session_id: bytes) -> bytes:
    """`session.proven`: what the readings on the ledger prove a session costs so far, as {"cost"}."""
    session = existing_session(read_id(session_id), await stub.get(key_of(read_id(session_id))))
    tariff = Tariff.decode(await _required(stub, tariff_key(session.tariff)))
    return encode({"cost": cost(tariff, session.usage, session.decimals, session.amount)})


def _ended_by_settling(session: Session, reason: str) -> bool:
    """Settled already. Where the issuer had given the escrow back, settling made the session reclaimed."""
    settlement = session.settlement
    reclaimed = session.state == RECLAIMED and settlement is not None and settlement.reason == reason
    return session.state == SETTLED or reclaimed


async def _finish(stub: Stub, step: Step, reason: str, released: escrow.Release) -> bytes:
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
    return await write(stub, session, f"session.{session.state}")


def _escrow_keys(session: Session, own_code: str) -> Sequence[str]:
    """What `escrow.release` reads at home; a visitor's escrow is in another namespace."""
    return escrow.keys_of(session.id, session.wallet) if session.issuer == own_code else ()


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


async def _required(stub: Stub, key: str) -> bytes:
    value = await stub.get(key)
    if value is None:
        raise NotFound("tariff", "of the session is published")
    return value
