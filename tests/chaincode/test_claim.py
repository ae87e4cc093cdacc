"""Visitors: one transaction across two namespaces, claims in both, and clearing."""

from __future__ import annotations

import pytest

from chaincode.errors import NotAuthorised, StateConflict
from tests.chaincode.memory import MemoryLedger
from tests.chaincode.world import (
    HOUR,
    PartyCondominium,
    PartyUnit,
    PartyWallet,
    clearing,
    condominium,
)


async def _neighbours() -> tuple[PartyCondominium, PartyCondominium]:
    ledger = MemoryLedger()
    return await condominium("aurora", ledger), await condominium("boreal", ledger)


async def _visit(
    host: PartyCondominium, issuer: PartyCondominium, unit: PartyUnit, wallet: PartyWallet, register: int
) -> str:
    session = await host.open(wallet, unit, issuer=issuer.code, amount=400)
    await host.submit("session.start", session.encode(), unit.evidence(session, host.now, register))
    last = unit.evidence(session, host.wait(HOUR), register + 5_000_000)
    await host.submit("session.settle", session.encode(), b"EVDisconnected", last)
    return session


async def test_a_visitors_session_leaves_a_claim_in_both_namespaces() -> None:
    """A resident of aurora charges at boreal: boreal's receivable is aurora's payable."""
    aurora, boreal = await _neighbours()
    unit, wallet = await boreal.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await _visit(boreal, aurora, unit, wallet, 0)
    assert await aurora.balance(wallet) == 900
    at_boreal = await boreal.evaluate("claim.open", {"counterparty": "aurora"})
    at_aurora = await aurora.evaluate("claim.open", {"counterparty": "boreal"})
    assert [(c["session"], c["amount"], c["direction"]) for c in at_boreal["claims"]] == [
        (session, 100, "receivable")
    ]
    assert [(c["session"], c["amount"], c["direction"]) for c in at_aurora["claims"]] == [
        (session, 100, "payable")
    ]
    assert await aurora.supply() == {
        "issued": 1_000,
        "balances": 900,
        "escrow": 0,
        "income": 100,
        "redeemed": 0,
    }
    assert set((await boreal.supply()).values()) == {0}


async def test_clearing_nets_claims_of_both_directions() -> None:
    """Both sign the same bytes; each namespace checks its own side; twice is once."""
    aurora, boreal = await _neighbours()
    here, there = await aurora.enrol(1), await boreal.enrol(1)
    ours, theirs = PartyWallet(), PartyWallet()
    await aurora.fund(ours, 1_000)
    await boreal.fund(theirs, 1_000)
    sessions = [await _visit(boreal, aurora, there, ours, 0)]
    sessions.append(await _visit(boreal, aurora, there, ours, 5_000_000))
    sessions.append(await _visit(aurora, boreal, here, theirs, 0))
    signed = clearing(aurora, boreal, claims=sorted(sessions), first_owes=200, second_owes=100)
    done = await aurora.submit("claim.clear", *signed)
    assert (done["first_owes"], done["second_owes"]) == (200, 100)
    assert await aurora.submit("claim.clear", *signed) == done
    for side, other in ((aurora, "boreal"), (boreal, "aurora")):
        assert (await side.evaluate("claim.open", {"counterparty": other}))["claims"] == []


async def test_a_clearing_needs_both_signatures_and_true_sums() -> None:
    """One condominium alone, or a wrong sum, clears nothing."""
    aurora, boreal = await _neighbours()
    unit, wallet = await boreal.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await _visit(boreal, aurora, unit, wallet, 0)
    body, one, _ = clearing(aurora, boreal, claims=[session], first_owes=100, second_owes=0)
    with pytest.raises(NotAuthorised, match="boreal"):
        await aurora.submit("claim.clear", body, one, one)
    with pytest.raises(StateConflict, match="first_owes"):
        await aurora.submit(
            "claim.clear", *clearing(aurora, boreal, claims=[session], first_owes=99, second_owes=0)
        )


async def test_an_escrow_obeys_only_the_chaincode_of_the_host_it_names() -> None:
    """Neither the issuer nor a third condominium can release a visitor's escrow directly."""
    aurora, boreal = await _neighbours()
    unit, wallet = await boreal.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await boreal.open(wallet, unit, issuer="aurora", amount=400)
    for host in (b"boreal", b"aurora"):
        with pytest.raises(NotAuthorised, match="host"):
            await aurora.submit("escrow.release", session.encode(), host, b"400")


async def test_a_vanished_hosts_visitor_reclaims_from_the_issuer() -> None:
    """The issuer ends the escrow by what the host's records prove; a late settlement learns so."""
    aurora, boreal = await _neighbours()
    unit, wallet = await boreal.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await boreal.open(wallet, unit, issuer="aurora", amount=400, duration=2 * HOUR)
    await boreal.submit("session.start", session.encode(), unit.evidence(session, boreal.now, 0))
    reading = unit.evidence(session, boreal.wait(HOUR), 5_000_000)
    await boreal.submit("session.checkpoint", session.encode(), reading)
    intent = aurora.reclaim_intent(wallet, session)
    with pytest.raises(StateConflict, match="reclaimed after"):
        await aurora.submit("escrow.reclaim", *wallet.sign(intent))
    aurora.wait(3 * HOUR)
    intent = aurora.reclaim_intent(wallet, session)
    released = await aurora.submit("escrow.reclaim", *wallet.sign(intent))
    assert (released["paid"], released["refund"]) == (100, 300)
    assert await aurora.balance(wallet) == 900
    settled = await boreal.submit("session.settle", session.encode(), b"Remote")
    assert (settled["state"], settled["settlement"]["cost"]) == ("reclaimed", 100)
    assert (await boreal.evaluate("claim.open", {"counterparty": "aurora"}))["claims"][0]["amount"] == 100
