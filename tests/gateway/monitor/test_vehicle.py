"""When a vehicle counts as charging, resting, full and gone."""

from __future__ import annotations

from chaincode.signing.batch import NO_BATCH, Batch, Flag, Reason, Sample
from gateway.monitor.vehicle import Vehicle

FULL_AFTER = 300
PLUGGED = Flag.CLOSED | Flag.CONNECTED


def batch(time: int, currents: list[int], flags: Flag = PLUGGED) -> Batch:
    """A batch of one-minute samples at 230 V that ends at `time`."""
    return Batch(
        unit=7,
        network=bytes(8),
        boot=1,
        number=time,
        time=time,
        register=0,
        session=bytes(16),
        previous=NO_BATCH,
        period=60,
        flags=flags,
        temperature=20,
        humidity=40,
        reason=Reason.NONE,
        samples=tuple(Sample(current, 2_300) for current in currents),
    )


def vehicle(*batches: Batch, phases: int = 1) -> Vehicle:
    """A vehicle that was seen doing all this."""
    seen = Vehicle(phases, FULL_AFTER)
    for each in batches:
        seen.observe(each)
    return seen


def test_power_is_that_of_the_last_sample_and_the_peak_that_of_the_greatest() -> None:
    """10 A at 230 V in three phases are 6.9 kW."""
    seen = vehicle(batch(600, [16_000, 10_000]), phases=3)
    assert (seen.power, seen.peak) == (6_900_000, 11_040_000)


def test_a_vehicle_that_rests_for_five_minutes_after_charging_is_full() -> None:
    """The time is counted from the first low sample, over batches."""
    charging = batch(600, [10_000] * 5 + [400, 300])
    resting = vehicle(charging, batch(720, [200, 100]))
    assert resting.resting_since == 480
    assert not resting.full
    resting.observe(batch(780, [0]))
    assert resting.full


def test_a_vehicle_that_has_not_charged_yet_is_not_full() -> None:
    """A car's own timer may begin hours later."""
    assert not vehicle(batch(60, [0]), batch(6_000, [0] * 99)).full


def test_a_short_pause_is_no_rest() -> None:
    """Balancing cells, or a cold battery."""
    seen = vehicle(batch(600, [10_000] * 5), batch(720, [0, 0]), batch(780, [8_000]), batch(900, [0, 0]))
    assert seen.resting_since == 780
    assert not seen.full


def test_the_units_own_word_counts_from_when_it_knew() -> None:
    """COMPLETE is set after three minutes of rest, also by a unit that sends no samples."""
    seen = vehicle(batch(600, [], PLUGGED | Flag.COMPLETE))
    assert seen.resting_since == 420
    assert not seen.full
    seen.observe(batch(720, [], PLUGGED | Flag.COMPLETE))
    assert seen.full


def test_an_open_relay_is_no_rest() -> None:
    """Paused by the scheduler, a vehicle draws nothing and is not full."""
    seen = vehicle(batch(600, [10_000]), batch(1_200, [0] * 10, Flag.CONNECTED))
    assert seen.resting_since is None
    assert not seen.full
    seen.observe(batch(1_800, [0] * 10))
    assert seen.resting_since == 1_800


def test_full_stays_so_until_it_charges_again() -> None:
    """Opening the relay for somebody else does not make it hungry."""
    seen = vehicle(batch(600, [10_000]), batch(1_200, [0] * 10), batch(1_800, [0] * 10, Flag.CONNECTED))
    assert seen.full
    seen.observe(batch(1_860, [9_000]))
    assert not seen.full


def test_a_vehicle_is_gone_only_where_it_was_seen() -> None:
    """A socket without a pilot that never said CONNECTED cannot lose the vehicle."""
    seen = vehicle(batch(600, [10_000], Flag.CLOSED))
    assert (seen.was_connected, seen.connected) == (False, False)
    seen.observe(batch(660, [10_000]))
    assert (seen.was_connected, seen.connected) == (True, True)
