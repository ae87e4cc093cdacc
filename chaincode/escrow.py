"""Escrow: a session's tokens, from the wallet's balance until they are income or come back.

An escrow lives in the issuer's namespace. At home the host is the issuer and `session` calls these functions
directly; for a visitor the host's chaincode calls them here, in one transaction across both namespaces. An
escrow obeys only the chaincode of the host that the wallet's intent named: which chaincode was called first
is in the signed proposal, and every endorser of both condominiums runs that chaincode itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from chaincode import claim
from chaincode.condominium import KEY as CONDOMINIUM_KEY
from chaincode.condominium import namespace_of, own, own_from
from chaincode.errors import InvalidArgument, NotAuthorised, NotFound, StateConflict
from chaincode.fields import Fields, encode
from chaincode.mandate import Mandate, charge, existing
from chaincode.mandate import key_of as mandate_key
from chaincode.record import Record
from chaincode.signing.intent import OpenIntent, ReclaimIntent, intent_id
from chaincode.signing.request import decode_request, session_of_request
from chaincode.stub import Stub, composite_key
from chaincode.token import amount_in, set_balance, spend
from chaincode.wallet import balance_key, check_signature, read_intent, signing_key
from chaincode.wallet import key_of as wallet_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Escrow(Record):
    """Tokens that a session holds."""

    session: str
    host: str
    """Code of the condominium where the session is."""
    wallet: str
    amount: int
    reclaim_after: int
    """Unix seconds after which the wallet may reclaim it."""
    mandate: str | None
    period: int
    """The mandate's period that it counts in; 0 without a mandate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Income(Record):
    """What a session paid: to the issuer itself, or to a host that has a claim for it."""

    session: str
    payee: str
    amount: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Record):
    """How an escrow ended; answers a second attempt."""

    session: str
    paid: int
    refund: int
    reclaimed: bool
    """Whether the wallet took it back from the issuer because the host did not settle."""


def key_of(session: str) -> str:
    """Where a session's escrow is kept while it is held."""
    return composite_key("escrow", session)


def release_key(session: str) -> str:
    """Where it is kept how a visitor's escrow ended."""
    return composite_key("release", session)


def keys_of(session: str, wallet: str) -> tuple[str, ...]:
    """What `release` reads of the session's escrow and of the wallet that it refunds."""
    return key_of(session), release_key(session), balance_key(wallet)


async def lock(stub: Stub, host: str, body: bytes, signature: bytes) -> tuple[str, int]:
    """Move an open intent's amount from balance to escrow, for a session at `host`.

    Returns the key that signed, and when it may be reclaimed, Unix seconds."""
    intent = read_intent(stub, body, OpenIntent)
    session = intent_id(body)
    condominium_value, held, key_value, stored, ended = await stub.get_many(
        [
            CONDOMINIUM_KEY,
            balance_key(intent.wallet),
            wallet_key(intent.wallet),
            key_of(session),
            release_key(session),
        ]
    )
    condominium = own_from(condominium_value)
    if intent.issuer != condominium.code:
        raise NotAuthorised("issuer", f"is {condominium.code}")
    if intent.condominium != host or stored is not None or ended is not None:
        raise StateConflict("intent", "opens one session, at the condominium that it names")
    key = signing_key(intent.wallet, key_value)
    check_signature(stub, intent, body, signature, key)
    await set_balance(stub, intent.wallet, spend(amount_in(held), intent.amount))
    reclaim_after = stub.timestamp // 1000 + intent.duration + condominium.grace
    escrow = Escrow(
        session=session,
        host=host,
        wallet=intent.wallet,
        amount=intent.amount,
        reclaim_after=reclaim_after,
        mandate=None,
        period=0,
    )
    await stub.put(key_of(session), escrow.encode())
    return key, reclaim_after


async def lock_under_mandate(
    stub: Stub, host: str, mandate_id: str, request_body: bytes
) -> tuple[Mandate, int, int]:
    """Move a mandate's cap for one session, or the balance if that is less, into escrow.

    The host has verified that its unit made the request. Returns the mandate, the amount
    and when it may be reclaimed, Unix seconds."""
    request = decode_request(request_body)
    session = session_of_request(request_body)
    now = stub.timestamp // 1000
    condominium_value, mandate_value, stored, ended = await stub.get_many(
        [CONDOMINIUM_KEY, mandate_key(mandate_id), key_of(session), release_key(session)]
    )
    condominium = own_from(condominium_value)
    mandate = existing(mandate_value)
    if mandate.condominium != host:
        raise NotAuthorised("mandate", f"is for {mandate.condominium}")
    if stored is not None or ended is not None:
        raise StateConflict("request", "opens one session")
    mandate.check_permits(request, now)
    held = amount_in(await stub.get(balance_key(mandate.wallet)))
    amount = min(mandate.session_cap, held)
    if amount == 0:
        raise StateConflict("amount", "is more than nothing: the wallet is empty")
    period = mandate.period_of(now)
    await charge(stub, mandate, amount, period)
    await set_balance(stub, mandate.wallet, held - amount)
    reclaim_after = now + mandate.duration + condominium.grace
    escrow = Escrow(
        session=session,
        host=host,
        wallet=mandate.wallet,
        amount=amount,
        reclaim_after=reclaim_after,
        mandate=mandate.id,
        period=period,
    )
    await stub.put(key_of(session), escrow.encode())
    return mandate, amount, reclaim_after


async def release(stub: Stub, own_code: str, host: str, session: str, paid: int) -> Release:
    """End an escrow: `paid` of it to `host`, the rest back to the wallet. Twice is once.

    Raises StateConflict where `paid` is more than the escrow."""
    stored, ended = await stub.get_many([key_of(session), release_key(session)])
    if ended is not None:
        return Release.decode(ended)
    escrow = _held(stored)
    if escrow.host != host:
        raise NotAuthorised("session", "is this condominium's")
    return await _end(stub, own_code, escrow, paid, reclaimed=False)


