"""A replay's condominium on a Fabric network that runs on this machine."""

from __future__ import annotations

from pathlib import Path

from chaincode.condominium import namespace_of
from chaincode.errors import NotFound
from client.auditor.channel import ChannelAudit
from client.auditor.errors import VerificationError
from demonstration.replay.ground import Chain, GroundError
from gateway.app import Gateway
from gateway.clock import Clock
from gateway.settings import LedgerSettings
from network.fabric import FabricLedger
from network.fabric.gateway import Timeouts
from network.federation.administration import own_peer
from network.federation.folder import Folder, folders
from network.ledger import EvaluateError

_WIDE = "--proposal-age 1000000h"
_TOO_OLD = "incorrect timestamp"
"""Fabric's words for a proposal outside the peer's window of time."""
_PATIENCE = 5.0


class FabricGround:
    """A condominium of the network that nobody has registered yet."""

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
                folder.identity("gateway"),
                folder.federation.channel,
                [own_peer(folder)],
                timeouts=Timeouts(evaluate=_PATIENCE),
                clock=clock.now,
            )
            try:
                await ledger.evaluate(namespace_of(folder.code), "condominium.get", [])
            except NotFound:
                return cls(folder)
            except EvaluateError as error:
                raise GroundError(_why(error, folder, directory)) from error
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


def _why(error: EvaluateError, folder: Folder, directory: Path) -> str:
    """What to do about a peer that does not answer."""
    if _TOO_OLD in str(error):
        return (
            f"the peers in {directory} take nothing from the past; let them: "
            f"condocharge network up {directory} {_WIDE}"
        )
    return (
        f"the peer of {folder.code} does not answer ({error}); start it: "
        f"condocharge network up {directory} {_WIDE}"
    )
