"""Wallets on disk: one file each, the key encrypted at rest.

A file is JSON. What identifies the wallet and the condominium that it trusts stands in the open, so that
wallets can be listed while they are locked; the same, with the key's seed, stands in a box sealed with
SecretBox (XSalsa20-Poly1305) under a key that Argon2id (RFC 9106) derives from the passphrase. Opening
compares the two, so a changed address or root certificate is noticed.

::

    KeystoreError
    ├── WalletExists     a wallet of that name is there; none is ever overwritten
    ├── WalletMissing    no wallet of that name
    ├── WrongPassphrase  the box does not open
    └── DamagedWallet    the file is not what was written
"""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nacl import pwhash
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from chaincode.errors import InvalidArgument
from chaincode.fields import CODE, Fields, encode
from client.wallet.key import SEED_BYTES, WalletKey

VERSION = 1
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
SHORTEST_PASSPHRASE = 8
"""Characters: the least that NIST SP 800-63B, section 5.1.1, allows for a secret that a person chooses."""
_SUFFIX = ".json"
_NEXT = ".next"
_MOST_OPERATIONS = 16
_MOST_MEMORY = 1 << 30


class KeystoreError(Exception):
    """A wallet's file could not be made, found or opened."""


class WalletExists(KeystoreError):
    """A wallet of that name is there already."""


class WalletMissing(KeystoreError):
    """There is no wallet of that name."""


class WrongPassphrase(KeystoreError):
    """The passphrase does not open the wallet."""


class DamagedWallet(KeystoreError):
    """The file is not what was written."""


@dataclass(frozen=True, slots=True)
class Home:
    """The condominium that a wallet trusts, as it was when the wallet was made."""

    gateway: str
    """Base address of its gateway's REST API."""
    network: str
    condominium: str
    currency: str
    decimals: int
    root_certificate: str
    """PEM: what receipts and blocks are verified against."""


@dataclass(frozen=True, slots=True)
class LockedWallet:
    """What may be known of a wallet without its passphrase."""

    name: str
    wallet: str
    """The wallet's id, hexadecimal."""
    key: str
    """The public key that signs for it now, hexadecimal."""
    home: Home


@dataclass(frozen=True, slots=True)
class Cost:
    """How dear one guess at a passphrase is: Argon2id's passes, and its memory in bytes."""

    operations: int = pwhash.argon2id.OPSLIMIT_MODERATE
    memory: int = pwhash.argon2id.MEMLIMIT_MODERATE


