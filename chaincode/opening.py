"""Opening a session: tokens go into escrow for a unit, by the wallet's intent or under its mandate.

An intent is signed for one session. A mandate stands, and a tap or plugging in uses it: the unit's start
request is the evidence. Either way the tokens are locked in the issuer's namespace (`chaincode.escrow`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from chaincode import escrow
from chaincode.condominium import KEY as CONDOMINIUM_KEY
from chaincode.condominium import Condominium, namespace_of, own, own_from
from chaincode.errors import NotAuthorised, StateConflict
from chaincode.evidence import verify_request
from chaincode.fields import CODE, Fields
from chaincode.mandate import Mandate
from chaincode.session import OPENED, Session, key_of, require_gateway, write
from chaincode.signing.intent import OpenIntent, intent_id
from chaincode.signing.request import BODY_BYTES as REQUEST_BYTES
from chaincode.signing.request import session_of_request
from chaincode.stub import Stub, composite_key
from chaincode.tariff import Tariff, nameable
from chaincode.tariff import key_of as tariff_key
from chaincode.unit import ACTIVE, OCMF, Unit, existing
from chaincode.unit import key_of as unit_key
from chaincode.wallet import read_intent

REQUEST_VALIDITY = 900
"""Seconds for which a tap or plugging in may open a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """What an intent or a mandate settles of its session."""

    wallet: str
    issuer: str
    amount: int
    duration: int
    reclaim_after: int
    wallet_key: str | None = None
    energy_limit: int | None = None
    leave: int | None = None
    mandate: str | None = None


async def open_session(stub: Stub, body: bytes, signature: bytes) -> bytes:
    """`session.open`: lock the intent's tokens; the condominium's gateway relays it."""
    intent = read_intent(stub, body, OpenIntent)
    identity = intent_id(body)
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
    require_gateway(stub, condominium)
    if stored is not None:
        return stored
    if intent.condominium != condominium.code:
        raise NotAuthorised("condominium", f"is {condominium.code}")
    unit = _active(intent.unit, unit_value)
    tariff = nameable(intent.tariff, tariff_value, successor, stub.timestamp // 1000)
    if intent.tariff_hash not in (None, tariff.hash()):
        raise StateConflict("tariff_hash", f"is that of tariff {tariff.number} as it was published")
    key, reclaim_after = await _lock(stub, condominium, intent.issuer, body, signature)
    terms = _Terms(
        wallet=intent.wallet,
        issuer=intent.issuer,
        amount=intent.amount,
        duration=intent.duration,
        reclaim_after=reclaim_after,
        wallet_key=key,
        energy_limit=None if intent.energy is None else intent.energy * 1000,
        leave=intent.leave,
    )
    return await _open(stub, identity, condominium=condominium, unit=unit, tariff=tariff, terms=terms)


async def open_under_mandate(stub: Stub, request: bytes, evidence: bytes) -> bytes:
    """`session.open_under_mandate`: a tap or plugging in opens a session that a mandate permits.

    Request: mandate, issuer, tariff. Evidence: the unit's start request, attested for class mac."""
    condominium = await own(stub)
    require_gateway(stub, condominium)
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
    terms = _Terms(
        wallet=mandate.wallet,
        issuer=issuer,
        amount=amount,
        duration=mandate.duration,
        reclaim_after=reclaim_after,
        mandate=mandate_id,
    )
    return await _open(stub, identity, condominium=condominium, unit=unit, tariff=tariff, terms=terms)


async def _open(
    stub: Stub, identity: str, *, condominium: Condominium, unit: Unit, tariff: Tariff, terms: _Terms
) -> bytes:
    now = stub.timestamp // 1000
    session = Session(
        id=identity,
        state=OPENED,
        unit=unit.number,
        unit_class=unit.key_class,
        unit_key=unit.key,
        unit_generation=unit.generation,
        wallet=terms.wallet,
        issuer=terms.issuer,
        wallet_key=terms.wallet_key,
        tariff=tariff.number,
        tariff_hash=tariff.hash(),
        amount=terms.amount,
        decimals=condominium.decimals,
        opened_at=now,
        deadline=now + terms.duration,
        reclaim_after=terms.reclaim_after,
        energy_limit=terms.energy_limit,
        leave=terms.leave,
        mandate=terms.mandate,
        metering=None,
        meter_keys=(),
        stop_at=None,
        first=None,
        last=None,
        usage=(),
        settlement=None,
    )
    moment = f"{now:012d}"
    await stub.put(composite_key("session-by-unit", f"{session.unit:05d}", moment, session.id), b"1")
    await stub.put(composite_key("session-by-wallet", session.wallet, moment, session.id), b"1")
    return await write(stub, session, "session.opened")


async def _lock(
    stub: Stub, condominium: Condominium, issuer: str, body: bytes, signature: bytes
) -> tuple[str, int]:
    """The key that signed the intent in `body`, and when its escrow may be reclaimed."""
    if issuer == condominium.code:
        return await escrow.lock(stub, condominium.code, body, signature)
    locked = json.loads(await stub.invoke(namespace_of(issuer), "escrow.lock", [body, signature]))
    _same_currency(condominium, locked)
    return locked["key"], locked["reclaim_after"]


async def _lock_under_mandate(
    stub: Stub, condominium: Condominium, issuer: str, mandate_id: str, body: bytes
) -> tuple[Mandate, int, int]:
    """The mandate, what it locked, and when that may be reclaimed."""
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


def _active(number: int, value: bytes | None) -> Unit:
    unit = existing(number, value)
    if unit.state != ACTIVE:
        raise StateConflict("unit", f"{number} is in service; it was retired")
    if unit.key_class == OCMF:
        # Nothing could end the session but time, and until then it would hold the wallet's tokens.
        raise StateConflict("unit", f"{number} is of class ed25519 or mac: OCMF records are not settled yet")
    return unit


def _same_currency(condominium: Condominium, locked: dict[str, object]) -> None:
    """A tariff prices in its own condominium's token: a visitor's token must be worth the same."""
    if (locked["currency"], locked["decimals"]) != (condominium.currency, condominium.decimals):
        raise StateConflict(
            "issuer", f"issues tokens of {condominium.currency} with {condominium.decimals} decimals"
        )
