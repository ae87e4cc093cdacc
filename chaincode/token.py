"""Tokens: bought from the condominium that issues them, held by wallets, given back to it.

Issued tokens are at all times equal to balances, escrows, income and redemptions together; each of these
is a row of its own, so no two unrelated transactions write the same key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chaincode import creator
from chaincode.condominium import KEY as CONDOMINIUM_KEY
from chaincode.condominium import Condominium, own, own_from
from chaincode.errors import NotAuthorised, StateConflict
from chaincode.fields import Fields, encode
from chaincode.record import Record
from chaincode.signing.intent import MAX_AMOUNT, RedeemIntent, TransferIntent, intent_id
from chaincode.stub import Stub, composite_key
from chaincode.wallet import balance_key, check_signature, read_intent, signing_key
from chaincode.wallet import key_of as wallet_key

REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance(Record):
    """What a wallet holds of this namespace's tokens."""

    amount: int
    """Minor units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase(Record):
    """Tokens issued against one payment."""

    reference: str
    wallet: str
    amount: int
    issued_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Record):
    """Tokens given by one wallet to another."""

    intent: str
    wallet: str
    to: str
    amount: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption(Record):
    """Tokens given back to their issuer."""

    intent: str
    wallet: str
    amount: int
    at: int


def amount_in(value: bytes | None) -> int:
    """The amount in a stored balance, 0 where there is none."""
    return 0 if value is None else Balance.decode(value).amount


async def set_balance(stub: Stub, wallet: str, amount: int) -> None:
    """Write a wallet's balance."""
    await stub.put(balance_key(wallet), Balance(amount=amount).encode())


async def issue(stub: Stub, request: bytes) -> bytes:
    """`token.issue`: tokens for a payment. The same payment reference twice is one purchase.

    Request: reference, wallet, amount (minor units)."""
    condominium = await own(stub)
    creator.require(stub, condominium.msp_id, creator.ADMIN, creator.GATEWAY)
    fields = Fields.parse(request, "request")
    purchase = Purchase(
        reference=fields.text("reference", REFERENCE),
        wallet=fields.hexadecimal("wallet", 32),
        amount=fields.integer("amount", 1, MAX_AMOUNT),
        issued_at=stub.timestamp // 1000,
    )
    fields.done()
    row = composite_key("purchase", purchase.reference)
    stored, balance = await stub.get_many([row, balance_key(purchase.wallet)])
    if stored is not None:
        before = Purchase.decode(stored)
        if (before.wallet, before.amount) != (purchase.wallet, purchase.amount):
            raise StateConflict("reference", "has already paid for another purchase")
        return stored
    value = purchase.encode()
    await stub.put(row, value)
    await set_balance(stub, purchase.wallet, amount_in(balance) + purchase.amount)
    stub.set_event("token.issued", value)
    return value


async def transfer(stub: Stub, body: bytes, signature: bytes) -> bytes:
    """`token.transfer`: tokens from the wallet that signed to another. Any member's identity may relay it."""
    intent = read_intent(stub, body, TransferIntent)
    identity = intent_id(body)
    row = composite_key("transfer", identity)
    condominium, stored, key, held, receiver = await stub.get_many(
        [CONDOMINIUM_KEY, row, wallet_key(intent.wallet), balance_key(intent.wallet), balance_key(intent.to)]
    )
    _check_issuer(own_from(condominium), intent.issuer)
    if stored is not None:
        return stored
    check_signature(stub, intent, body, signature, signing_key(intent.wallet, key))
    if intent.to == intent.wallet:
        raise StateConflict("to", "is another wallet")
    remaining = spend(amount_in(held), intent.amount)
    value = Transfer(
        intent=identity,
        wallet=intent.wallet,
        to=intent.to,
        amount=intent.amount,
        at=stub.timestamp // 1000,
    ).encode()
    await stub.put(row, value)
    await set_balance(stub, intent.wallet, remaining)
    await set_balance(stub, intent.to, amount_in(receiver) + intent.amount)
    stub.set_event("token.transferred", value)
    return value


async def redeem(stub: Stub, body: bytes, signature: bytes) -> bytes:
    """`token.redeem`: tokens back to their issuer, who owes the wallet's holder their price."""
    intent = read_intent(stub, body, RedeemIntent)
    identity = intent_id(body)
    row = composite_key("redemption", identity)
    condominium, stored, key, held = await stub.get_many(
        [CONDOMINIUM_KEY, row, wallet_key(intent.wallet), balance_key(intent.wallet)]
    )
    _check_issuer(own_from(condominium), intent.issuer)
    if stored is not None:
        return stored
    check_signature(stub, intent, body, signature, signing_key(intent.wallet, key))
    remaining = spend(amount_in(held), intent.amount)
    value = Redemption(
        intent=identity, wallet=intent.wallet, amount=intent.amount, at=stub.timestamp // 1000
    ).encode()
    await stub.put(row, value)
    await set_balance(stub, intent.wallet, remaining)
    stub.set_event("token.redeemed", value)
    return value


async def balance(stub: Stub, wallet: bytes) -> bytes:
    """`token.balance`: what a wallet holds, as {"amount", "wallet"}."""
    fields = Fields({"wallet": wallet.decode("ascii", "replace")})
    name = fields.hexadecimal("wallet", 32)
    return encode({"wallet": name, "amount": amount_in(await stub.get(balance_key(name)))})


def spend(held: int, amount: int) -> int:
    """What is left of `held`. Raises StateConflict where it is too little."""
    if held < amount:
        raise StateConflict("amount", f"is at most {held}, what the wallet holds")
    return held - amount


def _check_issuer(condominium: Condominium, issuer: str) -> None:
    if issuer != condominium.code:
        raise NotAuthorised("issuer", f"is {condominium.code}")
