"""Signed queries: how a wallet proves that a request for its own records is its own.

The header is

    Authorization: Condocharge wallet="…", time="…", nonce="…", signature="…"

and the signature is Ed25519 over `condocharge/query/1\\n` and the lines METHOD, PATH?QUERY as it stands
in the request line, NETWORK, TIME, NONCE and SHA-256 of the body in hexadecimal, parted by line feeds.
It names the method, the target, the network and the body, so that no part of a request can be put to
another use; time and nonce let the gateway refuse one that it has seen.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from chaincode.errors import InvalidArgument
from chaincode.signing import domain

SCHEME = "Condocharge"
TOLERANCE = 300
"""Seconds by which a query's time may be off the gateway's clock."""
NONCE_BYTES = 16

_HEADER = re.compile(
    r'Condocharge wallet="([0-9a-f]{64})", time="([0-9]{1,12})", '
    r'nonce="([0-9a-f]{32})", signature="([0-9a-f]{128})"'
)


@dataclass(frozen=True, slots=True)
class QueryAuthorization:
    """The header's parts: wallet, nonce and signature in bytes, time in Unix seconds."""

    wallet: bytes
    """The wallet's id: its first Ed25519 public key. The key that signs for it may be a later one."""
    time: int
    nonce: bytes
    signature: bytes

    def encode(self) -> str:
        """The header's value."""
        return (
            f'{SCHEME} wallet="{self.wallet.hex()}", time="{self.time}", '
            f'nonce="{self.nonce.hex()}", signature="{self.signature.hex()}"'
        )

    def signed_by(self, key: bytes, *, method: str, target: str, network: str, body: bytes) -> bool:
        """Whether `key` signed this very request; `target` is PATH?QUERY as received."""
        message = _message(
            method=method, target=target, network=network, time=self.time, nonce=self.nonce, body=body
        )
        return domain.verifies(key, domain.QUERY, message, self.signature)


def parse_authorization(header: str) -> QueryAuthorization:
    """Read the header's value. Raises InvalidArgument where it has not exactly the form above."""
    match = _HEADER.fullmatch(header)
    if match is None:
        raise InvalidArgument(
            "authorization", f'has the form: {SCHEME} wallet="…", time="…", nonce="…", signature="…"'
        )
    wallet, time, nonce, signature = match.groups()
    return QueryAuthorization(
        bytes.fromhex(wallet), int(time), bytes.fromhex(nonce), bytes.fromhex(signature)
    )


def sign_query(
    secret: bytes,
    *,
    wallet: bytes,
    method: str,
    target: str,
    network: str,
    body: bytes,
    time: int,
    nonce: bytes,
) -> QueryAuthorization:
    """Sign a request; `secret` is libsodium's 64-byte seed and key, `nonce` 16 fresh random bytes."""
    message = _message(method=method, target=target, network=network, time=time, nonce=nonce, body=body)
    return QueryAuthorization(wallet, time, nonce, domain.sign(secret, domain.QUERY, message))


def _message(*, method: str, target: str, network: str, time: int, nonce: bytes, body: bytes) -> bytes:
    lines = (method, target, network, str(time), nonce.hex(), hashlib.sha256(body).hexdigest())
    return "\n".join(lines).encode()
