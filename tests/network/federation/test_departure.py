"""Sessions that are open when a condominium goes: the host that stays settles, or the wallet reclaims."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from bench.residents import SESSION_MWH, SESSION_SECONDS, Clock, Load, Resident
from chaincode.condominium import namespace_of
from chaincode.signing import domain
from chaincode.signing.intent import ReclaimIntent, new_nonce
from network.fabric import FabricLedger
from network.federation import supervisor
from network.federation.administration import own_peer
from network.federation.binaries import Binaries
from network.federation.description import CHANNEL, FederationError
from network.federation.membership import let_out
from network.ledger import LedgerError
from tests.federation import Network, running

pytestmark = [pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(600)]

HOST, ISSUER, REMAINING = "aurora", "boreal", "cedar"
SOLD = 1_000_000
GRACE = 3_600
COST = SESSION_MWH // 1_000_000 * 20
"""Minor units, at 0.20 a kWh."""


@pytest.fixture
def network(fabric_binaries: Binaries, tmp_path: Path) -> Iterator[Network]:
    """Three condominiums, of which two will leave."""
    members = (HOST, ISSUER, REMAINING)
    with running(tmp_path / "network", fabric_binaries, codes=members, proposal_age="1000000h") as started:
        yield started


def quiet(_step: str) -> None:
    """Say nothing."""


class Parties:
    """The condominiums' ledgers on one clock, and residents whose sessions are open."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.clock = Clock(int(time.time()))
        self._opened: list[FabricLedger] = []

    def ledger(self, code: str, name: str = "gateway") -> FabricLedger:
        """The channel as an identity of `code` sees it."""
        folder = self._network.folders[code]
        ledger = FabricLedger(folder.identity(name), CHANNEL, [own_peer(folder)], clock=self.clock)
        self._opened.append(ledger)
        return ledger

    async def expel(self, code: str, programs: Binaries) -> None:
        """The others take `code` out, a majority, and its machines go with it."""
        assert await let_out(self._network.path, code, programs, quiet)
        await self._stop(code)

    async def leave(self, code: str, other: str, programs: Binaries) -> None:
        """One of two goes, which the other cannot make it do: both sign, each on a machine of its own."""
        folders = self._network.folders
        staying, leaving = (folders[each].path / f"{code}.proposal.json" for each in (other, code))
        for _ in range(2):
            assert not await let_out(folders[other].path, code, programs, quiet)
        assert folders[other].federation.has(code)
        staying.rename(leaving)
        assert not await let_out(folders[code].path, code, programs, quiet)
        leaving.rename(staying)
        assert await let_out(folders[other].path, code, programs, quiet)
        assert not staying.exists()
        assert await let_out(folders[other].path, code, programs, quiet), "done twice is done once"
        assert [member.code for member in folders[other].federation.members] == [other]
        await self._stop(code)
        with pytest.raises(FederationError, match="the only member"):
            await let_out(folders[other].path, other, programs, quiet)

    async def _stop(self, code: str) -> None:
        await asyncio.to_thread(supervisor.stop, self._network.folders[code])

    async def close(self) -> None:
        """Hang up."""
        await asyncio.gather(*(ledger.close() for ledger in self._opened))


async def balance(ledger: FabricLedger, issuer: str, resident: Resident) -> int:
    """What the resident's wallet holds of `issuer`'s tokens."""
    wallet = bytes(resident.wallet.verify_key).hex().encode()
    found: int = json.loads(await ledger.evaluate(namespace_of(issuer), "token.balance", [wallet]))["amount"]
    return found


def reclaim(resident: Resident, session: bytes, now: int) -> list[bytes]:
    """The wallet's signed wish to have its escrow back."""
    intent = ReclaimIntent(
        network=CHANNEL,
        wallet=bytes(resident.wallet.verify_key).hex(),
        nonce=new_nonce(),
        expires=now + 600,
        session=session.decode(),
    )
    body = intent.encode()
    secret = bytes(resident.wallet) + bytes(resident.wallet.verify_key)
    return [body, domain.sign(secret, domain.INTENT, body)]


async def register_issuer(parties: Parties, visitor: Resident) -> None:
    """The visitor's own condominium, which sells it tokens."""
    request: dict[str, Any] = {
        "code": ISSUER,
        "name": "Boreal",
        "currency": "EUR",
        "decimals": 2,
        "grace": GRACE,
        "signing_key": bytes(SigningKey.generate().verify_key).hex(),
    }
    namespace = namespace_of(ISSUER)
    await parties.ledger(ISSUER, "admin").submit(
        namespace, "condominium.register", [json.dumps(request).encode()]
    )
    wallet = bytes(visitor.wallet.verify_key).hex()
    sale = {"reference": "transfer", "wallet": wallet, "amount": SOLD}
    await parties.ledger(ISSUER).submit(namespace, "token.issue", [json.dumps(sale).encode()])
    visitor.issuer = ISSUER


async def test_sessions_outlive_who_leaves(network: Network, fabric_binaries: Binaries) -> None:
    """The visitor's issuer leaves: the host settles. Then the host goes: its residents reclaim."""
    parties = Parties(network)
    clock, host = parties.clock, parties.ledger(HOST)
    prepared = Load(parties.ledger(HOST, "admin"), host, clock, 3)
    await prepared.prepare()
    visitor, charging, waiting = prepared.residents
    await register_issuer(parties, visitor)
    sessions = {resident.unit: resident.session() for resident in prepared.residents}
    for session in sessions.values():
        await host.submit(namespace_of(HOST), *session.open)
    for resident in (visitor, charging):
        await host.submit(namespace_of(HOST), *sessions[resident.unit].start)

    await parties.expel(ISSUER, fabric_binaries)
    clock.set(clock.start + SESSION_SECONDS)
    settled = await host.submit(namespace_of(HOST), *sessions[visitor.unit].settle)
    assert json.loads(settled.result)["state"] == "settled"
    assert await balance(host, ISSUER, visitor) == SOLD - COST

    await parties.leave(HOST, REMAINING, fabric_binaries)
    with pytest.raises(LedgerError):
        await host.submit(namespace_of(HOST), *sessions[charging.unit].settle)
    other = parties.ledger(REMAINING)
    after = clock.start + SESSION_SECONDS + GRACE + 1
    clock.set(after)
    for resident in (charging, waiting):
        assert await balance(other, HOST, resident) < SOLD
        name = sessions[resident.unit].settle[1][0]
        reclaimed = await other.submit(namespace_of(HOST), "session.reclaim", reclaim(resident, name, after))
        assert json.loads(reclaimed.result)["state"] == "reclaimed"
        assert await balance(other, HOST, resident) == SOLD
    await other.submit(namespace_of(REMAINING), "put", [b"alone", b"1"])
    await parties.close()