class Keystore:
    """The wallets in one folder, which is made, for this user alone, when the first wallet is."""

    def __init__(self, folder: Path, cost: Cost | None = None) -> None:
        self._folder = folder
        self._cost = cost or Cost()

    def check_free(self, name: str) -> None:
        """`name` can be a new wallet's. Raises ValueError for a bad one, WalletExists for a taken one."""
        if NAME.fullmatch(name) is None:
            raise ValueError(
                "a wallet's name is 1 to 40 of a-z, 0-9, - and _, and begins with a letter or digit"
            )
        if self._path(name).exists():
            raise _exists(name)

    def create(self, name: str, passphrase: str, key: WalletKey, home: Home) -> LockedWallet:
        """Keep `key` under `name`. Raises WalletExists, or ValueError for a bad name or passphrase."""
        self.check_free(name)
        _check_passphrase(passphrase)
        wallet = LockedWallet(name, key.wallet.hex(), key.public.hex(), home)
        self._write_new(self._path(name), self._sealed(wallet, key, passphrase))
        return wallet

    def reseal(self, name: str, passphrase: str, chosen: str) -> None:
        """Put the passphrase `chosen` in the place of another. Raises as `unlock`, ValueError for a bad one,
        or KeystoreError while another key is being put in this one's place."""
        _check_passphrase(chosen)
        key = self.unlock(name, passphrase)
        if self._path(name, _NEXT).exists():
            raise KeystoreError(
                f"another key of {name} is on its way; end that first: condocharge wallet rotate-key {name}"
            )
        self._replace(self._path(name), self._sealed(self.wallet(name), key, chosen))

    def prepare(self, name: str, passphrase: str) -> WalletKey:
        """The key that is to sign for the wallet next, kept beside it under the same passphrase: a new one,
        or the one that is waiting already, as it may sign by now. Raises as `unlock`."""
        wallet = self.unlock(name, passphrase).wallet
        if not self._path(name, _NEXT).exists():
            key = WalletKey(WalletKey.generate().seed, wallet)
            following = replace(self.wallet(name), key=key.public.hex())
            self._write_new(self._path(name, _NEXT), self._sealed(following, key, passphrase))
        return self._open(name, passphrase, _NEXT)

    def adopt(self, name: str) -> LockedWallet:
        """The key that `prepare` kept is the wallet's from now on; the one before it is gone."""
        self._path(name, _NEXT).replace(self._path(name))
        self._settle()
        return self.wallet(name)

    def wallets(self) -> list[LockedWallet]:
        """All wallets by name. Raises DamagedWallet for a file that cannot be read as one."""
        names = sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"*{_SUFFIX}"))
        return [self.wallet(name) for name in names if NAME.fullmatch(name)]

    def wallet(self, name: str) -> LockedWallet:
        """One wallet, still locked. Raises WalletMissing or DamagedWallet."""
        return self._read(name)[0]

    def unlock(self, name: str, passphrase: str) -> WalletKey:
        """The wallet's key. Raises WalletMissing, WrongPassphrase or DamagedWallet."""
        return self._open(name, passphrase)

    def _open(self, name: str, passphrase: str, suffix: str = _SUFFIX) -> WalletKey:
        wallet, cipher = self._read(name, suffix)
        with _damage(name):
            salt = bytes.fromhex(cipher.hexadecimal("salt", pwhash.argon2id.SALTBYTES))
            key = _derive(passphrase, salt, _cost(cipher))
            box = bytes.fromhex(cipher.text("box", longest=65_536))
            cipher.done()
        try:
            secret = SecretBox(key).decrypt(box)
        except CryptoError:
            raise WrongPassphrase(f"the passphrase does not open the wallet {name}") from None
        with _damage(name):
            inside = Fields.parse(secret, "box")
            seed = bytes.fromhex(inside.hexadecimal("seed", SEED_BYTES))
            if _locked(name, inside) != wallet:
                raise ValueError("what stands in the open is not what was sealed")
            return WalletKey(seed, bytes.fromhex(wallet.wallet))

    def _path(self, name: str, suffix: str = _SUFFIX) -> Path:
        return self._folder / (name + suffix)

    def _sealed(self, wallet: LockedWallet, key: WalletKey, passphrase: str) -> bytes:
        """A wallet's file."""
        members, seed = _public_members(wallet), key.seed
        salt = secrets.token_bytes(pwhash.argon2id.SALTBYTES)
        box = SecretBox(_derive(passphrase, salt, self._cost)).encrypt(encode(members | {"seed": seed.hex()}))
        cipher = {"kdf": "argon2id", **asdict(self._cost), "salt": salt.hex(), "box": bytes(box).hex()}
        return encode(members | {"version": VERSION, "cipher": cipher})

    def _read(self, name: str, suffix: str = _SUFFIX) -> tuple[LockedWallet, Fields]:
        try:
            text = self._path(name, suffix).read_bytes() if NAME.fullmatch(name) else None
        except FileNotFoundError:
            text = None
        if text is None:
            raise WalletMissing(f"there is no wallet called {name}; `condocharge wallet list` names them")
        with _damage(name):
            fields = Fields.parse(text, "wallet")
            fields.integer("version", VERSION, VERSION)
            cipher = fields.object("cipher")
            cipher.choice("kdf", "argon2id")
            return _locked(name, fields), cipher

    def _write_new(self, path: Path, content: bytes) -> None:
        """Write a file that appears whole or not at all, and never in another's place."""
        with self._draft(path, content) as draft:
            try:
                os.link(draft, path)
            except FileExistsError:
                raise _exists(path.stem) from None

    def _replace(self, path: Path, content: bytes) -> None:
        """Write a file in another's place: at any moment one of the two is there, whole."""
        with self._draft(path, content) as draft:
            draft.replace(path)

    @contextmanager
    def _draft(self, path: Path, content: bytes) -> Iterator[Path]:
        """A file with this content, readable by this user alone, while it gets its name."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(f".{secrets.token_hex(8)}.draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield draft
        finally:
            draft.unlink(missing_ok=True)
        self._settle()

    def _settle(self) -> None:
        """Make the names in the folder durable."""
        directory = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _exists(name: str) -> WalletExists:
    return WalletExists(f"there is a wallet called {name} already; choose another name")


def _check_passphrase(passphrase: str) -> None:
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise ValueError(f"a passphrase has at least {SHORTEST_PASSPHRASE} characters")


def _public_members(wallet: LockedWallet) -> dict[str, object]:
    return {"wallet": wallet.wallet, "key": wallet.key, **asdict(wallet.home)}


def _locked(name: str, fields: Fields) -> LockedWallet:
    """Read what `_public_members` wrote, and nothing else."""
    wallet = LockedWallet(
        name=name,
        wallet=fields.hexadecimal("wallet", 32),
        key=fields.hexadecimal("key", 32),
        home=Home(
            gateway=fields.text("gateway", longest=2_000),
            network=fields.text("network", longest=64),
            condominium=fields.text("condominium", CODE),
            currency=fields.text("currency", longest=16),
            decimals=fields.integer("decimals", 0, 9),
            root_certificate=fields.text("root_certificate", longest=8_000),
        ),
    )
    fields.done()
    return wallet


def _cost(cipher: Fields) -> Cost:
    """The cost that a file names, within what a machine can bear: the file may be an attacker's."""
    return Cost(
        operations=cipher.integer("operations", pwhash.argon2id.OPSLIMIT_MIN, _MOST_OPERATIONS),
        memory=cipher.integer("memory", pwhash.argon2id.MEMLIMIT_MIN, _MOST_MEMORY),
    )


def _derive(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    # One word may be typed as different code points on different keyboards.
    typed = unicodedata.normalize("NFKC", passphrase).encode()
    return pwhash.argon2id.kdf(
        SecretBox.KEY_SIZE, typed, salt, opslimit=cost.operations, memlimit=cost.memory
    )


@contextmanager
def _damage(name: str) -> Iterator[None]:
    try:
        yield
    except (InvalidArgument, ValueError) as error:
        raise DamagedWallet(
            f"the file of wallet {name} is damaged ({error}); restore it from your backup"
        ) from error
