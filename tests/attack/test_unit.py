"""A thief who holds a unit, or a meter that lies: other units' readings, going backwards, replay, jumps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chaincode.errors import ContractError, NotAuthorised, StateConflict
from chaincode.signing import batch as batches
from chaincode.signing import domain
from chaincode.signing.batch import Flag
from tests.chaincode.world import HOUR, PartyCondominium, PartyUnit, PartyWallet, condominium, secret_of


async def _started(key_class: str = "ed25519") -> tuple[PartyCondominium, PartyUnit, PartyWallet, str]:
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1, key_class), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await aurora.open(wallet, unit)
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 5_000_000))
    return aurora, unit, wallet, session


async def _refused(aurora: PartyCondominium, session: str, evidence: bytes, match: str) -> None:
    before = dict(aurora.ledger.state[aurora.namespace])
    with pytest.raises(ContractError, match=match):
        await aurora.submit("session.settle", session.encode(), b"Local", evidence)
    assert aurora.ledger.state[aurora.namespace] == before


Change = Callable[[PartyUnit, str], dict[str, Any]]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"register": 4_999_999}, "never fall"),
        ({"register": 50_000_000}, "can deliver"),
        ({"unit": 2}, r"evidence\.unit"),
        ({"network": bytes(8)}, r"evidence\.network"),
        ({"session": bytes(16)}, r"evidence\.session"),
        ({"number": 1}, r"evidence\.number"),
        ({"boot": 0}, r"evidence\.boot"),
        ({"flags": Flag.CLOCK_UNSET}, r"evidence\.time"),
    ],
)
@pytest.mark.parametrize("key_class", ["ed25519", "mac"])
async def test_a_register_that_lies_is_refused(key_class: str, changes: dict[str, Any], rule: str) -> None:
    """Falls, jumps, another's, replayed, before its start, without a clock: each says which rule it broke."""
    aurora, unit, _, session = await _started(key_class)
    batch = replace(unit.batch(session, aurora.wait(HOUR), 6_000_000), **changes)
    await _refused(aurora, session, unit.proof(batch), rule)


async def test_another_units_signature_is_refused() -> None:
    """A unit cannot report for another, even with the other's number in the batch."""
    aurora, unit, _, session = await _started()
    other = await aurora.enrol(2)
    forged = other.proof(replace(unit.batch(session, aurora.wait(HOUR), 6_000_000)))
    await _refused(aurora, session, forged, "signature")


async def test_any_altered_byte_is_refused() -> None:
    """Every byte of a batch is covered by its signature."""
    aurora, unit, _, session = await _started()
    good = unit.evidence(session, aurora.wait(HOUR), 6_000_000)
    for position in range(len(good)):
        altered = bytearray(good)
        altered[position] ^= 1
        await _refused(aurora, session, bytes(altered), "batch|evidence")


async def test_a_batch_cut_or_lengthened_is_refused() -> None:
    """Truncated and padded evidence is malformed."""
    aurora, unit, _, session = await _started()
    good = unit.evidence(session, aurora.wait(HOUR), 6_000_000)
    for message in (b"", good[:40], good[:-1], good + b"\0"):
        await _refused(aurora, session, message, "batch|signature")


async def test_a_batch_of_a_retired_key_is_refused() -> None:
    """After rotation the old key proves nothing, and cannot come back."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    old = bytes(unit.key.verify_key).hex()
    await aurora.submit("unit.rotate_key", {"unit": 1, "key": bytes(PartyWallet().key.verify_key).hex()})
    session = await aurora.open(wallet, unit)
    with pytest.raises(NotAuthorised, match="signature"):
        await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    with pytest.raises(StateConflict, match="retired"):
        await aurora.submit("unit.rotate_key", {"unit": 1, "key": old})


async def test_a_command_is_no_reading() -> None:
    """A signature of another kind over the same bytes does not pass as a batch's."""
    aurora, unit, _, session = await _started()
    body = unit.batch(session, aurora.wait(HOUR), 6_000_000).encode()
    for line in (domain.COMMAND, domain.REQUEST, domain.INTENT, domain.ATTESTATION, b""):
        await _refused(aurora, session, body + domain.sign(secret_of(unit.key), line, body), "signature")


async def test_a_reading_is_used_once() -> None:
    """The last reading of a settled session does not start the next one."""
    aurora, unit, wallet, session = await _started()
    last = unit.batch(session, aurora.wait(HOUR), 6_000_000)
    await aurora.submit("session.settle", session.encode(), b"Local", unit.proof(last))
    following = await aurora.open(wallet, unit, amount=100)
    again = replace(last, session=bytes.fromhex(following)[: batches.SESSION_BYTES])
    with pytest.raises(StateConflict, match=r"evidence\.number"):
        await aurora.submit("session.start", following.encode(), unit.proof(again))


async def test_dropped_batches_cost_detail_not_money() -> None:
    """Two of many batches settle the same as all of them: the register is cumulative."""
    aurora, unit, _, session = await _started()
    all_of_them = [unit.evidence(session, aurora.wait(600), 5_000_000 + 500_000 * i) for i in range(1, 7)]
    await aurora.submit("session.checkpoint", session.encode(), *all_of_them[:3])
    with pytest.raises(StateConflict, match=r"evidence\.number"):
        await aurora.submit("session.settle", session.encode(), b"Local", all_of_them[5], all_of_them[4])
    settled = await aurora.submit("session.settle", session.encode(), b"Local", all_of_them[5])
    assert settled["settlement"]["energy"] == 3_000_000


async def test_a_retired_unit_reports_nothing() -> None:
    """Retiring is refused under a started session; afterwards nothing opens."""
    aurora, unit, wallet, session = await _started()
    with pytest.raises(StateConflict, match="started session"):
        await aurora.submit("unit.retire", {"unit": 1})
    last = unit.evidence(session, aurora.wait(60), 5_000_000)
    await aurora.submit("session.settle", session.encode(), b"Local", last)
    await aurora.submit("unit.retire", {"unit": 1})
    with pytest.raises(StateConflict, match="retired"):
        await aurora.open(wallet, unit, amount=100)


async def test_many_readings_at_one_instant_add_up_to_nothing() -> None:
    """Each step allows two seconds for a rounded clock; a thousand steps do not allow two thousand."""
    aurora, unit, _, session = await _started()
    moment = aurora.wait(10)
    flood = [unit.evidence(session, moment, 5_000_000 + 4_000 * step) for step in range(1, 150)]
    with pytest.raises(StateConflict, match="can deliver"):
        await aurora.submit("session.settle", session.encode(), b"Local", *flood)


async def test_a_bigger_unit_enrolled_under_an_opened_session_reports_nothing() -> None:
    """A mac unit has no key on the ledger to compare, but its enrolment has a generation."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1, "mac"), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await aurora.open(wallet, unit)
    await aurora.submit("unit.retire", {"unit": 1})
    await aurora.enrol(1, "mac", nominal_current=125_000, phases=3)
    with pytest.raises(NotAuthorised, match="enrolled as it was"):
        await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
