"""How long a peer's copy of the chain is, and where it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fabric_protos.common import ledger_pb2

from chaincode.signing.fabric.attestation import BLOCKS
from network.fabric.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Chain:
    """A peer's copy of the chain."""

    height: int
    """How many blocks there are."""
    first: int
    """The first block that the peer holds: 0, or a later one where it joined with a snapshot."""


async def chain(gateway: Gateway, organisations: Sequence[str] = ()) -> Chain:
    """The chain as one peer has it, of `organisations` (MSP ids) where any are given.

    Raises EvaluateError where nobody answers.
    """
    arguments = [b"GetChainInfo", gateway.channel.encode()]
    answer = await gateway.evaluate(BLOCKS, arguments, organisations)
    found = ledger_pb2.BlockchainInfo.FromString(answer)
    snapshot = found.HasField("bootstrappingSnapshotInfo")
    first = found.bootstrappingSnapshotInfo.lastBlockInSnapshot + 1 if snapshot else 0
    return Chain(height=found.height, first=first)
