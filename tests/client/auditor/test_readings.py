"""Raw readings: what the ledger's batches commit to, and what they do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chaincode.meter import Reading
from chaincode.session import ATTESTED, SIGNED, Session
from chaincode.signing.batch import NO_BATCH, Batch, batch_hash, sign_batch
from client.auditor.errors import ReceiptError
from client.auditor.readings import verify_readings
from tests.chaincode.world import PartyUnit, secret_of

SESSION = "ab" * 32


def chain(unit: PartyUnit, count: int, start: int = 0, **changes: Any) -> list[bytes]:
    """A session's batches, each naming the one before; any field of all of them can be changed."""
    messages: list[bytes] = []
    for index in range(start, start + count):
        batch = unit.batch(SESSION, 1_800_000_000 + 60 * index, 1_000 * index)
        previous = batch_hash(messages[-1]) if messages else NO_BATCH
        messages.append(seal(unit, replace(batch, **({"previous": previous} | changes))))
    return messages


def seal(unit: PartyUnit, batch: Batch) -> bytes:
    """A batch as the unit sends it."""
    if unit.key_class == "ed25519":
        return sign_batch(batch, secret_of(unit.key))
    return unit.seal(batch)


def session(unit: PartyUnit, messages: list[bytes]) -> Session:
    """The session of which a receipt shows the first and the last of the batches."""

    def reading(message: bytes) -> Reading:
        return Reading(boot=1, number=1, time=1, register=1, flags=0, hash=batch_hash(message).hex())

    signed = unit.key_class == "ed25519"
    return Session(
        id=SESSION,
        state="settled",
        unit=unit.number,
        unit_class="ed25519",
        unit_key=None,
        unit_generation=1,
        wallet="cd" * 32,
        issuer="aurora",
        wallet_key="cd" * 32,
        tariff=1,
        tariff_hash="00" * 32,
        amount=500,
        decimals=2,
        opened_at=1,
        deadline=2,
        reclaim_after=3,
        energy_limit=None,
        leave=None,
        mandate=None,
        metering=SIGNED if signed else ATTESTED,
        meter_keys=(bytes(unit.key.verify_key if signed else unit.attesting.verify_key).hex(),),
        stop_at=None,
        first=reading(messages[0]),
        last=reading(messages[-1]),
        usage=(),
        settlement=None,
    )


@pytest.fixture(params=["ed25519", "mac"])
def unit(request: pytest.FixtureRequest) -> PartyUnit:
    """A unit of either class."""
    return PartyUnit(7, "aurora", "condominiums", request.param)


def test_all_readings_are_committed_to(unit: PartyUnit) -> None:
    """The chain from the first to the last is whole, whatever the class."""
    messages = chain(unit, 9)
    verified = verify_readings(b"".join(messages), session(unit, messages))
    assert [batch.register for batch in verified.batches] == [1_000 * index for index in range(9)]
    assert verified.restarts == 0


def test_none_can_be_left_out_changed_or_moved(unit: PartyUnit) -> None:
    """Not in the middle, not at either end."""
    messages = chain(unit, 5)
    known = session(unit, messages)
    flipped = bytearray(messages[2])
    flipped[24] ^= 1
    for wrong in (
        messages[1:],
        messages[:-1],
        messages[:2] + messages[3:],
        [*messages[:2], bytes(flipped), *messages[3:]],
        [messages[0], messages[2], messages[1], *messages[3:]],
        [*messages, messages[-1]],
        [],
    ):
        with pytest.raises(ReceiptError):
            verify_readings(b"".join(wrong), known)


def test_a_restart_begins_a_new_chain(unit: PartyUnit) -> None:
    """With a boot count that rose, and only so; how often it happened is said."""
    before = chain(unit, 3)
    unit.boot = 2
    after = chain(unit, 3, start=3)
    known = session(unit, [before[0], after[-1]])
    assert verify_readings(b"".join([*before, *after]), known).restarts == 1
    unit.boot = 1
    pretended = chain(unit, 3, start=3)
    with pytest.raises(ReceiptError, match="missing"):
        verify_readings(b"".join([*before, *pretended]), session(unit, [before[0], pretended[-1]]))


def test_a_register_that_falls_is_noticed(unit: PartyUnit) -> None:
    """Energy never goes back, over a restart neither."""
    before = chain(unit, 3, start=3)
    unit.boot = 2
    after = chain(unit, 3)
    with pytest.raises(ReceiptError, match="lower register"):
        verify_readings(b"".join([*before, *after]), session(unit, [before[0], after[-1]]))


def test_anothers_readings_do_not_pass(unit: PartyUnit) -> None:
    """Neither another session's nor another unit's, though chained like these."""
    messages = chain(unit, 3)
    stranger = chain(unit, 3, session=bytes(16))
    with pytest.raises(ReceiptError, match="another session"):
        verify_readings(b"".join(stranger), session(unit, stranger))
    known = session(unit, messages)
    if unit.key_class == "ed25519":
        other = chain(PartyUnit(7, "aurora", "condominiums"), 3)
        with pytest.raises(ReceiptError, match="not signed"):
            verify_readings(b"".join(other), known)


def test_bytes_that_are_no_batches_are_named(unit: PartyUnit) -> None:
    """Cut off in the header, in the samples or in the signature."""
    messages = chain(unit, 2)
    known = session(unit, messages)
    raw = b"".join(messages)
    for wrong in (raw[:-1], raw[:100], raw + b"x", b"\xff" * 300):
        with pytest.raises(ReceiptError, match="reading"):
            verify_readings(wrong, known)


def test_a_session_that_never_started_has_none(unit: PartyUnit) -> None:
    """There is nothing to check against."""
    messages = chain(unit, 1)
    known = replace(session(unit, messages), first=None, last=None)
    with pytest.raises(ReceiptError, match="never started"):
        verify_readings(messages[0], known)
