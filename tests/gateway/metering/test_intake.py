"""Batches are judged one by one, stored before they are acknowledged, and handed on once."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaincode.signing import domain
from chaincode.signing.batch import NO_BATCH
from chaincode.unit import ED25519
from gateway.metering.readings import Arrival, Verdict
from gateway.metering.refusal import RefusalKind, Refused
from gateway.metering.service import Metering
from gateway.metering.verification import MAX_BATCHES
from gateway.store.database import Database
from gateway.store.errors import Full, StoreError
from tests.examples import examples
from tests.gateway.metering.meter import SESSION, SIGNING_PUBLIC, START, Meter, Place


async def refused(metering: Metering, body: bytes, unit: int | None = None) -> RefusalKind:
    """The kind of refusal that a body gets."""
    with pytest.raises(Refused) as caught:
        await metering.intake.receive(body, unit)
    return caught.value.kind


async def test_batches_are_stored_and_handed_on(metering: Metering, place: Place, meter: Meter) -> None:
    """Their exact bytes, in order, with evidence that the ledger verifies."""
    messages = [meter.send(session=SESSION) for _ in range(3)]
    accepted = await metering.intake.receive(b"".join(messages))
    assert (accepted.acknowledged, accepted.lowest, accepted.boot, accepted.fresh) == (3, 1, 1, True)
    assert [each.message for each in await metering.readings.of_session(SESSION)] == messages
    assert await metering.readings.of_session(SESSION) == place.batches
    for message, received in zip(messages, place.batches, strict=True):
        assert received.message == message
        assert received.received_at == START * 1_000
        if meter.unit_class == ED25519:
            assert received.evidence == message
        else:
            assert received.evidence.startswith(message)
            attestation = received.evidence[len(message) :]
            assert domain.verifies(SIGNING_PUBLIC, domain.ATTESTATION, message, attestation)


async def test_a_repeated_batch_is_acknowledged_again(metering: Metering, place: Place, meter: Meter) -> None:
    """It is stored once and handed on once."""
    first, second = meter.send(), meter.send()
    await metering.intake.receive(first + second)
    for body in (first, second, first + second, second + second):
        again = await metering.intake.receive(body)
        assert (again.acknowledged, again.fresh, again.latest) == (2, False, None)
    assert len(place.batches) == 2
    assert not metering.refusals.counts


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_any_order_gives_the_same_store(
    metering: Metering, place: Place, meter: Meter, order: tuple[int, ...]
) -> None:
    """Reordered batches all find their place; the highest one is acknowledged."""
    messages = [meter.send(session=SESSION) for _ in range(4)]
    for place_in_order in order:
        await metering.intake.receive(messages[place_in_order])
    assert [each.message for each in await metering.readings.of_session(SESSION)] == messages
    assert len(place.batches) == 4
    assert not metering.refusals.counts


async def test_a_gap_is_no_fault(metering: Metering, meter: Meter) -> None:
    """Batches that were lost lose detail, never energy: the next one is taken."""
    await metering.intake.receive(meter.send())
    meter.send()
    meter.count += 100
    accepted = await metering.intake.receive(meter.send())
    assert accepted.acknowledged == 103
    assert not metering.refusals.counts


async def test_a_restart_goes_on(metering: Metering, meter: Meter) -> None:
    """A risen boot count with zeros as the batch before is a unit that lost power."""
    await metering.intake.receive(meter.send())
    meter.restart()
    accepted = await metering.intake.receive(meter.send())
    assert (accepted.boot, accepted.acknowledged) == (2, 2)
    assert not metering.refusals.counts


async def test_another_batch_under_a_taken_number(metering: Metering, place: Place, meter: Meter) -> None:
    """Refused with an alarm, though it is authentic; the first one stays."""
    first = meter.send(session=SESSION)
    await metering.intake.receive(first)
    meter.count -= 1
    assert await refused(metering, meter.send(session=SESSION)) is RefusalKind.REPEATED_NUMBER
    assert [alarm.kind for alarm in place.alarms] == [RefusalKind.REPEATED_NUMBER]
    assert place.alarms[0].unit == 7
    assert [each.message for each in await metering.readings.of_session(SESSION)] == [first]


async def test_another_batch_under_a_number_of_the_same_body(metering: Metering, meter: Meter) -> None:
    """The rule holds within a group that is not yet written."""
    first = meter.send(session=SESSION)
    meter.count -= 1
    other = meter.send(session=SESSION)
    accepted = await metering.intake.receive(first + other)
    assert [each.kind for each in accepted.refused] == [RefusalKind.REPEATED_NUMBER]
    assert [each.message for each in await metering.readings.of_session(SESSION)] == [first]


async def test_a_register_that_falls(metering: Metering, place: Place, meter: Meter) -> None:
    """Refused with an alarm, whether the number follows at once, after a gap, or lies between two others."""
    await metering.intake.receive(meter.send(number=10, register=5_000))
    await metering.intake.receive(meter.send(number=20, register=9_000))
    for number, register in ((21, 8_999), (30, 8_999), (15, 4_999), (15, 9_001), (1, 5_001)):
        message = meter.seal(meter.batch(number=number, register=register).encode())
        assert await refused(metering, message) is RefusalKind.FALLING_REGISTER
    assert [alarm.kind for alarm in place.alarms] == [RefusalKind.FALLING_REGISTER]
    for number, register in ((21, 9_000), (15, 5_000), (1, 5_000)):
        await metering.intake.receive(meter.seal(meter.batch(number=number, register=register).encode()))
    assert len(place.batches) == 5


async def test_a_boot_count_that_falls(metering: Metering, meter: Meter) -> None:
    """A batch from an earlier start than the one before it is refused."""
    meter.boot = 5
    await metering.intake.receive(meter.send())
    assert await refused(metering, meter.send(boot=4)) is RefusalKind.FALLING_BOOT
    assert await refused(metering, meter.send(number=9, boot=4)) is RefusalKind.FALLING_BOOT


async def test_a_broken_chain_is_stored_and_on_record(metering: Metering, place: Place, meter: Meter) -> None:
    """The register stands, so the batch counts; that something between may be missing is an alarm."""
    await metering.intake.receive(meter.send())
    accepted = await metering.intake.receive(meter.send(previous=NO_BATCH))
    assert accepted.acknowledged == 2
    assert [each.kind for each in accepted.refused] == [RefusalKind.BROKEN_CHAIN]
    assert [alarm.kind for alarm in place.alarms] == [RefusalKind.BROKEN_CHAIN]
    assert len(place.batches) == 2


async def test_new_hardware_at_an_old_number_starts_again(
    metering: Metering, place: Place, meter: Meter
) -> None:
    """Its numbers, boot count and register begin anew; the old meter's batches stay."""
    meter.boot = 9
    old = meter.send(session=SESSION)
    await metering.intake.receive(old)
    replacement = Meter(unit_class=meter.unit_class, name="new", enrolled_at=START, register=0)
    place.meters[7] = replacement
    new = replacement.send()
    accepted = await metering.intake.receive(new)
    assert (accepted.acknowledged, accepted.boot) == (1, 1)
    assert [each.message for each in await metering.readings.of_session(SESSION)] == [old]


