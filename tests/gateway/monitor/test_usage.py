"""Quarters of an hour from batches: no energy is lost, and each sample counts where it was taken."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chaincode.signing.batch import NO_BATCH, NO_HUMIDITY, NO_TEMPERATURE, Batch, Flag, Reason, Sample
from gateway.monitor.usage import QUARTER, usage
from tests.gateway.monitor.test_account import record

START = 1_767_225_600
SESSION = record(opened_at=START, deadline=START + 2 * 86_400)


def _batch(time: int, register: int, currents: tuple[int, ...] = (), heat: int = NO_TEMPERATURE) -> Batch:
    return Batch(
        flags=Flag(0),
        unit=7,
        network=bytes(8),
        boot=1,
        number=time - START,
        time=time,
        register=register,
        session=bytes(range(16)),
        previous=NO_BATCH,
        period=60,
        temperature=heat,
        humidity=NO_HUMIDITY,
        reason=Reason.NONE,
        samples=tuple(Sample(current, 2_300) for current in currents),
    )


def test_energy_falls_to_the_quarters_in_which_it_flowed() -> None:
    """Half an hour at 2,300 W from ten past: 5, 15 and 10 minutes of it."""
    begun = START + 600
    found = usage(SESSION, [_batch(begun, 5_000_000), _batch(begun + 1_800, 6_150_000)])
    assert [(each.time - START, each.energy) for each in found] == [(0, 191), (900, 575), (1_800, 384)]


@given(
    st.lists(st.tuples(st.integers(1, 4_000), st.integers(0, 9_000_000)), min_size=1, max_size=30),
    st.integers(0, 10**12),
)
def test_the_quarters_add_up_to_the_session(steps: list[tuple[int, int]], register: int) -> None:
    """Whatever the batches' distances, no watt-hour is lost or made."""
    batches = [_batch(START + 77, register)]
    for seconds, energy in steps:
        last = batches[-1]
        batches.append(_batch(last.time + seconds, last.register + energy))
    quarters = usage(SESSION, batches)
    assert sum(each.energy for each in quarters) == (batches[-1].register - register) // 1000
    assert all(each.energy >= 0 and each.time % QUARTER == 0 for each in quarters)


def test_a_clock_that_was_wrong_makes_no_rows() -> None:
    """Neither a batch of 2106 nor one of 1970, nor samples of before the session; what is sound counts on."""
    begun, last = _batch(START, 0), _batch(START + 600, 300_000)
    wrong = [_batch(2**32 - 1, 100_000, (10_000,)), _batch(0, 200_000, (10_000,))]
    assert usage(SESSION, [begun, *wrong, last]) == usage(SESSION, [begun, last])
    early = replace(begun, period=65_535, samples=(Sample(10_000, 2_300),) * 120)
    assert [(each.time, each.samples) for each in usage(SESSION, [early])] == [(START, 1)]


def test_samples_count_where_they_were_taken() -> None:
    """The first two of three belong to the quarter before; what was not measured is not made up."""
    batch = _batch(START + QUARTER, 0, (10_000, 12_000, 2_000), heat=21)
    before, after = usage(SESSION, [batch])
    assert (before.time, before.samples, before.least, before.greatest, before.current) == (
        START,
        2,
        10_000,
        12_000,
        11_000,
    )
    assert (after.samples, after.current, after.power, after.temperature) == (1, 2_000, 460, 21)
    assert (before.temperature, after.humidity) == (None, None)
    assert usage(SESSION, []) == []
