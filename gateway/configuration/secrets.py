"""Keys that the gateway must keep: sealed in the database, under a key in a file of its own.

A copy of the database without the file tells nothing. Sealing is libsodium's secretbox (XSalsa20 and
Poly1305); the name is inside, so that no secret can be put in another's place.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

from nacl.bindings import crypto_sign_seed_keypair
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.utils import random
from sqlalchemy import Connection, delete, insert, select, update

from chaincode.signing.domain import MAC_KEY_BYTES
from gateway.configuration.records import SECRET
from gateway.store.database import Database
from network.file import write

_SIGNING_SEED = "signing-seed"
_SEED_BYTES = 32
_TAG_SALT = "tag-salt"
_SALT_BYTES = 32


class SecretError(Exception):
    """The secrets cannot be opened; the sentence names the file and says what to do."""


class SecretStore:
    """Named secrets of a few bytes."""

    def __init__(self, database: Database, key: bytes) -> None:
        """Use `open`."""
        self._database = database
        self._box = SecretBox(key)

    @classmethod
    async def open(cls, database: Database, file: Path) -> SecretStore:
        """The store whose key is in `file`; a new key where there is no file and no secret yet.

        Raises `SecretError` where others may read the file, or it is missing although there are secrets."""
        names = await database.read(lambda c: c.scalars(select(SECRET.c.name).limit(1)).all())
        return cls(database, await asyncio.to_thread(_read_or_make_key, file, bool(names)))

    async def get(self, name: str) -> bytes | None:
        """The secret called `name`. Raises `SecretError` where the key does not open it."""
        sealed = await self._database.read(lambda c: _sealed(c, name))
        return None if sealed is None else self._unseal(name, sealed)

    async def get_or_make(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The secret called `name`, which `make` makes where there is none; the same for everybody."""
        fresh = self._seal(name, make())

        def work(connection: Connection) -> bytes:
            found = _sealed(connection, name)
            if found is None:
                connection.execute(insert(SECRET).values(name=name, sealed=fresh))
            return found or fresh

        return self._unseal(name, await self._database.write(work))

    def put(self, connection: Connection, name: str, value: bytes) -> None:
        """Keep `value` as `name`, in place of what was there, within the caller's transaction."""
        sealed = self._seal(name, value)
        if not connection.execute(update(SECRET).where(SECRET.c.name == name).values(sealed=sealed)).rowcount:
            connection.execute(insert(SECRET).values(name=name, sealed=sealed))

    def remove(self, connection: Connection, name: str) -> None:
        """Forget the secret called `name`, within the caller's transaction."""
        connection.execute(delete(SECRET).where(SECRET.c.name == name))

    def _seal(self, name: str, value: bytes) -> bytes:
        return bytes(self._box.encrypt(name.encode() + b"\0" + value))

    def _unseal(self, name: str, sealed: bytes) -> bytes:
        try:
            found, _, value = self._box.decrypt(sealed).partition(b"\0")
        except CryptoError:
            raise SecretError(
                f"the key file does not open the secret {name}; restore the one that belongs to the database"
            ) from None
        if found != name.encode():
            raise SecretError(f"the secret {name} was replaced by another one in the database")
        return value


class Keys:
    """The condominium's signing key and its units' MAC keys (`gateway.metering.keys.Keys` asks for them), and
    the salt of its tags."""

    def __init__(self, secrets: SecretStore, signing_key: bytes, tag_salt: bytes) -> None:
        """Use `open`."""
        self._secrets = secrets
        self._signing_key = signing_key
        self._tag_salt = tag_salt

    @classmethod
    async def open(cls, secrets: SecretStore) -> Keys:
        """The keys in `secrets`; signing key and salt are made at the first start."""
        seed = await secrets.get_or_make(_SIGNING_SEED, lambda: random(_SEED_BYTES))
        _, secret = crypto_sign_seed_keypair(seed)
        salt = await secrets.get_or_make(_TAG_SALT, lambda: random(_SALT_BYTES))
        return cls(secrets, secret, salt)

    def signing_key(self) -> bytes:
        """The condominium's Ed25519 signing key, libsodium's 64 bytes of seed and public key."""
        return self._signing_key

    def public_key(self) -> bytes:
        """The public half of it, as the condominium's record names it."""
        return self._signing_key[_SEED_BYTES:]

    def tag_salt(self) -> bytes:
        """What every reader of this condominium hashes tags' ids with (`chaincode.signing.request.tag_hash`):
        one for all, so that a tag that has a mandate is known at each of its units."""
        return self._tag_salt

    async def mac_key(self, unit: int) -> bytes | None:
        """The 128-bit key that a unit of class `mac` shares with this gateway; None where it has none."""
        return await self._secrets.get(_unit(unit))

    def put_mac_key(self, connection: Connection, unit: int, key: bytes) -> None:
        """Keep a unit's key, in place of an earlier one, within the caller's transaction.

        Raises ValueError where it has not 16 bytes."""
        if len(key) != MAC_KEY_BYTES:
            raise ValueError(f"a unit's MAC key has {MAC_KEY_BYTES} bytes")
        self._secrets.put(connection, _unit(unit), key)

    def remove_mac_key(self, connection: Connection, unit: int) -> None:
        """Forget a unit's key, within the caller's transaction."""
        self._secrets.remove(connection, _unit(unit))


def _unit(number: int) -> str:
    return f"unit-mac-key-{number}"


def _sealed(connection: Connection, name: str) -> bytes | None:
    return connection.scalar(select(SECRET.c.sealed).where(SECRET.c.name == name))


def _read_or_make_key(file: Path, needed: bool) -> bytes:
    if file.exists():
        return _read_key(file)
    if needed:
        raise SecretError(f"{file} is missing, and with it the key to the secrets; restore it")
    return _make_key(file)


def _read_key(file: Path) -> bytes:
    try:
        mode = file.stat().st_mode
        key = file.read_bytes()
    except OSError as error:
        raise SecretError(f"{file} cannot be read: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise SecretError(f"{file} can be read by other users; run chmod 600 on it")
    if len(key) != SecretBox.KEY_SIZE:
        raise SecretError(f"{file} does not hold {SecretBox.KEY_SIZE} bytes; restore it")
    return key


def _make_key(file: Path) -> bytes:
    key = random(SecretBox.KEY_SIZE)
    try:
        # The first secret is durable before the next line of the start; its key must be too.
        write(file, key, private=True)
    except OSError as error:
        raise SecretError(f"{file} cannot be written: {error.strerror}") from error
    return key
