"""Web Push: a message to a browser that may be closed (RFC 8030), encrypted for it alone (RFC 8291), from a
gateway that says who it is (VAPID, RFC 8292).

The push service in between sees neither kind nor content nor size: all are padded to one length.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import http_ece
import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from chaincode.errors import InvalidArgument
from gateway.clock import Clock
from gateway.notification.endpoint import Destination, Forbidden, resolve

KEY_BYTES = 32
"""Of the VAPID key: the P-256 private number."""
TTL = 86_400
"""Seconds for which a push service keeps a message for a phone that is off."""
PADDED = 1_024
"""Bytes of every message before it is encrypted."""
_VALIDITY = 12 * 3_600
_TIMEOUT = 10.0
"""Seconds for one message, from the look-up of the service to the head of its answer."""
_POINT_BYTES = 65
_SECRET_BYTES = 16
_LOG = logging.getLogger(__name__)


class Outcome(Enum):
    """What became of a message."""

    TAKEN = "taken"
    GONE = "gone"
    """The browser has ended the subscription: it is to be forgotten."""
    LATER = "later"
    """The service is out of reach or busy."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Address:
    """A browser's subscription; key and secret in base64url."""

    endpoint: str
    key: str
    secret: str


def new_key() -> bytes:
    """A fresh VAPID key."""
    return ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(KEY_BYTES, "big")


def check_keys(key: str, secret: str) -> None:
    """Whether a subscription's key is a point of P-256 and its secret 16 bytes. Raises InvalidArgument."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decode(key, _POINT_BYTES))
    except ValueError:
        raise InvalidArgument("key", "is an uncompressed point of P-256 in base64url") from None
    try:
        _decode(secret, _SECRET_BYTES)
    except ValueError:
        raise InvalidArgument("secret", f"is {_SECRET_BYTES} bytes in base64url") from None


class PushSender:
    """Sends to browsers' push services, under one VAPID key."""

    def __init__(self, key: bytes, contact: str, clock: Clock, own: Collection[str] = ()) -> None:
        """`contact` is where a push service's operators reach the gateway's (mailto: or https:); `own` are
        the origins of push services inside the condominium's network."""
        private = ec.derive_private_key(int.from_bytes(key, "big"), ec.SECP256R1())
        self._vapid = Vapid02(private)
        self._contact = contact
        self._clock = clock
        self._own = frozenset(own)
        # Neither redirects nor proxies of the environment: what was judged is what is connected to.
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, trust_env=False)
        public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_key = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
        """What browsers subscribe for, base64url."""

    @property
    def own(self) -> Collection[str]:
        """Origins that are allowed although they are not public."""
        return self._own

    async def send(self, address: Address, message: Mapping[str, Any]) -> Outcome:
        """Hand one message over. Never raises for what a push service does."""
        try:
            async with asyncio.timeout(_TIMEOUT):
                destination = await resolve(address.endpoint, self._own)
                return _outcome(await self._post(destination, self._encrypt(address, message)))
        except Forbidden as error:
            _LOG.warning("a push message was not sent: %s", error)
            return Outcome.REFUSED
        except (httpx.HTTPError, TimeoutError) as error:
            _LOG.info("a push service was not reached: %s", type(error).__name__)
            return Outcome.LATER

    async def _post(self, destination: Destination, content: bytes) -> int:
        """The status of the answer. Its body is not read: anybody may run a push service, and a body that
        never ends, or is unpacked to gigabytes, would take the gateway with it."""
        headers = {
            "Host": destination.host,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL),
            "Urgency": "normal",
            **self._authorization(destination.origin),
        }
        extensions = {"sni_hostname": destination.server_name}
        async with self._client.stream(
            "POST", destination.url, content=content, headers=headers, extensions=extensions
        ) as response:
            return response.status_code

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    def _authorization(self, origin: str) -> dict[str, str]:
        claims = {"aud": origin, "sub": self._contact, "exp": self._clock.now() // 1000 + _VALIDITY}
        headers: dict[str, str] = self._vapid.sign(claims)
        return headers

    def _encrypt(self, address: Address, message: Mapping[str, Any]) -> bytes:
        body = json.dumps(message, separators=(",", ":")).encode()
        encrypted: bytes = http_ece.encrypt(
            body.ljust(PADDED),
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=_decode(address.key, _POINT_BYTES),
            auth_secret=_decode(address.secret, _SECRET_BYTES),
            version="aes128gcm",
        )
        return encrypted


def _outcome(status: int) -> Outcome:
    if status < 300:
        return Outcome.TAKEN
    if status in (404, 410):
        return Outcome.GONE
    return Outcome.LATER if status == 429 or status >= 500 else Outcome.REFUSED


def _decode(text: str, length: int) -> bytes:
    """Bytes in base64url without padding, in its one canonical form. Raises ValueError."""
    decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(decoded) != length or base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != text:
        raise ValueError(text)
    return decoded
