"""A socket where nothing charges counts nothing: a week of the whole program on a computer, an hour of the
images of other boards, with a sensor that is noisy and whose rest wanders."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware.provisioning.image import SENSORS, nominal
from tests.firmware.avr.conftest import make_station, storage
from tests.firmware.bench import RATE
from tests.firmware.site import IMAGES, Site, provisioned

pytestmark = [pytest.mark.firmware, pytest.mark.slow]
Image = Callable[[str, str], Path]
HOUR = 3_600
WEEK = 7 * 24 * HOUR
_EARLY = 10
"""Seconds before the full hour, at which the unit is heard, up to which time is given at once."""
_CHUNK = 5
"""Then so many, less than the unit's patience for an answer."""
_SETTLED = 300
"""Seconds in which a unit that was heard has the time and talks no more."""
_NOISE_COUNTS = 1.2
_WANDER_COUNTS = 40.0
"""Of 4,096, in a day and back."""
_FRAMES = 480


def _idle_seconds() -> list[bytes]:
    """Frames of a second's conversions each, all different, while the sensor's rest goes up and down once."""
    chance = random.Random(11)
    frames = []
    for step in range(_FRAMES):
        centre = 2_047.4 + _WANDER_COUNTS * math.sin(math.tau * step / _FRAMES)
        counts = [round(chance.gauss(centre, _NOISE_COUNTS)) for _ in range(RATE)]
        frames.append(struct.pack(f"<cH{RATE}H", b"W", RATE, *counts))
    return frames


class Idle:
    """Time that passes at a board on a bench, without current."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._frames = _idle_seconds()
        self._chance = random.Random(5)

    def pass_time(self, seconds: int) -> None:
        """With what the sensor shows at this time of the day, in any order; then wait for the talk's end."""
        bench = self.site.station.bench
        step = bench.passed * _FRAMES // (24 * HOUR)
        near = [self._frames[(step + i) % _FRAMES] for i in range(8)]
        bench.send(b"".join(self._chance.choices(near, k=seconds)))
        bench.passed += seconds
        bench.settle()

    def hour(self) -> None:
        """To the batch of the next full hour."""
        left = HOUR - self.site.station.bench.passed % HOUR
        self.pass_time(max(left - _EARLY, _CHUNK))
        stored = len(self.site.gateway.stored)
        for _ in range(HOUR // _CHUNK):
            self.pass_time(_CHUNK)
            if len(self.site.gateway.stored) > stored:
                return
        raise AssertionError(f"it is not heard: {self.site.server.refused}")


def _begin(site: Site) -> Idle:
    site.gateway.transmission, site.gateway.sampling = HOUR, HOUR // 6
    site.station.power()
    site.until(lambda: bool(site.gateway.stored))
    idle = Idle(site)
    for _ in range(_SETTLED // _CHUNK):
        idle.pass_time(_CHUNK)
    return idle


def _check(site: Site) -> None:
    batches = site.gateway.batches
    assert len(batches) >= site.station.bench.passed // HOUR
    assert {batch.register for batch in batches} == {0}
    # Samples are taken where something flows: none is.
    assert not any(batch.samples for batch in batches)
    assert {batch.boot for batch in batches} == {1}
    assert abs(batches[-1].time - site.gateway.clock()) <= 4 * _CHUNK
    # Before the gateway knew the key that the unit made.
    assert not [refusal for refusal in site.server.refused if "not authentic" not in refusal]


def test_a_week_on_a_computer(image: Image, tmp_path: Path) -> None:
    """Not a mWh, no sample, the clock right; a car after it is measured as ever."""
    with provisioned("posix", image("posix", "condocharge-unit"), tmp_path) as site:
        idle = _begin(site)
        while site.station.bench.passed < WEEK:
            idle.hour()
        _check(site)
        site.gateway.on()
        site.until(lambda: site.station.bench.relay)
        site.run(60, 6.0)
        assert site.station.bench.register == pytest.approx(site.station.bench.energy, rel=0.01)


@pytest.mark.soak
@pytest.mark.parametrize("board", ["mps2", "lm3s"])
def test_an_hour_on_a_cortex(board: str, image: Image, tmp_path: Path) -> None:
    """The same conversions on the boards in QEMU."""
    with provisioned(board, image(*IMAGES[board]), tmp_path) as site:
        idle = _begin(site)
        while site.station.bench.passed < HOUR + 2 * _CHUNK:
            idle.pass_time(_CHUNK)
        _check(site)


@pytest.mark.soak
@pytest.mark.parametrize("sensor", ["sct013", "acs712"])
def test_an_hour_on_an_uno(image: Image, sensor: str) -> None:
    """Instruction by instruction, on either sensor, whose rest goes up and down by 20 counts."""
    station = make_station(image("uno-simulator", "libuno.so"), image("uno", "condocharge-uno-w5100.elf"))
    station.uno.sensor = sensor
    gain, noise = nominal(SENSORS[sensor], 10)
    station.uno.power(storage(gain=gain, noise=noise))
    station.until(lambda: len(station.gateway.stored) >= 2, most=30)
    for second in range(HOUR):
        station.uno.current(0.0, centre=511.3 + 10 * math.sin(math.tau * second / HOUR))
        station.uno.run(1.0)
        station.passed += 1.0
    assert len(station.gateway.stored) >= HOUR // station.gateway.transmission
    assert {batch.register for batch in station.gateway.batches} == {0}
    assert not station.uno.closed()
