"""Local time spelled out as UTC offsets, and tariffs published in their order."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest

from chaincode.errors import InvalidArgument, StateConflict
from gateway.configuration.tariff import Prices, offsets
from tests.gateway.house import START, House

BAND = {"name": "all day", "energy_price": 183_400, "idle_price": 0}
PRICES = Prices(start_fee=0, bands=[BAND], week=[])


@pytest.mark.parametrize("zone", ["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_offsets_agree_with_the_time_zone_for_ten_years(zone: str) -> None:
    """At every hour, and in the second before each change; half-hour changes too."""
    start = START // 1000
    found = offsets(zone, start)
    assert found[0]["start"] == start
    assert [each["start"] for each in found] == sorted({each["start"] for each in found})

    def listed(instant: int) -> int:
        return [each["seconds"] for each in found if each["start"] <= instant][-1]

    def real(instant: int) -> float:
        offset = datetime.datetime.fromtimestamp(instant, ZoneInfo(zone)).utcoffset()
        assert offset is not None
        return offset.total_seconds()

    instants = [*range(start, start + 10 * 365 * 86_400, 7 * 3_600)]
    for change in found[1:]:
        instants += [change["start"] - 1, change["start"]]
    assert all(listed(instant) == real(instant) for instant in instants)
    assert len(found) <= 64


def test_a_zone_without_summer_time_has_one_offset() -> None:
    """UTC is UTC."""
    assert offsets("UTC", 1_000) == [{"start": 1_000, "seconds": 0}]


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../etc/passwd", "/etc/localtime"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    """By name, and without reading files elsewhere."""
    with pytest.raises(InvalidArgument, match="time_zone"):
        offsets(zone, 0)


async def test_tariffs_are_numbered_by_themselves(gateway_house: House) -> None:
    """The first is 1; the next is one more, also for a gateway that has just started."""
    tariffs = gateway_house.gateway.tariffs
    start = START // 1000
    assert (await tariffs.publish(PRICES, None, None)).number == 1
    assert (await tariffs.publish(PRICES, start + 60, None)).number == 2
    tariffs._last = 0
    assert await tariffs.next_number() == 3


async def test_the_same_number_twice_is_one_tariff(gateway_house: House) -> None:
    """A repeated request changes nothing; another tariff under the number is refused."""
    tariffs = gateway_house.gateway.tariffs
    start = START // 1000
    first = await tariffs.publish(PRICES, start, 1)
    assert await tariffs.publish(PRICES, start, 1) == first
    dearer = Prices(start_fee=100, bands=[BAND], week=[])
    with pytest.raises(StateConflict, match="published already"):
        await tariffs.publish(dearer, start, 1)
    with pytest.raises(StateConflict, match="later than the last"):
        await tariffs.publish(PRICES, start - 86_400, 2)
