"""Authentication of a unit's messages, both ways, for both classes (docs/protocol.md, "Rules common to all").

A signature or MAC is over an ASCII domain line followed by the exact bytes that travel.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Protocol

from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

BATCH = b"condocharge/batch/1\n"
REQUEST = b"condocharge/request/1\n"
STATUS = b"condocharge/status/1\n"
COMMAND = b"condocharge/command/1\n"
CONFIGURATION = b"condocharge/configuration/1\n"


class Authentication(Protocol):
    """How a unit vouches for what it sends and checks what it is sent."""

    @property
    def length(self) -> int:
        """Bytes that follow each message's body."""

    def seal(self, domain: bytes, body: bytes) -> bytes:
        """The bytes that follow `body`."""

    def accepts(self, domain: bytes, body: bytes, authentication: bytes) -> bool:
        """Whether `authentication` is the gateway's for `body`."""


@dataclass(frozen=True, slots=True)
class SignatureAuthentication:
    """Class `ed25519`: the unit signs with its own key and pins the condominium's signing key (RFC 8032)."""

    secret: bytes
    """64 bytes: seed and public key."""
    signing_key: bytes
    """32 bytes: the condominium's public key."""
    length: int = crypto_sign_BYTES

    @classmethod
    def from_seed(cls, seed: bytes, signing_key: bytes) -> SignatureAuthentication:
        """With the key pair that `seed` (32 bytes) makes."""
        return cls(crypto_sign_seed_keypair(seed)[1], signing_key)

    def seal(self, domain: bytes, body: bytes) -> bytes:
        """The unit's Ed25519 signature over domain line and body."""
        return crypto_sign(domain + body, self.secret)[:crypto_sign_BYTES]

    def accepts(self, domain: bytes, body: bytes, authentication: bytes) -> bool:
        """Whether the condominium's signing key signed domain line and body."""
        if len(authentication) != self.length:
            return False
        try:
            crypto_sign_open(authentication + domain + body, self.signing_key)
        except (BadSignatureError, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class MacAuthentication:
    """Class `mac`: keyed BLAKE2b-128 (RFC 7693) under a key that unit and gateway share."""

    key: bytes
    """16 bytes."""
    length: int = 16

    def seal(self, domain: bytes, body: bytes) -> bytes:
        """The MAC over domain line and body."""
        return hashlib.blake2b(domain + body, digest_size=self.length, key=self.key).digest()

    def accepts(self, domain: bytes, body: bytes, authentication: bytes) -> bool:
        """Whether it is the MAC over domain line and body, compared in constant time."""
        return hmac.compare_digest(self.seal(domain, body), authentication)
