"""A condominium's gateway or operator turned thief, and a neighbour that writes another's records."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chaincode.errors import ContractError, NotAuthorised, StateConflict
from chaincode.signing.batch import Flag, attest
from chaincode.signing.intent import parse_intent
from chaincode.tariff import Tariff
from tests.chaincode.memory import MemoryLedger
from tests.chaincode.world import (
    FLAT,
    HOUR,
    UTC,
    PartyCondominium,
    PartyUnit,
    PartyWallet,
    condominium,
    secret_of,
)


async def _open() -> tuple[PartyCondominium, PartyUnit, PartyWallet, str]:
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    return aurora, unit, wallet, await aurora.open(wallet, unit, amount=500)


async def test_settling_without_readings_takes_nothing() -> None:
    """No evidence, no money: not without a start, and not beyond the last reading after one."""
    aurora, unit, wallet, session = await _open()
    with pytest.raises(StateConflict, match="evidence"):
        await aurora.submit("session.settle", session.encode(), b"Remote")
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    aurora.wait(5 * HOUR)
    settled = await aurora.submit("session.settle", session.encode(), b"Remote")
    assert settled["settlement"]["cost"] == 0
    assert await aurora.balance(wallet) == 1_000


async def test_settling_with_another_sessions_readings_is_refused() -> None:
    """A busy neighbour's batches do not pay for a quiet session."""
    aurora, unit, _, session = await _open()
    other_unit, other = await aurora.enrol(2), PartyWallet()
    await aurora.fund(other, 500)
    theirs = await aurora.open(other, other_unit)
    batch = other_unit.evidence(theirs, aurora.now, 9_000_000)
    for stolen in (batch, unit.evidence(theirs, aurora.now, 9_000_000)):
        with pytest.raises(NotAuthorised):
            await aurora.submit("session.settle", session.encode(), b"Remote", stolen)


async def test_settling_twice_pays_once() -> None:
    """A second settlement, with more energy, answers the first."""
    aurora, unit, wallet, session = await _open()
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    first = unit.evidence(session, aurora.wait(HOUR), 1_000_000)
    await aurora.submit("session.settle", session.encode(), b"Remote", first)
    more = unit.evidence(session, aurora.wait(HOUR), 6_000_000)
    again = await aurora.submit("session.settle", session.encode(), b"Remote", more)
    assert again["settlement"]["cost"] == 20
    assert await aurora.balance(wallet) == 980


async def test_a_price_that_was_only_shown_opens_nothing() -> None:
    """Where a gateway shows a cheaper tariff than it published, the hash in the intent is another."""
    aurora, unit, wallet, _ = await _open()
    published = Tariff.of(await aurora.evaluate("tariff.get", b"1"))
    cheaper = replace(published, bands=(replace(published.bands[0], energy_price=1),))
    with pytest.raises(StateConflict, match="tariff_hash"):
        await aurora.open(wallet, unit, amount=100, tariff_hash=cheaper.hash())
    await aurora.open(wallet, unit, amount=100, tariff_hash=published.hash())


async def test_a_later_tariff_does_not_reach_a_running_session() -> None:
    """A dearer tariff published during a session leaves its price alone."""
    aurora, unit, _, session = await _open()
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    dear = [{"name": "dear", "energy_price": 9_000_000, "idle_price": 0}]
    await aurora.publish(2, bands=dear, valid_from=aurora.now + 1)
    last = unit.evidence(session, aurora.wait(HOUR), 5_000_000)
    settled = await aurora.submit("session.settle", session.encode(), b"Remote", last)
    assert settled["settlement"]["cost"] == 100


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 1, "bands": [{"name": "x", "energy_price": 1, "idle_price": 0}]},
        {"number": 3},
        {"number": 2, "valid_from": 0},
    ],
)
async def test_a_published_tariff_stays_and_none_is_retroactive(changes: dict[str, Any]) -> None:
    """No rewriting, no gaps, no past."""
    aurora = await condominium()
    with pytest.raises(StateConflict):
        await aurora.publish(**({"number": 2, "valid_from": aurora.now + 5} | changes))


