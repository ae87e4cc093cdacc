"""The socket: what reaches the car, and the energy that truly did."""

from __future__ import annotations

import pytest

from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car
from firmware.simulator.electrical.climate import Climate
from firmware.simulator.electrical.outlet import Outlet
from firmware.simulator.electrical.pilot import PilotState, duty_cycle, offered_current
from firmware.simulator.electrical.relay import Relay


def car() -> Car:
    """A car with room for hours."""
    return Car(Battery(60_000, 0), rated=16)


def test_only_a_closed_relay_gives_power() -> None:
    """Open, closed, open: energy rises in between alone, and by voltage times current times time."""
    outlet = Outlet(0.0, car=car())
    assert outlet.advance(60) == 0
    outlet.switch(True, 10.0)
    assert outlet.advance(60 + 3_600) == pytest.approx(10.0)
    assert outlet.energy == pytest.approx(2_300)
    outlet.switch(False, 10.0)
    assert outlet.advance(10_000) == 0
    assert outlet.energy == pytest.approx(2_300)


def test_welded_contacts_conduct_though_the_coil_is_off() -> None:
    """The fault that a unit must notice by its current."""
    outlet = Outlet(0.0, relay=Relay(welds_at=2), piloted=False, car=car())
    for _ in range(2):
        outlet.switch(True, 16)
        outlet.switch(False, 16)
    assert outlet.relay is not None
    assert outlet.relay.welded
    assert outlet.advance(60) > 0


def test_a_socket_without_relay_is_always_on() -> None:
    """The paper's Sensor 0: whoever plugs in charges."""
    outlet = Outlet(0.0, relay=None, piloted=False, car=car())
    outlet.switch(False, 0)
    assert outlet.advance(60) == pytest.approx(16)


def test_the_supply_can_fail() -> None:
    """Without mains nothing flows, relay or not."""
    outlet = Outlet(0.0, relay=None, piloted=False, car=car())
    outlet.mains.live = False
    assert outlet.advance(60) == 0


def test_time_does_not_run_backwards() -> None:
    """The past cannot be charged anew."""
    with pytest.raises(ValueError, match="backwards"):
        Outlet(100.0).advance(99.0)


def test_the_pilot_shows_the_car() -> None:
    """A without, B with, C while it draws (IEC 61851-1, table A.4)."""
    outlet = Outlet(0.0)
    shown = [outlet.pilot]
    outlet.car = car()
    shown.append(outlet.pilot)
    outlet.switch(True, 16)
    shown.append(outlet.pilot)
    assert shown == [PilotState.A, PilotState.B, PilotState.C]


@pytest.mark.parametrize(
    ("amperes", "duty"),
    [(6, 0.10), (10, 0.1667), (16, 0.2667), (32, 0.5333), (51, 0.85), (63, 0.892), (80, 0.96)],
)
def test_the_duty_cycle_is_the_standards(amperes: float, duty: float) -> None:
    """Table A.7 of IEC 61851-1, there and back."""
    assert duty_cycle(amperes) == pytest.approx(duty, abs=1e-3)
    assert offered_current(duty_cycle(amperes)) == pytest.approx(amperes)


def test_less_than_six_amperes_cannot_be_offered() -> None:
    """The pilot then carries no wave, and a car does not charge."""
    assert offered_current(duty_cycle(5.9)) == 0
    assert offered_current(0.05) == 0


def test_the_dht11_reads_whole_degrees_within_its_range() -> None:
    """0 to 50 °C and 20 to 90 %, warmest in the afternoon, warmer under load."""
    climate = Climate(temperature=18, swing=4)
    assert climate.read(15 * 3_600) == (22, 47)
    assert climate.read(3 * 3_600) == (14, 63)
    assert climate.read(15 * 3_600, 16) == (27, 47)
    assert Climate(temperature=80).read(0)[0] == 50
