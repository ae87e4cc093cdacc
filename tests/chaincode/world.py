"""Parties for tests of the rules: condominiums with identities, wallets, and units that sign readings."""

from __future__ import annotations

import datetime
import itertools
import json
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from nacl.signing import SigningKey

from chaincode.condominium import msp_id_of, namespace_of
from chaincode.creator import ATTRIBUTES, ROLE
from chaincode.signing import batch as batches
from chaincode.signing import domain
from chaincode.signing.batch import Batch, Flag, Reason, attest, sign_batch
from chaincode.signing.intent import (
    Intent,
    MandateIntent,
    OpenIntent,
    ReclaimIntent,
    StopIntent,
    intent_id,
    new_nonce,
)
from chaincode.signing.request import RequestKind, StartRequest
from chaincode.stub import Creator
from tests.chaincode.memory import MemoryLedger

HOUR = 3600
FLAT = [{"name": "all day", "energy_price": 200_000, "idle_price": 0}]
UTC = [{"start": 0, "seconds": 0}]


def creator_of(msp_id: str, role: str | None) -> Creator:
    """An identity with a role; the rules leave the certificate's chain to the ledger."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, role or "nobody")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36_500))
    )
    if role is not None:
        attributes = json.dumps({"attrs": {ROLE: role}}).encode()
        builder = builder.add_extension(x509.UnrecognizedExtension(ATTRIBUTES, attributes), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    return Creator(msp_id, certificate.public_bytes(serialization.Encoding.PEM))


def secret_of(key: SigningKey) -> bytes:
    """libsodium's 64-byte secret."""
    return bytes(key) + bytes(key.verify_key)


@dataclass
class PartyWallet:
    """A wallet that signs intents."""

    key: SigningKey = field(default_factory=SigningKey.generate)
    id: str = ""

    def __post_init__(self) -> None:
        self.id = self.id or bytes(self.key.verify_key).hex()

    def sign(self, intent: Intent | bytes) -> tuple[bytes, bytes]:
        """Body and signature of an intent."""
        body = intent if isinstance(intent, bytes) else intent.encode()
        return body, domain.sign(secret_of(self.key), domain.INTENT, body)


@dataclass
class PartyUnit:
    """A unit whose meter can be told what to say."""

    number: int
    condominium: str
    channel: str
    key_class: str = "ed25519"
    key: SigningKey = field(default_factory=SigningKey.generate)
    mac_key: bytes = bytes(range(16))
    attesting: SigningKey = field(default_factory=SigningKey.generate)
    boot: int = 1
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def batch(self, session: str, time: int, register: int, **changes: Any) -> Batch:
        """A reading; any field can be changed."""
        batch = Batch(
            unit=self.number,
            network=domain.network_tag(self.channel, self.condominium),
            boot=self.boot,
            number=next(self.numbers),
            time=time,
            register=register,
            session=bytes.fromhex(session)[: batches.SESSION_BYTES],
            previous=batches.NO_BATCH,
            period=60,
            flags=Flag.CLOSED | Flag.CONNECTED,
            temperature=21,
            humidity=40,
            reason=Reason.NONE,
            samples=(),
        )
        return replace(batch, **changes)

    def evidence(self, session: str, time: int, register: int, **changes: Any) -> bytes:
        """A reading as a transaction carries it."""
        return self.proof(self.batch(session, time, register, **changes))

    def proof(self, batch: Batch) -> bytes:
        """A batch signed, or sealed and attested."""
        if self.key_class == "ed25519":
            return sign_batch(batch, secret_of(self.key))
        message = self.seal(batch)
        return message + attest(message, secret_of(self.attesting))

    def seal(self, batch: Batch) -> bytes:
        """A batch as a unit of class mac sends it."""
        body = batch.encode()
        return body + domain.mac(self.mac_key, domain.BATCH, body)

    def request(self, time: int, tag: bytes, **changes: Any) -> bytes:
        """A start request as a transaction carries it: `tag` (its hash) was held to the reader."""
        request = StartRequest(
            kind=RequestKind.TAG,
            unit=self.number,
            network=domain.network_tag(self.channel, self.condominium),
            boot=self.boot,
            number=next(self.numbers),
            time=time,
            tag=tag,
        )
        body = replace(request, **changes).encode()
        if self.key_class == "ed25519":
            return body + domain.sign(secret_of(self.key), domain.REQUEST, body)
        message = body + domain.mac(self.mac_key, domain.REQUEST, body)
        return message + attest(message, secret_of(self.attesting))


