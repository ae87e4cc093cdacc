"""Domain separation: each kind of signature begins with its own line of ASCII.

A signature or MAC is always over the domain line followed by the exact bytes that travel, so no
signature of one kind can pass as another, and nothing is re-serialised to be checked.
"""

from __future__ import annotations

import hashlib
import hmac

from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_open
from nacl.exceptions import BadSignatureError

INTENT = b"condocharge/intent/1\n"
QUERY = b"condocharge/query/1\n"
BATCH = b"condocharge/batch/1\n"
ATTESTATION = b"condocharge/attestation/1\n"
REQUEST = b"condocharge/request/1\n"
STATUS = b"condocharge/status/1\n"
COMMAND = b"condocharge/command/1\n"
CONFIGURATION = b"condocharge/configuration/1\n"
OFFER = b"condocharge/offer/1\n"
FIRMWARE = b"condocharge/firmware/1\n"
CLEARING = b"condocharge/clearing/1\n"
PROPOSAL = b"condocharge/proposal/1\n"
BLOCK = b"condocharge/block/1\n"

KEY_BYTES = 32
"""An Ed25519 public key (RFC 8032)."""
SIGNATURE_BYTES = 64
"""An Ed25519 signature (RFC 8032)."""
MAC_KEY_BYTES = 16
MAC_BYTES = 16
NETWORK_BYTES = 8


def sign(secret: bytes, domain: bytes, message: bytes) -> bytes:
    """The Ed25519 signature over `domain` + `message`; `secret` is libsodium's 64-byte seed and key."""
    return crypto_sign(domain + message, secret)[:crypto_sign_BYTES]


def verifies(key: bytes, domain: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is `key`'s Ed25519 signature over `domain` + `message`."""
    if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + domain + message, key)
    except (BadSignatureError, ValueError):
        return False
    return True


def mac(key: bytes, domain: bytes, message: bytes) -> bytes:
    """Keyed BLAKE2b (RFC 7693) of 16 bytes over `domain` + `message` under a unit's 128-bit key."""
    return hashlib.blake2b(domain + message, digest_size=MAC_BYTES, key=key).digest()


def authenticates(key: bytes, domain: bytes, message: bytes, tag: bytes) -> bool:
    """Whether `tag` is `mac` of the message, compared in constant time."""
    return hmac.compare_digest(mac(key, domain, message), tag)


def network_tag(channel: str, condominium: str) -> bytes:
    """Eight bytes by which a unit's messages name the network and condominium that they are for."""
    return hashlib.blake2b(f"{channel}\n{condominium}".encode(), digest_size=NETWORK_BYTES).digest()
