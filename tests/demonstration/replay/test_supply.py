"""The check of the common limit."""

from __future__ import annotations

import pytest

from demonstration.replay.supply import LimitExceeded, Supply
from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car
from firmware.simulator.electrical.outlet import Outlet


def charging(amperes: float) -> Outlet:
    """A socket through which so much flows."""
    outlet = Outlet(0.0, car=Car(Battery(50_000, 0), rated=32))
    outlet.switch(True, amperes)
    return outlet


def test_the_sum_of_all_is_checked() -> None:
    """Two sockets of 10 A are within 4.6 kW; one more ampere is not."""
    supply = Supply(4_600)
    supply.observe(1, charging(10))
    supply.observe(2, charging(10))
    assert supply.highest == pytest.approx(4_600)
    with pytest.raises(LimitExceeded, match=r"4830\.0 W flowed"):
        supply.observe(2, charging(11))


def test_what_stops_makes_room() -> None:
    """A socket counts with what flows through it now."""
    supply = Supply(3_000)
    supply.observe(1, charging(10))
    supply.observe(1, charging(0))
    supply.observe(2, charging(12))
    assert supply.highest == pytest.approx(2_760)


def test_without_a_limit_the_highest_is_noted() -> None:
    """Nothing is refused."""
    supply = Supply(None)
    for number in range(50):
        supply.observe(number, charging(32))
    assert supply.highest == pytest.approx(50 * 7_360)
