"""Wallets: whether an intent is its wallet's, and which key signs for it.

A wallet's id is its first public key, so most wallets need no record at all; one appears when the key is
rotated. Keys live where the wallet's tokens do: in the issuer's namespace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from chaincode.condominium import KEY as CONDOMINIUM_KEY
from chaincode.condominium import namespace_of, own_from
from chaincode.errors import InvalidArgument, NotAuthorised, StateConflict
from chaincode.fields import Fields
from chaincode.record import Record
from chaincode.signing import domain
from chaincode.signing.intent import MAX_VALIDITY, AnyIntent, Intent, RotateKeyIntent, intent_id, parse_intent
from chaincode.stub import Stub, composite_key

_Kind = TypeVar("_Kind", bound=Intent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet(Record):
    """A wallet whose key was rotated."""

    wallet: str
    key: str
    """The Ed25519 public key that signs for it now, hexadecimal."""
    intent: str
    """Id of the intent that rotated it."""


def balance_key(wallet: str) -> str:
    """Where a wallet's balance is kept."""
    return composite_key("balance", wallet)


def require_known(balance: bytes | None) -> None:
    """The wallet has bought or been given tokens here, given what is stored at its `balance_key`: strangers
    write nothing on the ledger. Raises NotAuthorised."""
    if balance is None:
        raise NotAuthorised("wallet", "has had tokens of this condominium")


def key_of(wallet: str) -> str:
    """Where a wallet is kept."""
    return composite_key("wallet", wallet)


def signing_key(wallet: str, value: bytes | None) -> str:
    """The key that signs for `wallet`, given what is stored at `key_of(wallet)`."""
    return wallet if value is None else Wallet.decode(value).key


def read_intent(stub: Stub, body: bytes, kind: type[_Kind]) -> _Kind:
    """The intent in `body`, of this kind and for this network. Raises InvalidArgument, NotAuthorised."""
    intent: AnyIntent = parse_intent(body)
    if not isinstance(intent, kind):
        raise InvalidArgument("kind", f"is {kind.kind}")
    if intent.network != stub.channel:
        raise NotAuthorised("network", f"is {stub.channel}")
    return intent


def check_signature(stub: Stub, intent: Intent, body: bytes, signature: bytes, key: str) -> None:
    """`signature` over `body` is `key`'s, and the intent has not expired. Raises NotAuthorised."""
    now = stub.timestamp // 1000
    if intent.expires < now:
        raise NotAuthorised("expires", f"is not before {now}: sign a new intent, with the clock set right")
    if intent.expires > now + MAX_VALIDITY:
        raise NotAuthorised("expires", f"is at most {MAX_VALIDITY} seconds ahead")
    if not domain.verifies(bytes.fromhex(key), domain.INTENT, body, signature):
        raise NotAuthorised("signature", "is the wallet's")


async def key_at(stub: Stub, issuer: str, own_code: str, wallet: str) -> str:
    """The key that signs for a wallet of `issuer`, asked of the issuer's namespace where it is another's."""
    if issuer == own_code:
        return signing_key(wallet, await stub.get(key_of(wallet)))
    answer = await stub.invoke(namespace_of(issuer), "wallet.key", [wallet.encode()])
    return answer.decode()


async def key(stub: Stub, wallet: bytes) -> bytes:
    """`wallet.key`: the public key, hexadecimal, that signs for a wallet now."""
    fields = Fields({"wallet": wallet.decode("ascii", "replace")})
    name = fields.hexadecimal("wallet", 32)
    return signing_key(name, await stub.get(key_of(name))).encode()


async def rotate_key(stub: Stub, body: bytes, signature: bytes, proof: bytes) -> bytes:
    """`wallet.rotate_key`: another key signs from now on. `proof` is the new key's signature of the same
    body, so that nobody locks themselves out with a key that they do not hold."""
    intent = read_intent(stub, body, RotateKeyIntent)
    identity = intent_id(body)
    rotation = composite_key("rotation", identity)
    condominium_value, stored, done, balance = await stub.get_many(
        [CONDOMINIUM_KEY, key_of(intent.wallet), rotation, balance_key(intent.wallet)]
    )
    condominium = own_from(condominium_value)
    if intent.issuer != condominium.code:
        raise NotAuthorised("issuer", f"is {condominium.code}")
    if done is not None:
        # A rotation is done once, even if its key has become the wallet's again since.
        return done
    require_known(balance)
    check_signature(stub, intent, body, signature, signing_key(intent.wallet, stored))
    if not domain.verifies(bytes.fromhex(intent.key), domain.INTENT, body, proof):
        raise NotAuthorised("proof", "is the new key's signature of the same intent")
    if intent.key == signing_key(intent.wallet, stored):
        raise StateConflict("key", "is another than the one that signs now")
    value = Wallet(wallet=intent.wallet, key=intent.key, intent=identity).encode()
    await stub.put(key_of(intent.wallet), value)
    await stub.put(rotation, value)
    stub.set_event("wallet.key-rotated", value)
    return value
