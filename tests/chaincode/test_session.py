"""A session's way from escrow to refund, and what is refused on it."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chaincode.errors import NotAuthorised, NotFound, StateConflict
from chaincode.signing.batch import Flag
from tests.chaincode.world import HOUR, PartyWallet, condominium


async def test_a_session_pays_for_its_energy_and_refunds_the_rest() -> None:
    """Open, start, settle: 15 kWh at 0.20 cost 3.00 of an escrow of 5.00."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await aurora.open(wallet, unit, amount=500)
    assert await aurora.balance(wallet) == 500
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 1_000_000))
    end = aurora.wait(3 * HOUR)
    settled = await aurora.submit(
        "session.settle",
        session.encode(),
        b"StoppedByEV",
        unit.evidence(session, end, 16_000_000, flags=Flag.END),
    )
    assert settled["state"] == "settled"
    assert settled["metering"] == "signed"
    assert settled["settlement"] == {
        "reason": "StoppedByEV",
        "ended_at": end,
        "energy": 15_000_000,
        "cost": 300,
        "refund": 200,
    }
    assert await aurora.balance(wallet) == 700
    assert await aurora.supply() == {
        "issued": 1_000,
        "balances": 700,
        "escrow": 0,
        "income": 300,
        "redeemed": 0,
    }
    assert [name for _, name, _ in aurora.ledger.events][-3:] == [
        "session.opened",
        "session.started",
        "session.settled",
    ]


async def test_every_step_twice_is_once() -> None:
    """Repeating open, start and settle changes nothing and answers the same record."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await aurora.fund(wallet, 1_000)
    body, signature = wallet.sign(aurora.intent(wallet, unit))
    opened = await aurora.submit("session.open", body, signature)
    assert await aurora.submit("session.open", body, signature) == opened
    session = opened["id"].encode()
    first = unit.evidence(opened["id"], aurora.now, 0)
    started = await aurora.submit("session.start", session, first)
    assert await aurora.submit("session.start", session, first) == started
    last = unit.evidence(opened["id"], aurora.wait(HOUR), 5_000_000)
    settled = await aurora.submit("session.settle", session, b"Remote", last)
    state = json.dumps({k: v.decode() for k, v in aurora.ledger.state[aurora.namespace].items()})
    assert await aurora.submit("session.settle", session, b"Remote", last) == settled
    assert json.dumps({k: v.decode() for k, v in aurora.ledger.state[aurora.namespace].items()}) == state


async def test_mac_readings_are_attested_and_marked_for_ever() -> None:
    """A session at a unit that cannot sign says `attested`."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(3, "mac"), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await aurora.open(wallet, unit)
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    settled = await aurora.submit(
        "session.settle", session.encode(), b"Local", unit.evidence(session, aurora.wait(HOUR), 1_000_000)
    )
    assert settled["metering"] == "attested"


async def test_the_cost_never_exceeds_the_escrow() -> None:
    """Energy beyond the money is the condominium's loss."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await aurora.open(wallet, unit, amount=10)
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    last = unit.evidence(session, aurora.wait(3 * HOUR), 20_000_000)
    settled = await aurora.submit("session.settle", session.encode(), b"LocalOutOfCredit", last)
    assert settled["settlement"]["cost"] == 10
    assert settled["settlement"]["refund"] == 0


async def test_a_session_without_a_reading_can_only_be_cancelled() -> None:
    """Settling without batches is refused; cancelling gives everything back."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await aurora.fund(wallet, 500)
    session = await aurora.open(wallet, unit, amount=500)
    with pytest.raises(StateConflict, match="evidence"):
        await aurora.submit("session.settle", session.encode(), b"Remote")
    cancelled = await aurora.submit("session.cancel", session.encode())
    assert cancelled["state"] == "cancelled"
    assert await aurora.balance(wallet) == 500


