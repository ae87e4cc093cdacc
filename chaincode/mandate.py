"""Mandates: standing, capped, revocable permissions under which a tag or plugging in opens sessions.

A mandate lives with the wallet's tokens, in the issuer's namespace. What it has spent is counted a period
at a time in a row of its own: what sessions have locked, less what they gave back.
"""

from __future__ import annotations

from dataclasses import dataclass

from chaincode.condominium import KEY as CONDOMINIUM_KEY
from chaincode.condominium import own_from
from chaincode.errors import InvalidArgument, NotAuthorised, NotFound, StateConflict
from chaincode.fields import Fields
from chaincode.record import Record
from chaincode.signing.intent import MandateIntent, RevokeIntent, intent_id
from chaincode.signing.request import RequestKind, StartRequest
from chaincode.stub import Stub, composite_key
from chaincode.tariff import Tariff
from chaincode.wallet import balance_key, check_signature, read_intent, require_known, signing_key
from chaincode.wallet import key_of as wallet_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate(Record):
    """A granted mandate; the members are the intent's."""

    id: str
    wallet: str
    condominium: str
    units: tuple[int, ...]
    tags: tuple[str, ...]
    session_cap: int
    period_cap: int
    period: int
    until: int
    duration: int
    price_limit: int
    start_fee_limit: int
    idle_price_limit: int
    revoked_at: int | None

    def period_of(self, time: int) -> int:
        """The number of the period that `time` (Unix seconds) falls in."""
        return time // self.period

    def check_affordable(self, tariff: Tariff) -> None:
        """The tariff is nowhere dearer than the wallet allowed. Raises NotAuthorised."""
        if max(band.energy_price for band in tariff.bands) > self.price_limit:
            raise NotAuthorised("tariff", f"costs at most {self.price_limit} a kWh under the mandate")
        if max(band.idle_price for band in tariff.bands) > self.idle_price_limit:
            raise NotAuthorised(
                "tariff", f"costs at most {self.idle_price_limit} an idle minute under the mandate"
            )
        if tariff.start_fee > self.start_fee_limit:
            raise NotAuthorised("tariff", f"costs at most {self.start_fee_limit} to start under the mandate")

    def check_permits(self, request: StartRequest, now: int) -> None:
        """The mandate lets this request open a session now. Raises NotAuthorised."""
        if self.revoked_at is not None:
            raise NotAuthorised("mandate", "is not revoked")
        if now > self.until:
            raise NotAuthorised("mandate", "has not expired")
        if self.units and request.unit not in self.units:
            raise NotAuthorised("unit", "is one that the mandate names")
        if self.tags:
            if request.kind is not RequestKind.TAG or request.tag.hex() not in self.tags:
                raise NotAuthorised("tag", "is one that the mandate names")
        elif request.kind is not RequestKind.PLUGGED_IN:
            raise NotAuthorised("tag", "is none: the mandate is for plugging in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending(Record):
    """What a mandate has locked in one period, less what came back."""

    amount: int


def key_of(identity: str) -> str:
    """Where a mandate is kept."""
    return composite_key("mandate", identity)


def spending_key(identity: str, period: int) -> str:
    """Where a mandate's spending in one period is kept."""
    return composite_key("mandate-spending", identity, f"{period:012d}")


def existing(value: bytes | None) -> Mandate:
    """The mandate in `value`. Raises NotFound."""
    if value is None:
        raise NotFound("mandate", "is granted in its issuer's namespace")
    return Mandate.decode(value)


async def grant(stub: Stub, body: bytes, signature: bytes) -> bytes:
    """`mandate.grant`: by the wallet's own signature."""
    intent = read_intent(stub, body, MandateIntent)
    identity = intent_id(body)
    condominium, stored, key, balance = await stub.get_many(
        [CONDOMINIUM_KEY, key_of(identity), wallet_key(intent.wallet), balance_key(intent.wallet)]
    )
    if intent.issuer != own_from(condominium).code:
        raise NotAuthorised("issuer", f"is {own_from(condominium).code}")
    if stored is not None:
        return stored
    require_known(balance)
    check_signature(stub, intent, body, signature, signing_key(intent.wallet, key))
    value = Mandate(
        id=identity,
        wallet=intent.wallet,
        condominium=intent.condominium,
        units=intent.units,
        tags=intent.tags,
        session_cap=intent.session_cap,
        period_cap=intent.period_cap,
        period=intent.period,
        until=intent.until,
        duration=intent.duration,
        price_limit=intent.price_limit,
        start_fee_limit=intent.start_fee_limit,
        idle_price_limit=intent.idle_price_limit,
        revoked_at=None,
    ).encode()
    await stub.put(key_of(identity), value)
    stub.set_event("mandate.granted", value)
    return value


async def revoke(stub: Stub, body: bytes, signature: bytes) -> bytes:
    """`mandate.revoke`: by the wallet's own signature; sessions under way go on."""
    intent = read_intent(stub, body, RevokeIntent)
    stored, key = await stub.get_many([key_of(intent.mandate), wallet_key(intent.wallet)])
    mandate = existing(stored)
    if mandate.wallet != intent.wallet:
        raise NotAuthorised("wallet", "is the one that granted the mandate")
    check_signature(stub, intent, body, signature, signing_key(intent.wallet, key))
    if mandate.revoked_at is not None:
        return mandate.encode()
    members = {**mandate.members(), "revoked_at": stub.timestamp // 1000}
    value = Mandate.of(members).encode()
    await stub.put(key_of(mandate.id), value)
    stub.set_event("mandate.revoked", value)
    return value


async def get(stub: Stub, identity: bytes) -> bytes:
    """`mandate.get`: one mandate by its id."""
    name = Fields({"mandate": identity.decode("ascii", "replace")}).hexadecimal("mandate", 32)
    return existing(await stub.get(key_of(name))).encode()


async def charge(stub: Stub, mandate: Mandate, amount: int, period: int) -> None:
    """Count `amount` (negative where it comes back) as spent in `period`. Raises StateConflict."""
    row = spending_key(mandate.id, period)
    stored = await stub.get(row)
    spent = (0 if stored is None else Spending.decode(stored).amount) + amount
    if amount > 0 and spent > mandate.period_cap:
        raise StateConflict("amount", f"stays within the mandate's cap of {mandate.period_cap} a period")
    if spent < 0:
        raise InvalidArgument("amount", "gives back no more than was spent")
    await stub.put(row, Spending(amount=spent).encode())
