"""Intents: what a wallet signs, wallet to ledger.

The body is JSON; the signature is Ed25519 over `condocharge/intent/1\\n` and the exact bytes of the
body; the intent's id is SHA-256 of the body. Every body holds `version`, `network` (the channel),
`kind`, `wallet`, `nonce` (16 random bytes) and `expires`, and the fields of its kind:

=========== ==================================================================================
open        lock tokens and ask for power at a unit
stop        end one's own session
reclaim     take back an escrow that the condominium did not settle
transfer    give tokens to another wallet
redeem      give tokens back to the condominium that issued them
mandate     let tags or plugging-in open sessions, within caps
revoke      end a mandate
rotate-key  replace the wallet's signing key; the new key signs too
=========== ==================================================================================
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import ClassVar, TypedDict

from chaincode.errors import InvalidArgument
from chaincode.fields import CODE, Fields, encode

VERSION = 1
MAX_VALIDITY = 7 * 86_400
"""Seconds that an intent may be valid: long enough for a phone that was offline."""
MAX_BODY = 4_096
"""Bytes: the longest, a mandate for many units and tags, has less than half of them."""
MAX_DURATION = 7 * 86_400
MAX_STANDING = 400 * 86_400
"""Seconds after its intent's expiry that a mandate may stand: a year, and some weeks to renew it in."""
MAX_AMOUNT = 10**12
MAX_UNIT = 65_535
MAX_ENERGY = 10**6
"""Wh; a thousand kilowatt-hours is more than any car holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What all intents have in common."""

    kind: ClassVar[str]
    network: str
    wallet: str
    """The wallet's id: its first Ed25519 public key, hexadecimal."""
    nonce: str
    expires: int
    """Unix seconds."""

    def encode(self) -> bytes:
        """The body to be signed. Optional fields that are None are left out."""
        members = {name: value for name, value in asdict(self).items() if value is not None}
        return encode(members | {"version": VERSION, "kind": self.kind})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIntent(Intent):
    """Open a session: lock `amount` of `issuer`'s tokens for charging at a unit of `condominium`."""

    kind: ClassVar[str] = "open"
    condominium: str
    unit: int
    tariff: int
    """The number of the tariff that the wallet accepts."""
    issuer: str
    amount: int
    """Minor units of the issuer's token."""
    duration: int
    """Seconds from opening after which nothing more may be charged."""
    energy: int | None = None
    """Wh: what the car needs and the most that is billed; None for as much as the amount buys."""
    leave: int | None = None
    """Unix seconds at which the car leaves; the scheduler plans for it."""
    tariff_hash: str | None = None
    """SHA-256 of the tariff's record as the wallet was shown it: made-up prices open no session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopIntent(Intent):
    """End one's own session."""

    kind: ClassVar[str] = "stop"
    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReclaimIntent(Intent):
    """Take back an escrow after the deadline and the grace period."""

    kind: ClassVar[str] = "reclaim"
    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferIntent(Intent):
    """Give tokens to another wallet."""

    kind: ClassVar[str] = "transfer"
    issuer: str
    to: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemIntent(Intent):
    """Give tokens back to their issuer, who owes their price."""

    kind: ClassVar[str] = "redeem"
    issuer: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateIntent(Intent):
    """A standing, capped, revocable permission to open sessions on a unit's start request."""

    kind: ClassVar[str] = "mandate"
    issuer: str
    condominium: str
    units: tuple[int, ...]
    """Units at which it may spend; none for every unit of the condominium."""
    tags: tuple[str, ...]
    """Hashes of the tags that spend under it; none for plugging in, which needs `units`."""
    session_cap: int
    """The most that one session locks, minor units."""
    period_cap: int
    """The most that all sessions of one period spend, minor units."""
    period: int
    """Seconds; periods are counted from 1970."""
    until: int
    """Unix seconds after which it opens nothing: at most `MAX_STANDING` after `expires`."""
    duration: int
    """Seconds, for each session."""
    price_limit: int
    """Millionths of a token per kWh: no session opens under a dearer tariff."""
    start_fee_limit: int = 0
    """Minor units: likewise for the start fee."""
    idle_price_limit: int = 0
    """Millionths of a token per minute: likewise for time connected after charging."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeIntent(Intent):
    """End a mandate."""

    kind: ClassVar[str] = "revoke"
    issuer: str
    mandate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateKeyIntent(Intent):
    """Replace the key that signs for the wallet."""

    kind: ClassVar[str] = "rotate-key"
    issuer: str
    key: str


AnyIntent = (
    OpenIntent
    | StopIntent
    | ReclaimIntent
    | TransferIntent
    | RedeemIntent
    | MandateIntent
    | RevokeIntent
    | RotateKeyIntent
)


class _Common(TypedDict):
    network: str
    wallet: str
    nonce: str
    expires: int


def new_nonce() -> str:
    """A fresh random nonce for a wallet's next intent."""
    return secrets.token_hex(16)