async def test_an_old_or_future_tariff_cannot_be_signed_for() -> None:
    """A session names the tariff in force, or one just replaced."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    await aurora.publish(2, valid_from=aurora.now + HOUR)
    with pytest.raises(StateConflict, match="not yet in force"):
        await aurora.open(wallet, unit, tariff=2, amount=1)
    aurora.wait(HOUR + 60)
    await aurora.open(wallet, unit, tariff=1, amount=1)
    aurora.wait(HOUR)
    with pytest.raises(StateConflict, match="replaced"):
        await aurora.open(wallet, unit, tariff=1, amount=1)


async def test_after_a_reclaim_nothing_is_left_to_settle() -> None:
    """A gateway that comes back late finds the session closed."""
    aurora, unit, wallet, session = await _open()
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    late = unit.evidence(session, aurora.now + HOUR, 5_000_000)
    aurora.wait(11 * HOUR)
    await aurora.submit("session.reclaim", *wallet.sign(aurora.reclaim_intent(wallet, session)))
    with pytest.raises(StateConflict, match="reclaimed"):
        await aurora.submit("session.settle", session.encode(), b"Remote", late)
    assert await aurora.balance(wallet) == 1_000


async def test_readings_after_the_deadline_are_not_billed() -> None:
    """The wallet agreed to nine hours, not to ten."""
    aurora, unit, _, session = await _open()
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    late = unit.evidence(session, aurora.wait(10 * HOUR), 40_000_000)
    with pytest.raises(StateConflict, match=r"evidence\.time"):
        await aurora.submit("session.settle", session.encode(), b"Remote", late)


async def test_energy_beyond_what_was_asked_is_not_billed() -> None:
    """An intent for 2 kWh never pays for 5."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await aurora.open(wallet, unit, energy=2_000)
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    last = unit.evidence(session, aurora.wait(HOUR), 5_000_000)
    settled = await aurora.submit("session.settle", session.encode(), b"Remote", last)
    assert (settled["settlement"]["energy"], settled["settlement"]["cost"]) == (5_000_000, 40)


async def test_leaving_out_the_reading_at_a_band_boundary_gains_nothing() -> None:
    """A segment across a boundary is billed by its cheapest band, whichever readings the gateway picks."""
    aurora = PartyCondominium("aurora", MemoryLedger())
    await aurora.register()
    bands = [
        {"name": "night", "energy_price": 100_000, "idle_price": 0},
        {"name": "day", "energy_price": 300_000, "idle_price": 0},
    ]
    local_midnight = aurora.now // 86_400 * 86_400 + 86_400
    week = [{"minute": m, "band": b} for day in range(7) for m, b in ((day * 1440, 0), (day * 1440 + 480, 1))]
    await aurora.publish(2, bands=bands, week=week, offsets=UTC, valid_from=aurora.now + 1)
    aurora.ledger.now = (local_midnight + 7 * HOUR) * 1000
    costs = []
    for with_boundary in (True, False):
        unit, wallet = await aurora.enrol(int(with_boundary)), PartyWallet()
        await aurora.fund(wallet, 1_000)
        session = await aurora.open(wallet, unit, tariff=2, amount=1_000)
        begin = aurora.now
        first = unit.evidence(session, begin, 0)
        boundary = unit.evidence(session, local_midnight + 8 * HOUR, 5_000_000)
        last = unit.evidence(session, begin + 2 * HOUR, 10_000_000)
        aurora.ledger.now = (begin + 2 * HOUR) * 1000
        chosen = [first, boundary, last] if with_boundary else [first, last]
        settled = await aurora.submit("session.settle", session.encode(), b"Local", *chosen)
        costs.append(settled["settlement"]["cost"])
        aurora.ledger.now = begin * 1000
    assert costs == [200, 100]