@dataclass
class PartyCondominium:
    """A condominium with its identities, on a ledger."""

    code: str
    ledger: MemoryLedger
    signing: SigningKey = field(default_factory=SigningKey.generate)
    references: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _creators: ClassVar[dict[tuple[str, str | None], Creator]] = {}

    def creator(self, role: str | None = "gateway") -> Creator:
        """One of its identities."""
        known = (msp_id_of(self.code), role)
        if known not in self._creators:
            self._creators[known] = creator_of(*known)
        return self._creators[known]

    @property
    def namespace(self) -> str:
        """Where its records are."""
        return namespace_of(self.code)

    @property
    def now(self) -> int:
        """The ledger's time in Unix seconds."""
        return self.ledger.now // 1000

    async def submit(
        self, function: str, *arguments: bytes | dict[str, Any], role: str | None = "gateway"
    ) -> Any:
        """Submit to the condominium's own namespace as one of its identities."""
        raw = [a if isinstance(a, bytes) else json.dumps(a).encode() for a in arguments]
        return json.loads(await self.ledger.submit(self.creator(role), self.namespace, function, *raw))

    async def evaluate(self, function: str, *arguments: bytes | dict[str, Any]) -> Any:
        """Query the condominium's own namespace."""
        raw = [a if isinstance(a, bytes) else json.dumps(a).encode() for a in arguments]
        return json.loads(await self.ledger.evaluate(self.creator(), self.namespace, function, *raw))

    async def register(self, **changes: Any) -> None:
        """Register with a flat tariff of 0.20 a kWh."""
        request = {
            "code": self.code,
            "name": self.code.title(),
            "currency": "EUR",
            "decimals": 2,
            "grace": HOUR,
            "signing_key": bytes(self.signing.verify_key).hex(),
        }
        await self.submit("condominium.register", request | changes, role="admin")
        await self.publish()

    async def publish(self, number: int = 1, **changes: Any) -> Any:
        """Publish a tariff."""
        tariff = {
            "number": number,
            "valid_from": self.now,
            "start_fee": 0,
            "bands": FLAT,
            "week": [],
            "offsets": UTC,
        }
        return await self.submit("tariff.publish", tariff | changes)

    async def enrol(self, number: int, key_class: str = "ed25519", **changes: Any) -> PartyUnit:
        """Enrol a unit of 32 A at 230 V, one phase."""
        unit = PartyUnit(number, self.code, self.ledger.channel, key_class, attesting=self.signing)
        request: dict[str, Any] = {
            "unit": number,
            "class": key_class,
            "nominal_current": 32_000,
            "nominal_voltage": 2_300,
            "phases": 1,
        }
        if key_class == "ed25519":
            request["key"] = bytes(unit.key.verify_key).hex()
        await self.submit("unit.enrol", request | changes)
        return unit

    async def fund(self, wallet: PartyWallet, amount: int) -> None:
        """Sell tokens to a wallet."""
        reference = f"{self.code}-{next(self.references)}"
        await self.submit("token.issue", {"reference": reference, "wallet": wallet.id, "amount": amount})

    async def balance(self, wallet: PartyWallet) -> int:
        """What a wallet holds of this condominium's tokens."""
        answer = await self.evaluate("token.balance", wallet.id.encode())
        return int(answer["amount"])

    async def supply(self) -> dict[str, int]:
        """Every term of the supply equation."""
        totals = {}
        for term in ("issued", "balances", "escrow", "income", "redeemed"):
            total, bookmark = 0, ""
            while True:
                request = {"term": term, "bookmark": bookmark}
                page = await self.evaluate("audit.supply", request)
                total += page["sum"]
                bookmark = page["bookmark"]
                if not bookmark:
                    break
            totals[term] = total
        return totals

    def intent(self, wallet: PartyWallet, unit: PartyUnit, **changes: Any) -> OpenIntent:
        """An open intent for this condominium's unit, paid with its own tokens."""
        intent = OpenIntent(
            network=self.ledger.channel,
            wallet=wallet.id,
            nonce=new_nonce(),
            expires=self.now + 600,
            condominium=self.code,
            unit=unit.number,
            tariff=1,
            issuer=self.code,
            amount=500,
            duration=9 * HOUR,
        )
        return replace(intent, **changes)

    async def open(self, wallet: PartyWallet, unit: PartyUnit, **changes: Any) -> str:
        """Open a session; returns its id."""
        body, signature = wallet.sign(self.intent(wallet, unit, **changes))
        await self.submit("session.open", body, signature)
        return intent_id(body)

    def stop_intent(self, wallet: PartyWallet, session: str, **changes: Any) -> StopIntent:
        """An intent to end a session."""
        intent = StopIntent(
            network=self.ledger.channel,
            wallet=wallet.id,
            nonce=new_nonce(),
            expires=self.now + 600,
            session=session,
        )
        return replace(intent, **changes)

    def reclaim_intent(self, wallet: PartyWallet, session: str, **changes: Any) -> ReclaimIntent:
        """An intent to reclaim a session's escrow."""
        intent = ReclaimIntent(
            network=self.ledger.channel,
            wallet=wallet.id,
            nonce=new_nonce(),
            expires=self.now + 600,
            session=session,
        )
        return replace(intent, **changes)

    def mandate_intent(self, wallet: PartyWallet, tag: bytes, **changes: Any) -> MandateIntent:
        """A mandate for this condominium's units, in its own tokens, that a tag spends under."""
        intent = MandateIntent(
            network=self.ledger.channel,
            wallet=wallet.id,
            nonce=new_nonce(),
            expires=self.now + 600,
            issuer=self.code,
            condominium=self.code,
            units=(),
            tags=(tag.hex(),),
            session_cap=300,
            period_cap=500,
            period=30 * 86_400,
            until=self.now + 365 * 86_400,
            duration=4 * HOUR,
            price_limit=250_000,
        )
        return replace(intent, **changes)

    def wait(self, seconds: int) -> int:
        """Let time pass on the ledger; returns the new time in Unix seconds."""
        self.ledger.now += seconds * 1000
        return self.now


def clearing(first: PartyCondominium, second: PartyCondominium, **members: Any) -> tuple[bytes, bytes, bytes]:
    """A clearing's body, signed by both. Members to give: claims, first_owes, second_owes."""
    body = json.dumps(
        {
            "version": 1,
            "network": first.ledger.channel,
            "first": first.code,
            "second": second.code,
            "payment": "transfer-1",
        }
        | members
    ).encode()
    one, two = (domain.sign(secret_of(c.signing), domain.CLEARING, body) for c in (first, second))
    return body, one, two


async def condominium(code: str = "aurora", ledger: MemoryLedger | None = None) -> PartyCondominium:
    """A registered condominium with a tariff."""
    party = PartyCondominium(code, ledger or MemoryLedger())
    await party.register()
    return party
