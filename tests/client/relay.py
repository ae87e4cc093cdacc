"""A stand-in for the gateway's REST API: answers from a table, and checks every signature it is shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx

from chaincode.signing import domain
from chaincode.signing.intent import AnyIntent, RotateKeyIntent, intent_id, parse_intent
from chaincode.signing.query import parse_authorization
from chaincode.tariff import Band, Offset, Tariff

NETWORK = "aurora"
ADDRESS = "http://gateway.test"
CONDOMINIUM: dict[str, Any] = {
    "code": "sol",
    "name": "Edifício Sol",
    "network": NETWORK,
    "namespace": "condocharge-sol",
    "currency": "EUR",
    "decimals": 2,
    "grace": 86_400,
    "tariff": {"number": 3},
    "root_certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "signing_key": "ab" * 32,
}

UNIT: dict[str, Any] = {"unit": 7, "state": "free", "reason": None, "location": None}

TARIFF = Tariff(
    number=3,
    valid_from=1_700_000_000,
    start_fee=25,
    bands=(Band(name="day", energy_price=183_400, idle_price=10_000),),
    week=(),
    offsets=(Offset(start=0, seconds=0),),
)
"""0.1834 a kWh, 0.01 a minute connected after charging, 0.25 to start."""

# Tests put another class in httpx's place.
_HttpClient = httpx.Client

Answer = tuple[int, Any]
"""Status and JSON body."""


class Relay:
    """Answers requests by method and path; a callable answer is given the request's body."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Callable[[bytes], Answer]] = {
            "GET /v1/condominium": (200, CONDOMINIUM),
            "GET /v1/units": (200, {"rows": [UNIT], "bookmark": ""}),
            "GET /v1/tariffs/3": (200, TARIFF.encode()),
        }
        self.requests: list[httpx.Request] = []
        self.intents: list[AnyIntent] = []
        self.nonces: set[bytes] = set()
        self.keys: dict[bytes, bytes] = {}
        """The keys that sign for wallets that have rotated theirs; what others sign is not authentic."""
        self.failures = 0
        """How many requests from now on meet a broken connection."""
        self.deaf_after_intents = False
        """Whether the connection breaks after an intent has been taken."""

    def client(self) -> httpx.Client:
        """An HTTP client whose every request comes here."""
        return _HttpClient(transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What the gateway says to a request."""
        self.requests.append(request)
        if self.failures:
            self.failures -= 1
            raise httpx.ReadError("connection reset", request=request)
        target = request.url.raw_path.decode()
        if not self._authentic(request):
            problem = {"detail": "authorization.signature: is the wallet's", "code": "not-authenticated"}
            return httpx.Response(401, json=problem)
        found = self.answers.get(f"{request.method} {target}")
        if request.method == "POST" and target == "/v1/intents":
            status, body = self._take_intent(request.content, found)
        elif found is None:
            status, body = (
                404,
                {"title": "Not Found", "detail": f"nothing is at {target}", "code": "not-found"},
            )
        else:
            status, body = found(request.content) if callable(found) else found
        if self.deaf_after_intents and self.intents:
            raise httpx.ReadError("connection reset", request=request)
        if isinstance(body, bytes):
            return httpx.Response(status, content=body)
        return httpx.Response(status, json=body)

    def _authentic(self, request: httpx.Request) -> bool:
        """Whether its wallet signed the request. Anything else wrong with it fails the test."""
        header = request.headers.get("Authorization")
        target = request.url.raw_path.decode()
        assert (header is not None) == target.startswith(("/v1/wallets/", "/v1/sessions/")), target
        if header is None:
            return True
        query = parse_authorization(header)
        assert query.nonce not in self.nonces, "a nonce was used twice"
        self.nonces.add(query.nonce)
        key = self.keys.get(query.wallet, query.wallet)
        signed = query.signed_by(
            key, method=request.method, target=target, network=NETWORK, body=request.content
        )
        assert signed or query.wallet in self.keys
        return signed

    def _take_intent(self, content: bytes, found: Answer | Callable[[bytes], Answer] | None) -> Answer:
        members = json.loads(content)
        body, signature = (decode(members[name]) for name in ("body", "signature"))
        intent = parse_intent(body)
        wallet = bytes.fromhex(intent.wallet)
        assert domain.verifies(self.keys.get(wallet, wallet), domain.INTENT, body, signature)
        self.intents.append(intent)
        if isinstance(intent, RotateKeyIntent):
            key = bytes.fromhex(intent.key)
            assert domain.verifies(key, domain.INTENT, body, decode(members["proof"]))
            if found is None:
                self.keys[wallet] = key
        if found is not None:
            return found(content) if callable(found) else found
        return 201, {"id": intent_id(body), "kind": intent.kind, "transaction": "cd" * 32, "record": {}}


def decode(value: str) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def session_members(session: str, wallet: str, **changes: object) -> dict[str, object]:
    """A session as the API shows it."""
    members: dict[str, object] = {
        "session": session,
        "wallet": wallet,
        "condominium": "sol",
        "issuer": "sol",
        "unit": 7,
        "tariff": 3,
        "state": "started",
        "activity": "charging",
        "reason": "charging at 10 A",
        "position": None,
        "opened": 1_800_000_000,
        "started": 1_800_000_060,
        "ended": None,
        "deadline": 1_800_030_000,
        "escrow": 1_200,
        "cost": 150,
        "refund": None,
        "energy": 8_178,
        "power": 2_300,
        "current": 10_000,
        "attested": False,
        "stopped_reason": None,
    }
    return members | changes


def server_sent(*events: dict[str, object]) -> bytes:
    """Sessions as a stream of server-sent events, with a comment between, as servers keep a line open."""
    return b"".join(
        b": open\n\nevent: session\ndata: " + json.dumps(event).encode() + b"\n\n" for event in events
    )