async def test_a_started_session_cannot_be_cancelled() -> None:
    """Once a reading is on the ledger only settle or reclaim ends a session."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await aurora.fund(wallet, 500)
    session = await aurora.open(wallet, unit)
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    with pytest.raises(StateConflict, match="session"):
        await aurora.submit("session.cancel", session.encode())


async def test_reclaim_pays_what_readings_prove() -> None:
    """After deadline and grace the wallet takes the escrow back less 5 kWh that a checkpoint proves."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await aurora.fund(wallet, 500)
    session = await aurora.open(wallet, unit, duration=2 * HOUR)
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    reading = unit.evidence(session, aurora.wait(HOUR), 5_000_000)
    await aurora.submit("session.checkpoint", session.encode(), reading)
    with pytest.raises(StateConflict, match="reclaimed after"):
        await aurora.submit("session.reclaim", *wallet.sign(aurora.reclaim_intent(wallet, session)))
    aurora.wait(2 * HOUR + 1)
    done = await aurora.submit(
        "session.reclaim", *wallet.sign(aurora.reclaim_intent(wallet, session)), role=None
    )
    assert (done["state"], done["settlement"]["cost"]) == ("reclaimed", 100)
    assert await aurora.balance(wallet) == 400
    with pytest.raises(StateConflict, match="reclaimed"):
        late = unit.evidence(session, aurora.now - 3 * HOUR, 6_000_000)
        await aurora.submit("session.settle", session.encode(), b"Remote", late)


async def test_a_second_session_waits_for_the_units_meter() -> None:
    """Energy is never sold to two sessions: a unit's meter has one at a time."""
    aurora = await condominium()
    unit, first, second = await aurora.enrol(7), PartyWallet(), PartyWallet()
    await aurora.fund(first, 500)
    await aurora.fund(second, 500)
    one, two = await aurora.open(first, unit), await aurora.open(second, unit)
    await aurora.submit("session.start", one.encode(), unit.evidence(one, aurora.now, 0))
    with pytest.raises(StateConflict, match="started session"):
        await aurora.submit("session.start", two.encode(), unit.evidence(two, aurora.now, 0))
    settling = unit.evidence(one, aurora.wait(HOUR), 1_000_000)
    await aurora.submit("session.settle", one.encode(), b"Local", settling)
    started = await aurora.submit("session.start", two.encode(), unit.evidence(two, aurora.now, 1_000_000))
    assert started["state"] == "started"


async def test_a_stop_bounds_what_may_still_be_billed() -> None:
    """Readings long after the wallet's stop do not count."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await aurora.fund(wallet, 500)
    session = await aurora.open(wallet, unit)
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    aurora.wait(HOUR)
    await aurora.submit("session.stop", *wallet.sign(aurora.stop_intent(wallet, session)), role=None)
    late = unit.batch(session, aurora.wait(HOUR), 9_000_000)
    with pytest.raises(StateConflict, match=r"evidence\.time"):
        await aurora.submit("session.settle", session.encode(), b"Remote", unit.proof(late))
    intime = unit.evidence(session, aurora.now - HOUR + 60, 4_000_000)
    settled = await aurora.submit("session.settle", session.encode(), b"Remote", intime)
    assert settled["settlement"]["cost"] == 80


async def test_one_wallet_cannot_end_anothers_session() -> None:
    """Stop and reclaim are the session's wallet's alone."""
    aurora = await condominium()
    unit, wallet, thief = await aurora.enrol(7), PartyWallet(), PartyWallet()
    await aurora.fund(wallet, 500)
    session = await aurora.open(wallet, unit)
    with pytest.raises(NotAuthorised, match="wallet"):
        await aurora.submit("session.stop", *thief.sign(aurora.stop_intent(thief, session)))
    with pytest.raises(NotAuthorised, match="signature"):
        await aurora.submit("session.stop", *thief.sign(aurora.stop_intent(wallet, session)))


async def test_an_unknown_session_is_named() -> None:
    """The error says which session is missing."""
    aurora = await condominium()
    with pytest.raises(NotFound, match="session"):
        await aurora.submit("session.cancel", b"00" * 32)


async def test_no_session_opens_where_none_can_be_settled() -> None:
    """An OCMF wallbox can be enrolled, its key pinned; no wallet's tokens are locked there yet."""
    aurora = await condominium()
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    wallbox, wallet = await aurora.enrol(9, "ocmf", key=der.hex()), PartyWallet()
    await aurora.fund(wallet, 1_000)
    with pytest.raises(StateConflict, match="OCMF records are not settled yet"):
        await aurora.open(wallet, wallbox)
    assert await aurora.balance(wallet) == 1_000
