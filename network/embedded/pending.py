"""Transactions on their way into a block."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from chaincode.signing.certificate import Certificate
from network.embedded.proposal import SignedProposal
from network.embedded.simulation import Simulated
from network.ledger import Committed


@dataclass(slots=True)
class Pending:
    """A transaction that has been simulated and not yet committed."""

    signed: SignedProposal
    creator: Certificate
    simulated: Simulated
    height: int
    """Blocks there were when it was simulated."""
    outcome: asyncio.Future[Committed]