async def lock_for_visitor(stub: Stub, body: bytes, signature: bytes) -> bytes:
    """`escrow.lock`: called by the host's chaincode when a visitor opens a session there."""
    intent = read_intent(stub, body, OpenIntent)
    await _require_host(stub, intent.condominium)
    key, reclaim_after = await lock(stub, intent.condominium, body, signature)
    condominium = await own(stub)
    return encode(
        {
            "key": key,
            "reclaim_after": reclaim_after,
            "currency": condominium.currency,
            "decimals": condominium.decimals,
        }
    )


async def lock_for_visitor_under_mandate(stub: Stub, mandate: bytes, host: bytes, request: bytes) -> bytes:
    """`escrow.lock_under_mandate`: as `escrow.lock`, for a start request."""
    fields = Fields({"mandate": _ascii(mandate), "host": _ascii(host)})
    name = fields.hexadecimal("mandate", 32)
    code = fields.text("host")
    await _require_host(stub, code)
    granted, amount, reclaim_after = await lock_under_mandate(stub, code, name, request)
    condominium = await own(stub)
    return encode(
        {
            "mandate": granted.members(),
            "amount": amount,
            "reclaim_after": reclaim_after,
            "currency": condominium.currency,
            "decimals": condominium.decimals,
        }
    )


async def release_for_visitor(stub: Stub, session: bytes, host: bytes, paid: bytes) -> bytes:
    """`escrow.release`: called by the host's chaincode when it settles or cancels a visitor's session."""
    fields = Fields({"session": _ascii(session), "host": _ascii(host)})
    name = fields.hexadecimal("session", 32)
    code = fields.text("host")
    if not paid.isdigit() or len(paid) > 15:
        raise InvalidArgument("paid", "is a decimal amount in minor units")
    await _require_host(stub, code)
    return (await release(stub, (await own(stub)).code, code, name, int(paid))).encode()


async def reclaim(stub: Stub, body: bytes, signature: bytes) -> bytes:
    """`escrow.reclaim`: a visitor's wallet takes back what a vanished host did not settle.

    After the grace period the issuer alone can end the escrow: it pays what readings on the host's own
    records prove, which every peer of the channel holds, and refunds the rest."""
    intent = read_intent(stub, body, ReclaimIntent)
    condominium = await own(stub)
    stored, ended, key = await stub.get_many(
        [key_of(intent.session), release_key(intent.session), wallet_key(intent.wallet)]
    )
    if ended is not None and Release.decode(ended).reclaimed:
        return ended
    escrow = _held(stored)
    if escrow.host == condominium.code:
        raise StateConflict("session", "is reclaimed by session.reclaim at home")
    check_reclaim(stub, escrow, intent)
    check_signature(stub, intent, body, signature, signing_key(intent.wallet, key))
    answer = await stub.invoke(namespace_of(escrow.host), "session.proven", [escrow.session.encode()])
    proven = json.loads(answer)["cost"]
    released = await _end(stub, condominium.code, escrow, min(proven, escrow.amount), reclaimed=True)
    stub.set_event("escrow.reclaimed", released.encode())
    return released.encode()


def check_reclaim(stub: Stub, escrow: Escrow, intent: ReclaimIntent) -> None:
    """The wallet's own escrow, and its time has come. Raises NotAuthorised, StateConflict."""
    if escrow.wallet != intent.wallet:
        raise NotAuthorised("wallet", "is the one whose tokens the session holds")
    if stub.timestamp // 1000 <= escrow.reclaim_after:
        raise StateConflict("session", f"can be reclaimed after {escrow.reclaim_after}")


async def get(stub: Stub, session: str) -> Escrow:
    """A session's escrow. Raises NotFound."""
    return _held(await stub.get(key_of(session)))


async def _end(stub: Stub, own_code: str, escrow: Escrow, paid: int, *, reclaimed: bool) -> Release:
    if paid > escrow.amount:
        raise StateConflict("cost", f"is at most {escrow.amount}, what the session holds")
    refund = escrow.amount - paid
    now = stub.timestamp // 1000
    await stub.delete(key_of(escrow.session))
    if paid:
        income = Income(session=escrow.session, payee=escrow.host, amount=paid, at=now)
        await stub.put(composite_key("income", escrow.session), income.encode())
    if refund:
        held = amount_in(await stub.get(balance_key(escrow.wallet)))
        await set_balance(stub, escrow.wallet, held + refund)
    if escrow.mandate is not None and refund:
        mandate = existing(await stub.get(mandate_key(escrow.mandate)))
        await charge(stub, mandate, -refund, escrow.period)
    released = Release(session=escrow.session, paid=paid, refund=refund, reclaimed=reclaimed)
    if escrow.host != own_code:
        # At home the session's record answers a second attempt; here there is no session.
        await stub.put(release_key(escrow.session), released.encode())
        if paid:
            await claim.record(
                stub,
                counterparty=escrow.host,
                session=escrow.session,
                amount=paid,
                issuer=own_code,
                direction=claim.PAYABLE,
            )
    return released


async def _require_host(stub: Stub, host: str) -> None:
    if host == (await own(stub)).code or stub.called != namespace_of(host):
        raise NotAuthorised("host", "is another condominium whose chaincode was called first")


def _held(value: bytes | None) -> Escrow:
    if value is None:
        raise NotFound("session", "holds an escrow in this namespace")
    return Escrow.decode(value)


def _ascii(value: bytes) -> str:
    return value.decode("ascii", "replace")
