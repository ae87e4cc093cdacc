"""A condominium's ledger in a folder of its own, for benchmarks."""

from __future__ import annotations

import datetime
from pathlib import Path

from bench.residents import CODE, Clock, Load
from chaincode.contract import dispatch
from network.authority import Authority
from network.embedded.ledger import EmbeddedLedger
from network.organisation import Organisation

CHANNEL = "bench"
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class Site:
    """An authority with its identities, and a clock that the load sets."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.db"
        authority = Authority.create(CODE, START)
        self.admin, self.gateway, self.signer = (
            authority.issue(role, role, START) for role in ("admin", "gateway", "ledger")
        )
        self.organisation = Organisation(authority.msp_id, authority.root)
        self.clock = Clock(int(START.timestamp()) + 86_400)

    async def open(self) -> EmbeddedLedger:
        """The ledger, as the gateway sees it, running the real rules."""
        return await EmbeddedLedger.open(
            self.path,
            channel=CHANNEL,
            identity=self.gateway,
            signer=self.signer,
            organisations=[self.organisation],
            dispatch=dispatch,
            now=self.clock,
        )

    async def load(self, ledger: EmbeddedLedger, residents: int) -> Load:
        """Residents who are ready to charge."""
        load = Load(ledger.as_identity(self.admin), ledger, self.clock, residents)
        await load.prepare()
        return load
