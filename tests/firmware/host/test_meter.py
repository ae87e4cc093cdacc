"""The meter against currents whose true RMS is known: accuracy, drift of the rest, nothing when idle."""

from __future__ import annotations

import math

import pytest

from tests.firmware.host.core import Core

pytestmark = pytest.mark.firmware
RATE = 2000
COUNT_VOLTS = 5.0 / 1024
SCT_GAIN = round(COUNT_VOLTS / 33 * 2000 * 1000 * 256)
"""SCT-013-000 (2,000 turns) over 33 Ω into a 10-bit converter of 5 V: mA per count, in 1/256."""
ACS_GAIN = round(COUNT_VOLTS / 0.100 * 1000 * 256)
"""ACS712-20A, 100 mV/A."""
QUANTISATION = round(256 / 12)


def _measure(
    core: Core, gain: int, amperes: float, *, noise_counts: float = 0.4, centre: float = 511.3,
    drift: float = 0.0, hertz: float = 50.0, seconds: int = 60,
) -> float:  # fmt: skip
    """Energy in mWh that the meter counts at 230 V."""
    noise = round((noise_counts**2 + 1 / 12) * 256)
    core.c.harness_meter(gain, noise, 200, 0)
    peak = amperes * math.sqrt(2) * 1000 * 256 / gain
    core.c.harness_meter_windows(
        seconds, RATE, round(peak * 65536), round(hertz * 1000), round(centre * 65536), round(drift * 65536),
        round(noise_counts * 65536), 2300,
    )  # fmt: skip
    return float(core.c.harness_meter_energy())


@pytest.mark.parametrize("hertz", [49.5, 50.0, 50.5, 60.0])
@pytest.mark.parametrize("amperes", [6.0, 8.0, 10.0, 13.0, 16.0, 20.0, 32.0])
def test_sct013_within_one_percent(core: Core, amperes: float, hertz: float) -> None:
    """From 6 A on energy is within 1 % of the truth, at any mains frequency there is."""
    truth = amperes * 230 * 60 / 3.6
    assert _measure(core, SCT_GAIN, amperes, hertz=hertz) == pytest.approx(truth, rel=0.01)


@pytest.mark.parametrize("amperes", [1.0, 1.5, 2.0, 3.0, 4.5])
def test_sct013_within_three_percent(core: Core, amperes: float) -> None:
    """Down to 1 A, a few counts of a 10-bit converter, energy is within 3 %."""
    truth = amperes * 230 * 60 / 3.6
    assert _measure(core, SCT_GAIN, amperes) == pytest.approx(truth, rel=0.03)


@pytest.mark.parametrize("amperes", [0.5, 1.0, 6.0, 10.0, 14.0])
def test_acs712_within_one_percent(core: Core, amperes: float) -> None:
    """The ACS712 gives six times the counts for an ampere: within 1 % from 1 A, 3 % at half an ampere."""
    truth = amperes * 230 * 60 / 3.6
    assert _measure(core, ACS_GAIN, amperes, noise_counts=1.5) == pytest.approx(
        truth, rel=0.01 if amperes >= 1 else 0.03
    )


@pytest.mark.parametrize("drift", [-60.0, 60.0])
def test_drift_of_the_centre_costs_nothing(core: Core, drift: float) -> None:
    """The ACS712's rest may wander by 0.3 V in an hour: the variance doesn't see it."""
    truth = 6.0 * 230 * 3600 / 3.6
    energy = _measure(core, ACS_GAIN, 6.0, noise_counts=1.5, drift=drift, seconds=3600)
    assert energy == pytest.approx(truth, rel=0.01)


@pytest.mark.parametrize(("gain", "noise"), [(SCT_GAIN, 0.4), (ACS_GAIN, 2.0)])
def test_no_energy_in_an_idle_week(core: Core, gain: int, noise: float) -> None:
    """A week without current, with noise and a wandering rest, counts not a single mWh."""
    core.c.harness_meter(gain, round((noise**2 + 1 / 12) * 256), 200, 1234)
    core.c.harness_meter_windows(
        604_800, 100, 0, 50_000, round(511.5 * 65536), 8 * 65536, round(noise * 65536), 2300
    )
    assert core.c.harness_meter_energy() == 1234


def test_register_has_no_lost_remainder(core: Core) -> None:
    """A small current for long counts as much as it should: what is below a mWh is carried over."""
    assert _measure(core, ACS_GAIN, 0.3, noise_counts=0.5, seconds=36_000) == pytest.approx(
        0.3 * 230 * 36_000 / 3.6, rel=0.03
    )


@pytest.mark.parametrize(
    "value", [0, 1, 2, 3, 4, 15, 16, 17, 2**31, 2**32 - 1, 2**32, 2**53 + 1, 2**63, 2**64 - 1]
)
def test_square_root(core: Core, value: int) -> None:
    """The integer square root is the mathematical one, rounded down."""
    assert core.c.square_root(value) == math.isqrt(value)