def intent_id(body: bytes) -> str:
    """SHA-256 of the exact body, hexadecimal. Never of a signature: some browsers randomise those."""
    return hashlib.sha256(body).hexdigest()


def parse_intent(body: bytes) -> AnyIntent:
    """Read an intent's body strictly. Raises InvalidArgument naming field and rule."""
    if len(body) > MAX_BODY:
        raise InvalidArgument("intent", f"has at most {MAX_BODY} bytes")
    fields = Fields.parse(body, "intent")
    fields.integer("version", VERSION, VERSION)
    kind = fields.choice("kind", *_READERS)
    common = _Common(
        network=fields.text("network", longest=64),
        wallet=fields.hexadecimal("wallet", 32),
        nonce=fields.hexadecimal("nonce", 16),
        expires=fields.integer("expires"),
    )
    intent = _READERS[kind](fields, common)
    fields.done()
    return intent


def _open(fields: Fields, common: _Common) -> OpenIntent:
    return OpenIntent(
        **common,
        condominium=fields.text("condominium", CODE),
        unit=fields.integer("unit", 0, MAX_UNIT),
        tariff=fields.integer("tariff", 1),
        issuer=fields.text("issuer", CODE),
        amount=fields.integer("amount", 1, MAX_AMOUNT),
        duration=fields.integer("duration", 60, MAX_DURATION),
        energy=fields.optional("energy", lambda name: fields.integer(name, 1, MAX_ENERGY)),
        leave=fields.optional("leave", fields.integer),
        tariff_hash=fields.optional("tariff_hash", lambda name: fields.hexadecimal(name, 32)),
    )


def _stop(fields: Fields, common: _Common) -> StopIntent:
    return StopIntent(
        **common,
        session=fields.hexadecimal("session", 32),
    )


def _reclaim(fields: Fields, common: _Common) -> ReclaimIntent:
    return ReclaimIntent(
        **common,
        session=fields.hexadecimal("session", 32),
    )


def _transfer(fields: Fields, common: _Common) -> TransferIntent:
    return TransferIntent(
        **common,
        issuer=fields.text("issuer", CODE),
        to=fields.hexadecimal("to", 32),
        amount=fields.integer("amount", 1, MAX_AMOUNT),
    )


def _redeem(fields: Fields, common: _Common) -> RedeemIntent:
    return RedeemIntent(
        **common,
        issuer=fields.text("issuer", CODE),
        amount=fields.integer("amount", 1, MAX_AMOUNT),
    )


def _mandate(fields: Fields, common: _Common) -> MandateIntent:
    mandate = MandateIntent(
        **common,
        issuer=fields.text("issuer", CODE),
        condominium=fields.text("condominium", CODE),
        units=fields.integers("units", 64, 0, MAX_UNIT),
        tags=fields.hexadecimals("tags", 16, 16),
        session_cap=fields.integer("session_cap", 1, MAX_AMOUNT),
        period_cap=fields.integer("period_cap", 1, MAX_AMOUNT),
        period=fields.integer("period", 3_600, 366 * 86_400),
        until=fields.integer("until"),
        duration=fields.integer("duration", 60, MAX_DURATION),
        price_limit=fields.integer("price_limit"),
        start_fee_limit=fields.optional("start_fee_limit", fields.integer) or 0,
        idle_price_limit=fields.optional("idle_price_limit", fields.integer) or 0,
    )
    if mandate.until > mandate.expires + MAX_STANDING:
        raise InvalidArgument("until", f"is at most {MAX_STANDING // 86_400} days after the intent expires")
    if not mandate.tags and not mandate.units:
        raise InvalidArgument("units", "names at least one unit where no tag is named")
    return mandate


def _revoke(fields: Fields, common: _Common) -> RevokeIntent:
    return RevokeIntent(
        **common,
        issuer=fields.text("issuer", CODE),
        mandate=fields.hexadecimal("mandate", 32),
    )


def _rotate_key(fields: Fields, common: _Common) -> RotateKeyIntent:
    return RotateKeyIntent(
        **common,
        issuer=fields.text("issuer", CODE),
        key=fields.hexadecimal("key", 32),
    )


_READERS: dict[str, Callable[[Fields, _Common], AnyIntent]] = {
    "open": _open,
    "stop": _stop,
    "reclaim": _reclaim,
    "transfer": _transfer,
    "redeem": _redeem,
    "mandate": _mandate,
    "revoke": _revoke,
    "rotate-key": _rotate_key,
}
