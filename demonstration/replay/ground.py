"""Where a replay's condominium is: on an embedded ledger of its own, or elsewhere."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.app import Gateway
from gateway.clock import Clock
from gateway.settings import LedgerSettings
from network.authority import Authority
from network.embedded.ledger import EmbeddedLedger

CODE = "garage"
CHANNEL = "replay"
_CERTIFIED = datetime.timedelta(days=3_650)


class GroundError(Exception):
    """A replay cannot happen there; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What there was to verify at the end."""

    transactions: int
    blocks: int


class Ground(Protocol):
    """A ledger to replay on."""

    @property
    def code(self) -> str:
        """The condominium's."""

    @property
    def shared(self) -> bool:
        """Whether others' machines take part, so that many questions are better asked at once."""

    def prepare(self, folder: Path, clock: Clock) -> LedgerSettings:
        """Make what the gateway needs in its folder; how it reaches the ledger."""

    async def verify(self, gateway: Gateway) -> Chain:
        """Check every block, transaction and signature. Raises GroundError."""


class EmbeddedGround:
    """A new ledger in the gateway's own folder."""

    code = CODE
    shared = False

    def prepare(self, folder: Path, clock: Clock) -> LedgerSettings:
        """Make the condominium's keys as a gateway's first start does, but with certificates for years: the
        gateway renews its own when it starts, and a replay starts once."""
        birth = datetime.datetime.fromtimestamp(clock.now() / 1_000, datetime.UTC) - datetime.timedelta(
            days=1
        )
        authority = Authority.create(self.code, birth)
        authority.save(folder / "authority")
        identities = folder / "identities"
        identities.mkdir()
        for role in ("ledger", "gateway", "admin"):
            identity = authority.issue(f"{self.code} {role}", role, birth, _CERTIFIED)
            identity.save(identities / f"{role}.pem", identities / f"{role}.key")
        return LedgerSettings(channel=CHANNEL)

    async def verify(self, gateway: Gateway) -> Chain:
        """See `Ground`. Raises `network.embedded.errors.LedgerAltered`."""
        ledger = gateway.ledger
        assert isinstance(ledger, EmbeddedLedger)
        verified = await ledger.verify()
        return Chain(verified.transactions, verified.height)
