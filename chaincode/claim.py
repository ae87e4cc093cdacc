"""Claims: what condominiums owe each other for visitors' sessions, and the clearing that nets them.

A visitor's session leaves one row in each namespace: receivable at the host, payable at the issuer. A
clearing names claims of both directions and the net payment; each condominium signs the same bytes with its
signing key, and each namespace checks its own side: its own records and its own signature.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from chaincode.condominium import Condominium, namespace_of, own
from chaincode.errors import InvalidArgument, NotAuthorised, NotFound, StateConflict
from chaincode.fields import CODE, Fields, encode
from chaincode.record import Record
from chaincode.signing import domain
from chaincode.signing.intent import MAX_AMOUNT
from chaincode.stub import Stub, composite_key

RECEIVABLE = "receivable"
PAYABLE = "payable"
MAX_CLAIMS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Record):
    """One session's debt between two condominiums."""

    counterparty: str
    session: str
    direction: str
    amount: int
    """Minor units of `issuer`'s token."""
    issuer: str
    at: int
    clearing: str | None
    """Id of the clearing that netted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearing(Record):
    """Claims netted against each other; the net amount is paid outside the ledger."""

    id: str
    first: str
    second: str
    first_owes: int
    """Sum of the claims that `second` has on `first`."""
    second_owes: int
    payment: str
    """Reference of the payment that settles the net amount."""
    claims: tuple[str, ...]
    """Sessions whose claims are netted, sorted."""
    at: int


def key_of(counterparty: str, session: str) -> str:
    """Where an open claim is kept."""
    return composite_key("claim", counterparty, session)


def cleared_key(counterparty: str, session: str) -> str:
    """Where a claim goes when it is netted, so that open claims stay a short range."""
    return composite_key("cleared-claim", counterparty, session)


async def record(
    stub: Stub, *, counterparty: str, session: str, amount: int, issuer: str, direction: str
) -> None:
    """Write this namespace's side of a claim."""
    claim = Claim(
        counterparty=counterparty,
        session=session,
        direction=direction,
        amount=amount,
        issuer=issuer,
        at=stub.timestamp // 1000,
        clearing=None,
    )
    await stub.put(key_of(counterparty, session), claim.encode())


async def clear(stub: Stub, body: bytes, first_signature: bytes, second_signature: bytes) -> bytes:
    """`claim.clear`: net the claims that `body` names, in both namespaces. Called in `first`'s.

    Body: version, network, first, second, claims (session ids, sorted), first_owes, second_owes, payment."""
    condominium = await own(stub)
    clearing = _read(stub, body)
    if clearing.first != condominium.code:
        raise NotAuthorised("first", f"is {condominium.code}, whose namespace this is")
    stored = await stub.get(composite_key("clearing", clearing.id))
    if stored is not None:
        return stored
    answer = await stub.invoke(
        namespace_of(clearing.second), "claim.clear_counterparty", [body, first_signature, second_signature]
    )
    other = json.loads(answer)
    same = (other["currency"], other["decimals"]) == (condominium.currency, condominium.decimals)
    if clearing.first_owes and clearing.second_owes and not same:
        raise StateConflict("claims", "of both directions are in one currency, or are cleared apart")
    return await _clear_side(stub, condominium, clearing, first_signature, body)


async def clear_counterparty(
    stub: Stub, body: bytes, first_signature: bytes, second_signature: bytes
) -> bytes:
    """`claim.clear_counterparty`: the second side of a clearing, called by the first's chaincode."""
    condominium = await own(stub)
    clearing = _read(stub, body)
    if clearing.second != condominium.code or stub.called != namespace_of(clearing.first):
        raise NotAuthorised("second", f"is {condominium.code}, called by the first's chaincode")
    await _clear_side(stub, condominium, clearing, second_signature, body)
    return encode({"currency": condominium.currency, "decimals": condominium.decimals})


async def page(stub: Stub, request: bytes) -> bytes:
    """`claim.open`: open claims with one counterparty, by page, as {"claims", "bookmark"}.

    Request: counterparty, bookmark (absent for the first page)."""
    fields = Fields.parse(request, "request")
    code = fields.text("counterparty", CODE)
    bookmark = fields.bookmark()
    fields.done()
    entries = await stub.page(composite_key("claim", code), MAX_CLAIMS, bookmark)
    claims = [Claim.decode(entry.value).members() for entry in entries.entries]
    return encode({"claims": claims, "bookmark": entries.bookmark})


async def _clear_side(
    stub: Stub, condominium: Condominium, clearing: Clearing, signature: bytes, body: bytes
) -> bytes:
    if not domain.verifies(bytes.fromhex(condominium.signing_key), domain.CLEARING, body, signature):
        raise NotAuthorised("signature", f"is the signing key's of {condominium.code}")
    other = clearing.second if condominium.code == clearing.first else clearing.first
    claims = await _open_claims(stub, other, clearing.claims)
    owed = sum(claim.amount for claim in claims if claim.direction == PAYABLE)
    due = sum(claim.amount for claim in claims if claim.direction == RECEIVABLE)
    said = (clearing.first_owes, clearing.second_owes)
    if (said if condominium.code == clearing.first else said[::-1]) != (owed, due):
        raise StateConflict("first_owes", f"and second_owes are what {condominium.code}'s claims add up to")
    for claim in claims:
        await stub.delete(key_of(other, claim.session))
        await stub.put(cleared_key(other, claim.session), replace(claim, clearing=clearing.id).encode())
    value = clearing.encode()
    await stub.put(composite_key("clearing", clearing.id), value)
    if stub.called == namespace_of(condominium.code):
        stub.set_event("claim.cleared", value)
    return value


async def _open_claims(stub: Stub, counterparty: str, sessions: tuple[str, ...]) -> list[Claim]:
    values = await stub.get_many([key_of(counterparty, session) for session in sessions])
    claims = []
    for session, value in zip(sessions, values, strict=True):
        if value is None:
            raise NotFound("claims", f"are open; {session} is not")
        claims.append(Claim.decode(value))
    return claims


def _read(stub: Stub, body: bytes) -> Clearing:
    fields = Fields.parse(body, "clearing")
    fields.integer("version", 1, 1)
    if fields.text("network", longest=64) != stub.channel:
        raise NotAuthorised("network", f"is {stub.channel}")
    clearing = Clearing(
        id=hashlib.sha256(body).hexdigest(),
        first=fields.text("first", CODE),
        second=fields.text("second", CODE),
        first_owes=fields.integer("first_owes", 0, MAX_AMOUNT),
        second_owes=fields.integer("second_owes", 0, MAX_AMOUNT),
        payment=fields.text("payment", longest=64),
        claims=fields.hexadecimals("claims", MAX_CLAIMS, 32),
        at=stub.timestamp // 1000,
    )
    fields.done()
    if not clearing.claims:
        raise InvalidArgument("claims", "names at least one session")
    if clearing.first == clearing.second:
        raise InvalidArgument("second", "is another condominium")
    return clearing
