"""The secrets that readings and commands need; the gateway's secret store implements it."""

from __future__ import annotations

from typing import Protocol


class Keys(Protocol):
    """The condominium's signing key and its units' MAC keys."""

    def signing_key(self) -> bytes:
        """The condominium's Ed25519 signing key, libsodium's 64 bytes of seed and public key."""

    async def mac_key(self, unit: int) -> bytes | None:
        """The 128-bit key that a unit of class `mac` shares with this gateway; None where it has none."""
