"""A condominium's firmware key, and images that it signed."""

from __future__ import annotations

import hashlib

from nacl.bindings import crypto_sign_seed_keypair

from chaincode.signing.firmware import describe, sign_firmware, version_number

FIRMWARE_KEY, FIRMWARE_SECRET = crypto_sign_seed_keypair(hashlib.sha256(b"a firmware key").digest())
OTHER_SECRET = crypto_sign_seed_keypair(hashlib.sha256(b"another firmware key").digest())[1]
BOARD = "posix-x86_64"


def signed(
    version: str, *, board: str = BOARD, secret: bytes = FIRMWARE_SECRET, image: bytes = b"\x7fELF" * 300
) -> bytes:
    """A file as `condocharge unit sign-firmware` makes it."""
    return sign_firmware(describe(board, version_number(version), image), secret) + image
