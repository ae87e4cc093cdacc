"""The car's charge curve."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car

VOLTAGE = 230.0
cars = st.builds(
    lambda capacity, fill, rated, taper, least: Car(
        Battery(capacity, capacity * fill), rated, taper, min(least, rated)
    ),
    st.floats(100, 80_000),
    st.floats(0, 1),
    st.floats(1, 32),
    st.just(0.0) | st.floats(1, 10_000),
    st.floats(0.5, 6),
)
offers = st.one_of(st.just(math.inf), st.floats(0.5, 40))


@given(cars, offers, st.lists(st.floats(0, 7_200), max_size=20))
def test_many_steps_are_one(car: Car, offered: float, steps: list[float]) -> None:
    """Charging in pieces draws what charging at once draws: the curve is solved, not stepped."""
    twin = Car(Battery(car.battery.capacity, car.battery.stored), car.rated, car.taper, car.least)
    pieces = sum(car.charge(step, VOLTAGE, offered) for step in steps)
    assert pieces == pytest.approx(twin.charge(sum(steps), VOLTAGE, offered), rel=1e-6, abs=1e-4)


@given(cars, offers)
def test_it_is_full_when_it_says_so(car: Car, offered: float) -> None:
    """After `time_to_full` nothing is wanted, and shortly before something is."""
    wants = car.wants
    seconds = car.time_to_full(VOLTAGE, offered)
    assert car.charge(seconds * 0.99, VOLTAGE, offered) <= wants + 1e-6
    assert wants < 0.01 or car.wants > 0
    car.charge(seconds * 0.01 + 1, VOLTAGE, offered)
    assert car.wants == 0
    assert car.current(offered) == 0


@given(cars, offers, st.floats(0, 100_000))
def test_it_never_draws_more_than_offered_or_rated(car: Car, offered: float, seconds: float) -> None:
    """Mean and momentary current stay below both limits."""
    highest = min(offered, car.rated)
    assert car.current(offered) <= highest
    assert car.charge(seconds, VOLTAGE, offered) <= highest * VOLTAGE * seconds / 3_600 * (1 + 1e-9) + 1e-6


def test_the_current_falls_towards_the_end() -> None:
    """Constant, then in proportion to what is missing, then the least, then nothing."""
    car = Car(Battery(24_000, 24_000 - 1_500), rated=16, taper=1_500, least=2, efficiency=1)
    currents = []
    for _ in range(6):
        currents.append(car.current())
        car.charge(600, VOLTAGE)
    assert currents[0] == 16
    assert currents == sorted(currents, reverse=True)
    assert car.charge(36_000, VOLTAGE) > 0
    assert car.current() == 0


def test_without_offer_it_draws_nothing() -> None:
    """An open relay or a pilot without duty cycle stops it."""
    car = Car(Battery(24_000, 0))
    assert car.charge(3_600, VOLTAGE, 0) == 0
    assert car.time_to_full(VOLTAGE, 0) == math.inf


def test_senseless_cars_are_refused() -> None:
    """A curve that never ends, or a battery fuller than full."""
    with pytest.raises(ValueError, match="least"):
        Car(Battery(1, 0), rated=1, least=2)
    with pytest.raises(ValueError, match="taper"):
        Car(Battery(1, 0), taper=-1)
    with pytest.raises(ValueError, match="capacity"):
        Battery(1, 2)