ATTACKS: dict[str, tuple[Callable[[Meter], bytes], RefusalKind]] = {
    "another unit's key": (
        lambda m: Meter(unit_class=m.unit_class, name="mallory").send(),
        RefusalKind.FORGED,
    ),
    "another network": (
        lambda m: replace(m, network=domain.network_tag("condocharge", "boreal")).send(),
        RefusalKind.WRONG_NETWORK,
    ),
    "another channel": (
        lambda m: replace(m, network=domain.network_tag("other", "aurora")).send(),
        RefusalKind.WRONG_NETWORK,
    ),
    "another domain": (lambda m: m.seal(m.batch().encode(), domain.COMMAND), RefusalKind.FORGED),
    "a unit that is not enrolled": (lambda m: Meter(number=99).send(), RefusalKind.UNKNOWN_UNIT),
    "another unit's number": (lambda m: m.seal(m.batch(unit=9).encode()), RefusalKind.FORGED),
    "the number of a unit of the other class": (
        lambda m: m.seal(m.batch(unit=8).encode()),
        RefusalKind.MALFORMED,
    ),
    "a cut batch": (lambda m: m.send()[:-1], RefusalKind.MALFORMED),
    "a byte too many": (lambda m: m.send() + b"\0", RefusalKind.MALFORMED),
    "nothing": (lambda m: b"", RefusalKind.MALFORMED),
    "a later version": (lambda m: m.seal(b"\2" + m.batch().encode()[1:]), RefusalKind.MALFORMED),
    "a register beyond every meter": (
        lambda m: m.seal(m.batch(register=2**64 - 1).encode()),
        RefusalKind.MALFORMED,
    ),
    "too many at once": (
        lambda m: b"".join(m.send() for _ in range(MAX_BATCHES + 1)),
        RefusalKind.MALFORMED,
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_attacks_change_nothing(metering: Metering, place: Place, meter: Meter, attack: str) -> None:
    """Each is refused by its rule and counted by its kind, and nothing is stored or handed on."""
    forge, kind = ATTACKS[attack]
    assert await refused(metering, forge(meter)) is kind
    assert metering.refusals.counts == {kind: 1}
    assert place.batches == []
    for each in place.meters.values():
        assert await metering.readings.last(each.enrolled()) is None


@pytest.mark.parametrize("at", [0, 1, 4, 12, 16, 24, 32, 48, 80, 88, 100, -1])
async def test_an_altered_byte_is_noticed(metering: Metering, place: Place, meter: Meter, at: int) -> None:
    """Wherever it is, the authentication no longer fits."""
    message = bytearray(meter.send())
    message[at] ^= 4
    assert await refused(metering, bytes(message)) is RefusalKind.FORGED
    assert place.batches == []


async def test_a_batch_for_another_path(metering: Metering, place: Place, meter: Meter) -> None:
    """A body is refused where it is not from the unit that the request names."""
    assert await refused(metering, meter.send(), unit=8) is RefusalKind.WRONG_UNIT
    assert place.batches == []


async def test_a_retired_unit(metering: Metering, place: Place, meter: Meter) -> None:
    """An authentic batch of a unit that is retired is refused as that."""
    meter.active = False
    assert await refused(metering, meter.send()) is RefusalKind.RETIRED_UNIT


async def test_a_retired_key(metering: Metering, place: Place) -> None:
    """A batch by a key that the unit once had is told apart from a forged one."""
    old, new = Meter(name="old"), Meter(name="new")
    new.retired = [old.public]
    place.meters[7] = new
    assert await refused(metering, old.send()) is RefusalKind.RETIRED_KEY
    assert place.batches == []


async def test_one_bad_batch_does_not_keep_the_others(metering: Metering, place: Place, meter: Meter) -> None:
    """The sound ones of a body are stored and acknowledged; the bad one is on record."""
    good, other = meter.send(), meter.send()
    bad = bytearray(meter.send())
    bad[-1] ^= 1
    accepted = await metering.intake.receive(good + bytes(bad) + other)
    assert accepted.acknowledged == 2
    assert [each.kind for each in accepted.refused] == [RefusalKind.FORGED]
    assert [each.batch.number for each in place.batches] == [1, 2]


async def test_concurrent_bodies_of_many_units(metering: Metering, place: Place) -> None:
    """Groups mix units and sizes, and everybody gets what belongs to them."""
    meters = [Meter(number=number) for number in range(100, 140)]
    place.meters.update({meter.number: meter for meter in meters})
    bodies = [b"".join(meter.send() for _ in range(1 + meter.number % 5)) for meter in meters]
    accepted = await asyncio.gather(*(metering.intake.receive(body) for body in bodies))
    for meter, each in zip(meters, accepted, strict=True):
        assert (each.unit.number, each.acknowledged) == (meter.number, 1 + meter.number % 5)
    assert len(place.batches) == sum(1 + meter.number % 5 for meter in meters)


async def test_a_subscriber_that_fails_loses_nothing(
    metering: Metering, place: Place, meter: Meter, caplog: pytest.LogCaptureFixture
) -> None:
    """The batch is stored and acknowledged all the same, and the failure is in the log."""

    async def fail(_: object) -> None:
        raise RuntimeError("the monitor fell over")

    metering.intake.subscribe(fail)
    accepted = await metering.intake.receive(meter.send())
    assert accepted.acknowledged == 1
    assert "was stored, but not dealt with" in caplog.text


async def test_a_database_that_fails_acknowledges_nothing(
    metering: Metering, database: Database, place: Place, meter: Meter
) -> None:
    """Whoever sent the batch is told, and may send it again."""
    first = meter.send()
    await database.close()
    with pytest.raises(StoreError):
        await metering.intake.receive(first)
    assert place.batches == []


async def test_what_follows_a_body_that_was_not_stored_is_not_stored_either(
    metering: Metering, place: Place, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An acknowledgement of the second would make the unit forget the first; sent again, both are there."""
    bodies = [meter.send() for _ in range(3)]
    add = metering.readings.add

    async def fail(arrivals: Sequence[Arrival]) -> list[Verdict]:
        monkeypatch.setattr(metering.readings, "add", add)
        raise Full("the disk is full")

    monkeypatch.setattr(metering.readings, "add", fail)
    first = await metering.intake.submit(bodies[0])
    with pytest.raises(StoreError):
        await first
    second = await metering.intake.submit(bodies[1], after=first)
    third = await metering.intake.submit(bodies[2], after=second)
    for future in (second, third):
        with pytest.raises(StoreError):
            await future
    assert place.batches == []
    accepted = await metering.intake.receive(b"".join(bodies))
    assert accepted.acknowledged == 3 and len(place.batches) == 3


async def test_alarms_of_one_kind_come_once_a_minute(metering: Metering, place: Place, meter: Meter) -> None:
    """A flood of nonsense is counted, not recorded one by one."""
    for _ in range(5):
        await refused(metering, b"nonsense")
        await refused(metering, Meter(unit_class=meter.unit_class, name="mallory").send())
    assert metering.refusals.counts == {RefusalKind.UNKNOWN_UNIT: 5, RefusalKind.FORGED: 5}
    assert [alarm.kind for alarm in place.alarms] == [RefusalKind.UNKNOWN_UNIT, RefusalKind.FORGED]
    assert [alarm.unit for alarm in place.alarms] == [None, 7]


async def test_another_gateway_on_the_same_database(
    metering: Metering, place: Place, meter: Meter, any_database: Database
) -> None:
    """Two gateways that share a database keep one order: neither takes a number, or a register, twice."""
    first, second = place.metering(any_database), place.metering(any_database)
    await first.start()
    await second.start()
    await first.intake.receive(meter.send(number=1, register=1_000))
    await second.intake.receive(meter.send(number=2, register=2_000))
    message = meter.send(number=3, register=3_000)
    assert (await second.intake.receive(message)).acknowledged == 3
    # The first has seen batch 1 alone.
    taken = meter.seal(meter.batch(number=2, register=1_500).encode())
    assert await refused(first, taken) is RefusalKind.REPEATED_NUMBER
    lower = meter.seal(meter.batch(number=4, register=2_999).encode())
    assert await refused(first, lower) is RefusalKind.FALLING_REGISTER
    assert (await first.intake.receive(message)).acknowledged == 3
    await first.close()
    await second.close()


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False))
async def test_a_network_that_drops_repeats_and_reorders(
    metering: Metering, place: Place, meter: Meter, chance: random.Random
) -> None:
    """A unit that sends again what was not acknowledged ends with every batch stored once, and no alarm."""
    # Every example is another meter at the same number, as one database serves them all.
    meter.enrolled_at += 1
    meter.count, meter.boot, meter.previous = 1, 1, NO_BATCH
    place.batches.clear()
    sent = [meter.send() if chance.random() < 0.9 else _after_restart(meter) for _ in range(12)]
    unheard = dict(enumerate(sent, 1))
    while unheard:
        under_way = [each for each in unheard.values() if chance.random() < 0.7] * chance.randint(1, 2)
        chance.shuffle(under_way)
        for start in range(0, len(under_way), 3):
            accepted = await metering.intake.receive(b"".join(under_way[start : start + 3]))
            if chance.random() < 0.7:
                # What is acknowledged is dropped, stored or not: detail is lost, energy is not.
                unheard = {n: each for n, each in unheard.items() if n > accepted.acknowledged}
    assert not metering.refusals.counts
    stored = [each.message for each in place.batches]
    assert len(stored) == len(set(stored))
    assert set(stored) <= set(sent)
    last = await metering.readings.last(meter.enrolled())
    assert last is not None
    assert last.message == sent[-1]


def _after_restart(meter: Meter) -> bytes:
    meter.restart()
    return meter.send()
