"""The `Ledger` protocol on a Hyperledger Fabric channel, over the peer's Gateway service."""

from __future__ import annotations

from network.fabric.gateway import Timeouts
from network.fabric.ledger import FabricLedger
from network.fabric.peer import Peer

__all__ = ["FabricLedger", "Peer", "Timeouts"]
