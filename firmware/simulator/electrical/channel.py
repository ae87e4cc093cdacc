"""One measuring channel: a sensor on a converter, as codes or as what the codes' mean square comes to."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from firmware.simulator.electrical.converter import Converter
from firmware.simulator.electrical.mains import Mains
from firmware.simulator.electrical.sensor import CurrentSensor
from firmware.simulator.electrical.waveform import Waveform

QUANTISATION = 1 / 12
"""Codes²: the variance that rounding to whole codes adds."""
CREST = 1.7
"""Peak over RMS that a waveform may have without clipping; a sine has 1.41."""


@dataclass(slots=True)
class Channel:
    """A current sensor on a converter.

    `codes` is the honest way: one conversion after another along the waveform, each with its own noise.
    `mean_square` is the fast way for months of history: the value that the codes' variance has on
    average. `tests/firmware/simulator/electrical/test_channel.py` holds the two to each other: after
    the unit's own arithmetic (`unit/metering.py`) they differ by at most 0.6 % of the current plus 40 mA
    with the clamp on 10 bits, and 0.6 % plus 15 mA with the Hall sensor, wherever `linear` says so.
    """

    sensor: CurrentSensor
    converter: Converter = field(default_factory=Converter)
    randomness: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - noise

    def codes(
        self,
        waveform: Waveform,
        mains: Mains,
        time: float,
        *,
        count: int,
        rate: float,
        temperature: float = 25.0,
    ) -> list[int]:
        """`count` codes at `rate` conversions a second, the first at `time` seconds."""
        noise = self.noise
        gauss, output, code = self.randomness.gauss, self.sensor.output, self.converter.code
        return [
            code(output(waveform.at(mains.angle(time + i / rate)), temperature), gauss(0.0, noise))
            for i in range(count)
        ]

    def mean_square(self, rms: float) -> float:
        """Codes²: the variance that the codes of a current of `rms` A have on average, noise and all."""
        return (rms * self.sensitivity) ** 2 + self.noise**2 + QUANTISATION

    def linear(self, rms: float, temperature: float = 25.0) -> bool:
        """Whether a current of `rms` A stays where sensor and converter follow it."""
        swing = CREST * rms * self.sensor.sensitivity
        centre = self.sensor.centre(temperature)
        peak = self.sensor.output(CREST * rms, temperature) - centre
        room = min(centre, self.converter.reference - centre)
        return swing <= room and math.isclose(peak, swing, rel_tol=1e-9, abs_tol=1e-12)

    @property
    def sensitivity(self) -> float:
        """Codes per ampere."""
        return self.sensor.sensitivity / self.converter.step

    @property
    def noise(self) -> float:
        """Codes RMS, of sensor and converter together."""
        return math.hypot(self.converter.noise, self.sensor.noise / self.converter.step)