async def test_an_attestation_by_anybody_else_is_refused() -> None:
    """A `mac` reading counts by the condominium's signing key, not by one that the thief made."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1, "mac"), PartyWallet()
    await aurora.fund(wallet, 500)
    session = await aurora.open(wallet, unit)
    message = unit.seal(unit.batch(session, aurora.now, 0))
    forged = message + attest(message, secret_of(PartyWallet().key))
    with pytest.raises(NotAuthorised, match="attestation"):
        await aurora.submit("session.start", session.encode(), forged)


async def test_a_payment_is_sold_once() -> None:
    """The same payment reference twice is one purchase; for another wallet it is refused."""
    aurora = await condominium()
    one, two = PartyWallet(), PartyWallet()
    request = {"reference": "bank-7", "wallet": one.id, "amount": 100}
    assert await aurora.submit("token.issue", request) == await aurora.submit("token.issue", request)
    assert await aurora.balance(one) == 100
    with pytest.raises(StateConflict, match="reference"):
        await aurora.submit("token.issue", request | {"wallet": two.id})


@pytest.mark.parametrize("role", [None, "auditor", "ledger", "Gateway"])
async def test_identities_without_the_role_change_nothing(role: str | None) -> None:
    """The condominium's own identities need a role to act for it."""
    aurora = await condominium()
    with pytest.raises(NotAuthorised, match="creator"):
        await aurora.submit("token.issue", {"reference": "x", "wallet": "ab" * 32, "amount": 1}, role=role)


async def test_a_gateway_does_not_amend_the_condominium() -> None:
    """Grace period and signing key are the admin's alone."""
    aurora = await condominium()
    with pytest.raises(NotAuthorised, match="admin"):
        await aurora.submit("condominium.amend", {"grace": 0})


async def test_what_a_token_is_worth_stays_once_tokens_are_out() -> None:
    """Currency and decimals change only before the first purchase."""
    aurora = await condominium()
    await aurora.submit("condominium.amend", {"decimals": 3}, role="admin")
    await aurora.fund(PartyWallet(), 5)
    with pytest.raises(StateConflict, match="currency"):
        await aurora.submit("condominium.amend", {"decimals": 0}, role="admin")


async def test_a_neighbour_writes_nothing_in_anothers_namespace() -> None:
    """Every function that acts for a condominium refuses another's admin."""
    ledger = MemoryLedger()
    aurora, boreal = await condominium("aurora", ledger), await condominium("boreal", ledger)
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 500)
    session = (await aurora.open(wallet, unit)).encode()
    band = {
        "number": 2,
        "valid_from": aurora.now + 1,
        "start_fee": 0,
        "bands": FLAT,
        "week": [],
        "offsets": UTC,
    }
    calls: list[tuple[str, list[Any]]] = [
        ("condominium.amend", [{"grace": 0}]),
        ("tariff.publish", [band]),
        (
            "unit.enrol",
            [{"unit": 5, "class": "mac", "nominal_current": 16_000, "nominal_voltage": 2_300, "phases": 1}],
        ),
        ("unit.retire", [{"unit": 1}]),
        ("token.issue", [{"reference": "r", "wallet": wallet.id, "amount": 5}]),
        ("session.start", [session, unit.evidence(session.decode(), aurora.now, 0)]),
        ("session.settle", [session, b"Remote"]),
        ("session.cancel", [session]),
        ("session.open", [*wallet.sign(aurora.intent(wallet, unit))]),
    ]
    before = dict(ledger.state[aurora.namespace])
    for function, arguments in calls:
        raw = [a if isinstance(a, bytes) else json.dumps(a).encode() for a in arguments]
        with pytest.raises(NotAuthorised, match="creator"):
            await ledger.submit(boreal.creator("admin"), aurora.namespace, function, *raw)
    assert ledger.state[aurora.namespace] == before


