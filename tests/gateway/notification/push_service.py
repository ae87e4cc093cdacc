"""A push service and a browser's subscription with it: it stands in for the browser vendor's, which no test
can reach. What arrives is decrypted with the subscription's own key, as the browser would."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def base64url(value: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    """The bytes in it."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Received:
    """One message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class PushService:
    """Listens on the loopback; answers each message with the next of `answers`, then with 201."""

    answers: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    secret: bytes = b"sixteen bytes ok"

    def __enter__(self) -> PushService:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.received.append(
                    Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                )
                self.send_response(service.answers.pop(0) if service.answers else 201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def subscription(self) -> dict[str, str]:
        """What a browser hands to the gateway."""
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "endpoint": f"{self.origin}/browser/1",
            "key": base64url(point),
            "secret": base64url(self.secret),
        }

    def read(self, received: Received) -> dict[str, Any]:
        """The message that only this browser can read (RFC 8291)."""
        clear = http_ece.decrypt(
            received.body, private_key=self.private, auth_secret=self.secret, version="aes128gcm"
        )
        message: dict[str, Any] = json.loads(clear)
        return message

    def claims(self, received: Received) -> tuple[dict[str, Any], str]:
        """What the gateway says of itself, and its key; fails where it did not sign that (RFC 8292)."""
        parts = dict(
            part.split("=", 1) for part in received.headers["authorization"].removeprefix("vapid ").split(",")
        )
        head, claims, signature = parts["t"].split(".")
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unbase64url(parts["k"]))
        raw = unbase64url(signature)
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
        assert json.loads(unbase64url(head))["alg"] == "ES256"
        return json.loads(unbase64url(claims)), parts["k"]
