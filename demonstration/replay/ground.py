"""Where a replay's condominium is: on an embedded ledger of its own, or a member of a Fabric network."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chaincode.condominium import namespace_of
from chaincode.errors import NotFound
from client.auditor.channel import ChannelAudit
from client.auditor.errors import VerificationError
from gateway.app import Gateway
from gateway.clock import Clock
from gateway.settings import LedgerSettings
from network.authority import Authority
from network.embedded.ledger import EmbeddedLedger
from network.fabric import FabricLedger
from network.federation.administration import own_peer
from network.federation.folder import Folder, folders
from network.ledger import EvaluateError

CODE = "garage"
CHANNEL = "replay"
_CERTIFIED = datetime.timedelta(days=3_650)
_WIDE = "--proposal-age 1000000h"


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


class FabricGround:
    """A condominium of a Fabric network that runs on this machine; one that nobody has registered yet."""

    shared = True

    def __init__(self, folder: Folder) -> None:
        """Use `find`."""
        self.folder = folder

    @classmethod
    async def find(cls, directory: Path, clock: Clock) -> FabricGround:
        """The first condominium in `directory` that has no record on the ledger yet.

        Raises GroundError, FederationError, IdentityError."""
        for folder in folders(directory):
            ledger = FabricLedger(
                folder.identity("gateway"), folder.federation.channel, [own_peer(folder)], clock=clock.now
            )
            try:
                await ledger.evaluate(namespace_of(folder.code), "condominium.get", [])
            except NotFound:
                return cls(folder)
            except EvaluateError as error:
                raise GroundError(
                    f"the peer of {folder.code} does not take part ({error}); start the network for the "
                    f"past: condocharge network up {directory} {_WIDE}"
                ) from error
            finally:
                await ledger.close()
        raise GroundError(
            f"every condominium in {directory} is registered already, by a gateway or an earlier replay; "
            "make another network"
        )

    @property
    def code(self) -> str:
        """See `Ground`."""
        return self.folder.code

    def prepare(self, folder: Path, clock: Clock) -> LedgerSettings:
        """See `Ground`. The network's tool has made the keys."""
        return LedgerSettings(kind="fabric", folder=self.folder.path)

    async def verify(self, gateway: Gateway) -> Chain:
        """Export the channel and verify it as an auditor does, from its first block to its last."""
        ledger = gateway.ledger
        assert isinstance(ledger, FabricLedger)
        audit = ChannelAudit([gateway.membership.root])
        try:
            for number in range(await ledger.height()):
                await audit.add(await ledger.export(number))
            report = audit.report()
        except VerificationError as error:
            raise GroundError(f"the channel is not as it should be: {error}") from error
        return Chain(report.transactions, report.blocks)