async def test_nobody_registers_for_another() -> None:
    """A code belongs to its MSP and its namespace."""
    ledger = MemoryLedger()
    boreal = PartyCondominium("boreal", ledger)
    request = {
        "code": "aurora",
        "name": "A",
        "currency": "EUR",
        "decimals": 2,
        "grace": 3_600,
        "signing_key": "00" * 32,
    }
    with pytest.raises(NotAuthorised, match="auroraMSP"):
        await ledger.submit(
            boreal.creator("admin"),
            "condocharge-aurora",
            "condominium.register",
            json.dumps(request).encode(),
        )
    own = request | {"code": "boreal"}
    with pytest.raises(StateConflict, match="own namespace"):
        await ledger.submit(
            boreal.creator("admin"), "condocharge-aurora", "condominium.register", json.dumps(own).encode()
        )


async def test_unknown_functions_and_wrong_arguments_are_named() -> None:
    """Dispatch says what it knows."""
    aurora = await condominium()
    for function, arguments in (
        ("session.steal", []),
        ("session.settle", [b"x"]),
        ("token.issue", [b"{}", b""]),
    ):
        with pytest.raises(ContractError, match=r"function|arguments"):
            await aurora.submit(function, *arguments)


async def test_no_name_reaches_the_ledger() -> None:
    """What an auditor reads of a session holds ids and numbers, no words about people."""
    aurora, unit, wallet, session = await _open()
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    record = await aurora.evaluate("audit.session", session.encode())
    words = {name for name, value in record.items() if isinstance(value, str)}
    assert words <= {
        *("id", "state", "wallet", "wallet_key", "issuer", "tariff_hash"),
        *("metering", "mandate", "unit_class", "unit_key"),
    }
    body, _ = wallet.sign(aurora.intent(wallet, unit))
    assert parse_intent(body).wallet == wallet.id


@pytest.mark.parametrize("swap", ["rotate", "enrol"])
async def test_a_units_key_cannot_be_swapped_under_an_opened_session(swap: str) -> None:
    """Neither a rotated key nor new hardware of another class speaks for a session that was opened before."""
    aurora, _, _, session = await _open()
    if swap == "rotate":
        puppet = PartyUnit(1, aurora.code, aurora.ledger.channel)
        key = bytes(puppet.key.verify_key).hex()
        await aurora.submit("unit.rotate_key", {"unit": 1, "key": key})
    else:
        await aurora.submit("unit.retire", {"unit": 1})
        puppet = await aurora.enrol(1, "mac")
    with pytest.raises(NotAuthorised, match="enrolled as it was"):
        await aurora.submit("session.start", session.encode(), puppet.evidence(session, aurora.now, 0))


async def test_idle_time_is_not_billed_where_energy_flowed() -> None:
    """Leaving out the batches in which the car charged again does not make the time idle."""
    aurora = PartyCondominium("aurora", MemoryLedger())
    await aurora.register()
    bands = [{"name": "all day", "energy_price": 200_000, "idle_price": 50_000}]
    await aurora.publish(2, bands=bands, valid_from=aurora.now + 1)
    aurora.wait(2)
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 5_000)
    session = await aurora.open(wallet, unit, tariff=2, amount=5_000)
    idle = Flag.COMPLETE | Flag.CONNECTED
    first = unit.evidence(session, aurora.now, 0, flags=idle)
    last = unit.evidence(session, aurora.wait(5 * HOUR), 20_000_000, flags=idle)
    settled = await aurora.submit("session.settle", session.encode(), b"Remote", first, last)
    assert settled["usage"] == [{"band": 0, "energy": 20_000_000, "idle": 0}]


async def test_a_tariff_far_ahead_is_refused() -> None:
    """Milliseconds for seconds would bar every later tariff."""
    aurora = await condominium()
    with pytest.raises(StateConflict, match="400 days ahead"):
        await aurora.publish(2, valid_from=aurora.ledger.now)


async def test_no_grace_is_shorter_than_the_last_readings_need() -> None:
    """A condominium cannot let its wallets reclaim before a host can settle."""
    aurora = await condominium()
    with pytest.raises(ContractError, match="grace"):
        await aurora.submit("condominium.amend", {"grace": 0}, role="admin")
