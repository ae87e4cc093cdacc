"""Condominiums of the rules' tests on a real embedded ledger, so that there are blocks to verify."""

from __future__ import annotations

import datetime
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chaincode.contract import dispatch
from chaincode.session import key_of
from chaincode.signing.block import InclusionProof
from chaincode.signing.export import ExportedBlock, decode_block
from chaincode.signing.receipt import Receipt, collect
from chaincode.stub import Creator, split_composite_key
from network.authority import Authority
from network.embedded.ledger import EmbeddedLedger
from network.identity import Identity
from network.organisation import Organisation
from tests.chaincode.memory import MemoryLedger
from tests.chaincode.world import HOUR, PartyCondominium, PartyUnit, PartyWallet

CHANNEL = "condominiums"
START = datetime.datetime(2025, 10, 9, tzinfo=datetime.UTC)


@dataclass
class Bridge(MemoryLedger):
    """An embedded ledger that the rules' tests can use like their own."""

    ledger: EmbeddedLedger | None = None
    identities: dict[bytes, Identity] = field(default_factory=dict)

    @property
    def embedded(self) -> EmbeddedLedger:
        """The ledger behind it."""
        assert self.ledger is not None
        return self.ledger

    async def submit(self, creator: Creator, namespace: str, function: str, *arguments: bytes) -> bytes:
        """Submit as the identity whose certificate the creator shows."""
        identity = self.identities[creator.certificate]
        committed = await self.embedded.as_identity(identity).submit(namespace, function, arguments)
        return committed.result

    async def evaluate(self, creator: Creator, namespace: str, function: str, *arguments: bytes) -> bytes:
        """Query as that identity."""
        identity = self.identities[creator.certificate]
        return await self.embedded.as_identity(identity).evaluate(namespace, function, arguments)

    async def blocks(self) -> list[ExportedBlock]:
        """The whole ledger, exported."""
        return [decode_block(await self.embedded.export(n)) for n in range(await self.embedded.height())]


class Resident(PartyCondominium):
    """A condominium whose identities its own authority issued."""

    def __init__(self, authority: Authority, bridge: Bridge) -> None:
        super().__init__(authority.code, bridge)
        self.authority = authority
        self.bridge = bridge
        self._issued: dict[str | None, Creator] = {}

    def creator(self, role: str | None = "gateway") -> Creator:
        """One of its identities."""
        if role not in self._issued:
            identity = self.authority.issue(role or "nobody", role or "auditor", START)
            self.bridge.identities[identity.certificate] = identity
            self._issued[role] = Creator(identity.msp_id, identity.certificate)
        return self._issued[role]

    async def charge(
        self,
        wallet: PartyWallet,
        unit: PartyUnit,
        registers: Sequence[int],
        hours: int = 3,
        **changes: object,
    ) -> str:
        """A whole session: opened, started, a checkpoint for each register between, and settled."""
        session = await self.open(wallet, unit, **changes)
        first, *between, last = registers
        await self.submit("session.start", session.encode(), unit.evidence(session, self.now, first))
        for register in between:
            time = self.wait(hours * HOUR // (len(between) + 1))
            await self.submit("session.checkpoint", session.encode(), unit.evidence(session, time, register))
        time = self.wait(hours * HOUR // (len(between) + 1))
        evidence = unit.evidence(session, time, last)
        await self.submit("session.settle", session.encode(), b"StoppedByEV", evidence)
        return session

    async def receipt(self, session: str) -> Receipt:
        """A session's receipt."""
        kind, (attribute,) = split_composite_key(key_of(session))
        answer = await self.ledger.evaluate(
            self.creator(), self.namespace, "audit.history", kind.encode(), attribute.encode()
        )
        own: list[InclusionProof] = [
            await self.bridge.embedded.prove(each["transaction"]) for each in json.loads(answer)["history"]
        ]
        return await collect(CHANNEL, session, own, self.bridge.embedded.prove_at)


@asynccontextmanager
async def opened(folder: Path, authorities: dict[str, Authority]) -> AsyncIterator[Bridge]:
    """A new ledger of both condominiums; Aurora's signs the blocks."""
    bridge = Bridge(CHANNEL, int(START.timestamp() * 1000) + 86_400_000)
    gateway = authorities["aurora"].issue("opener", "gateway", START)
    bridge.ledger = await EmbeddedLedger.open(
        folder / "ledger.db",
        channel=CHANNEL,
        identity=gateway,
        signer=authorities["aurora"].issue("ledger", "ledger", START),
        organisations=[Organisation(each.msp_id, each.root) for each in authorities.values()],
        dispatch=dispatch,
        now=lambda: bridge.now,
    )
    try:
        yield bridge
    finally:
        await bridge.ledger.close()


async def registered(code: str, bridge: Bridge, authorities: dict[str, Authority]) -> Resident:
    """A condominium with a tariff."""
    party = Resident(authorities[code], bridge)
    party.references = itertools.count(1)
    await party.register()
    return party
