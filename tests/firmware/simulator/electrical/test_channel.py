"""The measuring channels against theory, and their fast mode against their honest one."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable

import pytest

from firmware.simulator.electrical.channel import Channel
from firmware.simulator.electrical.converter import Converter
from firmware.simulator.electrical.hall import HallSensor
from firmware.simulator.electrical.mains import Mains
from firmware.simulator.electrical.transformer import CurrentTransformer
from firmware.simulator.electrical.waveform import Waveform
from firmware.simulator.unit.metering import (
    CLAMP,
    CONVERSIONS,
    CYCLES,
    HALL,
    Calibration,
    current_of,
    scaled,
    window_mean_square,
)

CURRENTS = (1.0, 2.0, 6.0, 10.0, 13.0)


def clamp(seed: int = 0, **sensor: float) -> Channel:
    """An SCT-013 on 10 bits."""
    return Channel(CurrentTransformer(**sensor), Converter(), random.Random(seed))


def hall(seed: int = 0, **sensor: float) -> Channel:
    """An ACS712 on 10 bits."""
    return Channel(HallSensor(**sensor), Converter(), random.Random(seed))


def sampled(channel: Channel, calibration: Calibration, amperes: float, temperature: float = 25.0) -> int:
    """mA as the unit gets them from one window of conversions."""
    codes = channel.codes(
        Waveform(amperes),
        Mains(),
        channel.randomness.uniform(0, 1),
        count=CYCLES * CONVERSIONS,
        rate=CONVERSIONS * 50,
        temperature=temperature,
    )
    return current_of(window_mean_square(codes), calibration)


def fast(channel: Channel, calibration: Calibration, amperes: float) -> int:
    """mA as the fast mode has them."""
    return current_of(scaled(channel.mean_square(amperes)), calibration)


@pytest.mark.parametrize("amperes", [*CURRENTS, 20.0, 32.0])
def test_the_clamp_is_within_one_percent_above_six_amperes(amperes: float) -> None:
    """Mean of many windows: 1 % from 6 A, 3 % from 1 A, as a calibrated unit must be."""
    channel = clamp()
    mean = statistics.mean(sampled(channel, CLAMP, amperes) for _ in range(40))
    assert mean / 1000 == pytest.approx(amperes, rel=0.01 if amperes >= 6 else 0.03)


@pytest.mark.parametrize("amperes", CURRENTS)
def test_the_hall_sensor_is_within_one_percent_from_one_ampere(amperes: float) -> None:
    """Mean of many windows, up to the current at which its output stage ends."""
    channel = hall()
    mean = statistics.mean(sampled(channel, HALL, amperes) for _ in range(40))
    assert mean / 1000 == pytest.approx(amperes, rel=0.01)


@pytest.mark.parametrize(
    ("make", "calibration", "absolute"), [(clamp, CLAMP, 40), (hall, HALL, 15)], ids=["clamp", "hall"]
)
@pytest.mark.parametrize("amperes", [0.0, *CURRENTS])
def test_the_fast_mode_stays_within_its_bounds(
    make: Callable[[int], Channel], calibration: Calibration, absolute: int, amperes: float
) -> None:
    """Each single honest window is within 0.6 % and the stated milliamperes of the fast value."""
    for seed in range(25):
        channel = make(seed)
        assert channel.linear(amperes)
        expected = fast(channel, calibration, amperes)
        assert abs(sampled(channel, calibration, amperes) - expected) <= 0.006 * expected + absolute


def test_the_fast_mode_is_exact_to_a_milliampere_on_average() -> None:
    """Months of history in fast mode carry no bias: mean of honest windows and fast value agree."""
    channel = clamp()
    mean = statistics.mean(sampled(channel, CLAMP, 10.0) for _ in range(300))
    assert mean == pytest.approx(fast(channel, CLAMP, 10.0), abs=5)


@pytest.mark.parametrize(("make", "calibration"), [(clamp, CLAMP), (hall, HALL)], ids=["clamp", "hall"])
def test_idle_channels_read_zero(make: Callable[[int], Channel], calibration: Calibration) -> None:
    """Without current neither mode ever shows any: an idle week must not add energy."""
    channel = make(1)
    assert fast(channel, calibration, 0.0) == 0
    assert {sampled(channel, calibration, 0.0) for _ in range(200)} == {0}


def test_a_drifting_centre_changes_nothing() -> None:
    """The Hall sensor's centre moves with temperature and age; each window takes its own mean out."""
    straight, aged = hall(3), hall(3, offset=0.04)
    cold = sampled(aged, HALL, 8.0, temperature=-10)
    assert cold == pytest.approx(sampled(straight, HALL, 8.0), abs=25)


def test_calibration_takes_a_gain_error_out() -> None:
    """A clamp 2 % off reads 2 % off until its gain is set from a known load."""
    channel = clamp(4, gain_error=0.02)
    assert fast(channel, CLAMP, 16.0) == pytest.approx(16_320, abs=10)
    own = Calibration.of(channel.sensitivity, 0.5, 150)
    assert fast(channel, own, 16.0) == pytest.approx(16_000, abs=10)


def test_the_hall_sensor_clips_where_it_says_it_does() -> None:
    """Above about 14 A RMS of a distorted current the output stage ends: no longer linear, and low."""
    channel = hall()
    assert not channel.linear(20.0)
    assert sampled(channel, HALL, 20.0) < 19_600
    assert clamp().linear(63.0)


def test_harmonics_count_as_they_heat() -> None:
    """RMS is of the whole waveform, not of its fundamental or its peak."""
    waveform = Waveform(10.0)
    squares = [waveform.at(Mains().angle(i / 50 / 1_000)) ** 2 for i in range(1_000)]
    assert statistics.mean(squares) ** 0.5 == pytest.approx(10.0, rel=1e-9)
    assert waveform.fundamental < 10.0 * 2**0.5
