"""Tariffs: bands in local time without a time zone table, and prices that round once."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaincode.errors import ContractError
from chaincode.meter import Reading
from chaincode.settlement import Usage, add_segment, cost
from chaincode.signing.batch import Flag
from chaincode.tariff import Band, Change, Offset, Tariff
from tests.chaincode.world import FLAT, condominium

LISBON = ZoneInfo("Europe/Lisbon")
SPRING = 1_774_746_000  # 29 March 2026, 01:00 UTC
AUTUMN = 1_792_890_000  # 25 October 2026, 01:00 UTC
OFFSETS = (
    Offset(start=0, seconds=0),
    Offset(start=SPRING, seconds=3_600),
    Offset(start=AUTUMN, seconds=0),
)
WEEK = tuple(
    Change(minute=day * 1440 + minute, band=band)
    for day in range(7)
    for minute, band in ((0, 0), (7 * 60, 1), (22 * 60 + 30, 0))
)
TARIFF = Tariff(
    number=1,
    valid_from=0,
    start_fee=25,
    bands=(
        Band(name="night", energy_price=93_700, idle_price=0),
        Band(name="day", energy_price=183_400, idle_price=50_000),
    ),
    week=WEEK,
    offsets=OFFSETS,
)


@given(st.integers(1_767_225_600, 1_798_761_600))
def test_the_band_is_that_of_the_wall_clock(time: int) -> None:
    """Over a year with both changes of the clock, the band is what a clock in Lisbon says."""
    local = datetime.datetime.fromtimestamp(time, LISBON)
    minute = local.hour * 60 + local.minute
    assert TARIFF.band_at(time) == int(7 * 60 <= minute < 22 * 60 + 30)


@given(st.integers(1_767_225_600, 1_798_000_000), st.integers(0, 3 * 86_400))
def test_boundaries_are_where_the_band_changes(start: int, length: int) -> None:
    """Every boundary is one, and between two of them the band stays."""
    end = start + length
    found = TARIFF.boundaries(start, end)
    assert found == sorted(set(found))
    for instant in found:
        assert start < instant < end
        assert TARIFF.band_at(instant - 1) != TARIFF.band_at(instant)
    expected = [
        t for t in range(start // 60 * 60 + 60, end, 60) if TARIFF.band_at(t - 1) != TARIFF.band_at(t)
    ]
    assert found == expected


def _reading(time: int, register: int, flags: Flag = Flag.CLOSED) -> Reading:
    return Reading(boot=1, number=1, time=time, register=register, flags=int(flags), hash="")


def test_prices_are_exact_and_rounded_down_once() -> None:
    """17.321 kWh at 0.1834 and 0.25 start fee are 3.4266…: 3.42, as one sum."""
    day = SPRING + 12 * 3_600
    usage: tuple[Usage, ...] = ()
    register = 0
    for _ in range(17_321):
        usage = add_segment(usage, TARIFF, _reading(day, register), _reading(day, register + 1_000), None)
        register += 1_000
    assert usage == (Usage(band=1, energy=17_321_000, idle=0),)
    assert cost(TARIFF, usage, 2, 10_000) == 25 + 317


def test_idle_minutes_count_when_both_readings_say_so() -> None:
    """Connected after charging ended costs; a pause by the scheduler does not."""
    day = SPRING + 12 * 3_600
    idle = Flag.COMPLETE | Flag.CONNECTED
    used = (Usage(band=1, energy=1_000_000, idle=0),)
    billed = add_segment(used, TARIFF, _reading(day, 5, idle), _reading(day + 600, 5, idle), None)
    assert billed == (Usage(band=1, energy=1_000_000, idle=600),)
    assert cost(TARIFF, billed, 2, 10_000) == 25 + 18 + 50
    for flags in (Flag.CONNECTED, Flag.COMPLETE, Flag(0)):
        assert add_segment(used, TARIFF, _reading(day, 5, flags), _reading(day + 600, 5, idle), None) == used


def test_a_session_that_delivered_nothing_costs_nothing() -> None:
    """No start fee without energy."""
    assert cost(TARIFF, (), 2, 10_000) == 0
    assert cost(TARIFF, (Usage(band=1, energy=0, idle=6_000),), 2, 10_000) == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bands": []}, "bands"),
        ({"bands": FLAT * 2}, "week"),
        ({"week": [{"minute": 5, "band": 0}]}, "week"),
        ({"week": [{"minute": 0, "band": 3}]}, "week"),
        ({"week": [{"minute": 0, "band": 0}, {"minute": 0, "band": 0}]}, "week"),
        ({"offsets": []}, "offsets"),
        ({"offsets": [{"start": 0, "seconds": 90}]}, "offsets"),
        ({"offsets": [{"start": 2**40, "seconds": 0}]}, "offsets"),
        ({"start_fee": -1}, "start_fee"),
        ({"bands": [{"name": "x", "energy_price": 0.2, "idle_price": 0}]}, "integer"),
        ({"bands": [{"name": "x", "energy_price": 5}]}, r"bands\[0\]\.idle_price"),
    ],
)
async def test_malformed_tariffs_name_their_field(changes: dict[str, object], field: str) -> None:
    """Each broken rule of form is named."""
    aurora = await condominium()
    with pytest.raises(ContractError, match=field):
        await aurora.publish(2, **({"valid_from": aurora.now + 1} | changes))
