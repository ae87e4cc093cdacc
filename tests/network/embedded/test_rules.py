"""The real rules on the embedded ledger: sessions that share blocks, and visitors across two namespaces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from chaincode.contract import dispatch
from chaincode.creator import role_of
from chaincode.errors import StateConflict
from chaincode.stub import Creator
from network.authority import Authority
from network.embedded.ledger import EmbeddedLedger
from network.ledger import VALID, CommitError
from tests.chaincode.memory import MemoryLedger
from tests.chaincode.world import HOUR, PartyCondominium, PartyWallet, condominium
from tests.network.embedded.conftest import START, Site


class OnEmbedded:
    """The embedded ledger in the form that the rules' parties expect of theirs."""

    def __init__(self, ledger: EmbeddedLedger, site: Site) -> None:
        self._ledger = ledger
        self._site = site
        self._views: dict[tuple[str, str | None], EmbeddedLedger] = {}

    @property
    def channel(self) -> str:
        """The channel's name."""
        return self._ledger.channel

    @property
    def now(self) -> int:
        """The ledger's time, milliseconds since 1970; tests let it pass."""
        return self._site.now

    @now.setter
    def now(self, now: int) -> None:
        self._site.now = now

    def _view(self, creator: Creator) -> EmbeddedLedger:
        role = role_of(creator.certificate)
        place = (creator.msp_id, role)
        if place not in self._views:
            authority: Authority = {"auroraMSP": self._site.aurora, "borealMSP": self._site.boreal}[
                creator.msp_id
            ]
            identity = authority.issue(str(role), str(role), START)
            self._views[place] = self._ledger.as_identity(identity)
        return self._views[place]

    async def submit(self, creator: Creator, namespace: str, function: str, *arguments: bytes) -> bytes:
        """Submit as an identity of the creator's organisation and role."""
        return (await self._view(creator).submit(namespace, function, arguments)).result

    async def evaluate(self, creator: Creator, namespace: str, function: str, *arguments: bytes) -> bytes:
        """Query as such an identity."""
        return await self._view(creator).evaluate(namespace, function, arguments)


@pytest.fixture
async def ledger(site: Site) -> AsyncIterator[EmbeddedLedger]:
    """A new ledger that runs the real rules."""
    async with await site.open(dispatch=dispatch) as opened:
        yield opened


async def at(code: str, ledger: EmbeddedLedger, site: Site) -> PartyCondominium:
    """A registered condominium on it."""
    return await condominium(code, cast(MemoryLedger, OnEmbedded(ledger, site)))


async def test_sessions_at_different_units_share_blocks(ledger: EmbeddedLedger, site: Site) -> None:
    """Forty residents open, start and settle at once: no two conflict, and the supply is exact."""
    aurora = await at("aurora", ledger, site)
    units = [await aurora.enrol(number) for number in range(1, 41)]
    wallets = [PartyWallet() for _ in units]
    await asyncio.gather(*(aurora.fund(wallet, 1_000) for wallet in wallets))
    before = await ledger.height()
    sessions = await asyncio.gather(
        *(aurora.open(wallet, unit, amount=500) for wallet, unit in zip(wallets, units, strict=True))
    )
    began = aurora.now
    await asyncio.gather(
        *(
            aurora.submit("session.start", session.encode(), unit.evidence(session, began, 0))
            for session, unit in zip(sessions, units, strict=True)
        )
    )
    end = aurora.wait(HOUR)
    await asyncio.gather(
        *(
            aurora.submit(
                "session.settle", session.encode(), b"Local", unit.evidence(session, end, 5_000_000)
            )
            for session, unit in zip(sessions, units, strict=True)
        )
    )
    assert await ledger.height() - before < 40
    for number in range(before, await ledger.height()):
        assert {each.validation for each in (await ledger.block(number)).transactions} == {VALID}
    assert await aurora.supply() == {
        "issued": 40_000,
        "balances": 36_000,
        "escrow": 0,
        "income": 4_000,
        "redeemed": 0,
    }
    await ledger.verify()


async def test_a_wallet_cannot_spend_twice_in_one_block(ledger: EmbeddedLedger, site: Site) -> None:
    """Two intents that each spend all: one opens, the other conflicts and then has no money."""
    aurora = await at("aurora", ledger, site)
    one, other, wallet = await aurora.enrol(1), await aurora.enrol(2), PartyWallet()
    await aurora.fund(wallet, 500)
    outcomes = await asyncio.gather(
        aurora.open(wallet, one, amount=500), aurora.open(wallet, other, amount=500), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [str, CommitError]
    with pytest.raises(StateConflict):
        await aurora.open(wallet, other, amount=500)
    assert await aurora.balance(wallet) == 0


async def test_a_visitors_session_is_one_transaction_across_two_namespaces(
    ledger: EmbeddedLedger, site: Site
) -> None:
    """A resident of Aurora charges at Boreal: escrow at the issuer, session at the host, a claim in both."""
    aurora, boreal = await at("aurora", ledger, site), await at("boreal", ledger, site)
    unit, wallet = await boreal.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await boreal.open(wallet, unit, issuer="aurora", amount=400)
    [transaction] = (await ledger.block(await ledger.height() - 1)).transactions
    assert [each.namespace for each in transaction.read_write_sets] == [
        "condocharge-aurora",
        "condocharge-boreal",
    ]
    assert all(each.writes for each in transaction.read_write_sets)
    assert transaction.namespace == "condocharge-boreal"
    await boreal.submit("session.start", session.encode(), unit.evidence(session, boreal.now, 0))
    last = unit.evidence(session, boreal.wait(HOUR), 5_000_000)
    await boreal.submit("session.settle", session.encode(), b"EVDisconnected", last)
    assert await aurora.balance(wallet) == 900
    claims = [
        (await party.evaluate("claim.open", {"counterparty": other}))["claims"]
        for party, other in ((aurora, "boreal"), (boreal, "aurora"))
    ]
    assert [[(c["session"], c["amount"], c["direction"]) for c in page] for page in claims] == [
        [(session, 100, "payable")],
        [(session, 100, "receivable")],
    ]
    await ledger.verify()
