"""The condominium's firmware key on disk: its public half in the open, its seed under a passphrase.

A file is JSON. The seed stands in a box of SecretBox (XSalsa20-Poly1305) under a key that Argon2id (RFC 9106)
derives from the passphrase, as wallets' keys do."""

from __future__ import annotations

import json
import os
import secrets
import unicodedata
from pathlib import Path
from typing import Any

from nacl import pwhash
from nacl.bindings import crypto_sign_seed_keypair
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

KIND = "condocharge firmware key"
SHORTEST_PASSPHRASE = 8
"""Characters (NIST SP 800-63B, section 5.1.1)."""
_SEED_BYTES = 32
_MOST_OPERATIONS = 16
_MOST_MEMORY = 1 << 30


def make(path: Path, passphrase: str, *, operations: int | None = None, memory: int | None = None) -> bytes:
    """Make a key, keep it in a new file that its owner alone reads, and return its public half.

    `operations` and `memory` (bytes) are Argon2id's cost. Raises ValueError for a short passphrase, and
    FileExistsError."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise ValueError(f"passphrase: has at least {SHORTEST_PASSPHRASE} characters")
    cost = {
        "operations": operations or pwhash.argon2id.OPSLIMIT_MODERATE,
        "memory": memory or pwhash.argon2id.MEMLIMIT_MODERATE,
    }
    seed, salt = secrets.token_bytes(_SEED_BYTES), secrets.token_bytes(pwhash.argon2id.SALTBYTES)
    public: bytes = crypto_sign_seed_keypair(seed)[0]
    box = SecretBox(_derive(passphrase, salt, cost)).encrypt(seed)
    members = {
        "kind": KIND, "version": 1, "public": public.hex(), **cost, "salt": salt.hex(),
        "box": bytes(box).hex(),
    }  # fmt: skip
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(members, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return public


def public_half(path: Path) -> bytes:
    """The public key in a file. Raises ValueError where it is no key's."""
    return _octets(_read(path), "public", 32)


def open_seed(path: Path, passphrase: str) -> bytes:
    """The key's seed. Raises ValueError for another passphrase, or a file that is not what was written."""
    members = _read(path)
    cost = {"operations": members.get("operations"), "memory": members.get("memory")}
    within = (
        isinstance(cost["operations"], int)
        and isinstance(cost["memory"], int)
        and pwhash.argon2id.OPSLIMIT_MIN <= cost["operations"] <= _MOST_OPERATIONS
        and pwhash.argon2id.MEMLIMIT_MIN <= cost["memory"] <= _MOST_MEMORY
    )
    if not within:
        raise ValueError(f"{path}: names a cost of Argon2id that a computer can bear")
    salt = _octets(members, "salt", pwhash.argon2id.SALTBYTES)
    box = _octets(members, "box", None)
    try:
        seed = SecretBox(_derive(passphrase, salt, cost)).decrypt(box)
    except CryptoError:
        raise ValueError("passphrase: does not open the key") from None
    if crypto_sign_seed_keypair(seed)[0] != _octets(members, "public", 32):
        raise ValueError(f"{path}: what stands in the open is not what was sealed")
    return seed


def _read(path: Path) -> dict[str, Any]:
    try:
        members = json.loads(path.read_text())
    except (ValueError, UnicodeDecodeError):
        members = None
    if not isinstance(members, dict) or members.get("kind") != KIND or members.get("version") != 1:
        raise ValueError(f"{path}: is a firmware key as `condocharge unit make-firmware-key` writes it")
    return members


def _octets(members: dict[str, Any], name: str, length: int | None) -> bytes:
    try:
        value = bytes.fromhex(members[name])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{name}: is hexadecimal") from None
    if length is not None and len(value) != length:
        raise ValueError(f"{name}: has {length} bytes")
    return value


def _derive(passphrase: str, salt: bytes, cost: dict[str, Any]) -> bytes:
    typed = unicodedata.normalize("NFKC", passphrase).encode()
    return pwhash.argon2id.kdf(
        SecretBox.KEY_SIZE, typed, salt, opslimit=cost["operations"], memlimit=cost["memory"]
    )
