"""A wallet's signing key while it is unlocked."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from nacl.bindings import crypto_sign_seed_keypair

from chaincode.signing import domain
from chaincode.signing.intent import Intent, intent_id
from chaincode.signing.query import NONCE_BYTES, QueryAuthorization, sign_query

SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class SignedIntent:
    """An intent as it travels: the exact body, its signature and its id."""

    body: bytes
    signature: bytes

    @property
    def id(self) -> str:
        """SHA-256 of the body, hexadecimal; the id of the session, where it opens one."""
        return intent_id(self.body)


@dataclass(frozen=True, slots=True)
class WalletKey:
    """An Ed25519 key (RFC 8032) that signs for a wallet.

    `wallet` is the wallet's id, its first public key; after a rotation the key that signs is another.
    """

    seed: bytes = field(repr=False)
    wallet: bytes

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_BYTES or len(self.wallet) != domain.KEY_BYTES:
            raise ValueError("a seed has 32 bytes and a wallet's id has 32")

    @classmethod
    def generate(cls) -> WalletKey:
        """A new wallet's first key, from the operating system's randomness."""
        return cls.from_seed(secrets.token_bytes(SEED_BYTES))

    @classmethod
    def from_seed(cls, seed: bytes) -> WalletKey:
        """The first key of the wallet that `seed` (32 bytes) founds."""
        return cls(seed, _public(seed))

    @property
    def public(self) -> bytes:
        """The public half of the key that signs, 32 bytes."""
        return _public(self.seed)

    def sign(self, intent: Intent) -> SignedIntent:
        """Sign an intent of this wallet. Raises ValueError for another wallet's."""
        if intent.wallet != self.wallet.hex():
            raise ValueError("a key signs its own wallet's intents alone")
        body = intent.encode()
        return SignedIntent(body, domain.sign(self._secret(), domain.INTENT, body))

    def prove(self, intent: SignedIntent) -> bytes:
        """This key's signature of a rotation that another signed: that whoever asks for it holds this key."""
        return domain.sign(self._secret(), domain.INTENT, intent.body)

    def sign_query(
        self, *, method: str, target: str, network: str, body: bytes, at: int | None = None
    ) -> QueryAuthorization:
        """Sign a request for this wallet's own records; `target` is PATH?QUERY, `at` Unix seconds."""
        return sign_query(
            self._secret(),
            wallet=self.wallet,
            method=method,
            target=target,
            network=network,
            body=body,
            time=int(time.time()) if at is None else at,
            nonce=secrets.token_bytes(NONCE_BYTES),
        )

    def _secret(self) -> bytes:
        return crypto_sign_seed_keypair(self.seed)[1]


def _public(seed: bytes) -> bytes:
    return crypto_sign_seed_keypair(seed)[0]
