"""The Hall sensor: an ACS712-20A in series with the load (paper, Table 1: intrusive)."""

from __future__ import annotations

from dataclasses import dataclass

SENSITIVITY = 0.100
"""V per ampere at 25 °C and 5 V (Allegro ACS712 data sheet, x20A performance)."""
CENTRE = 2.5
COLD_SLOPE = -0.000_34
"""V per °C of the centre below 25 °C (data sheet, zero current output slope)."""
WARM_SLOPE = -0.000_07
"""V per °C of the centre above 25 °C."""
RAIL = (0.1, 4.9)
"""V between which the output stage can swing: ±24 A, so a sine is true up to 17 A RMS."""


@dataclass(slots=True)
class HallSensor:
    """An ACS712-20A on 5 V: 100 mV per ampere around a centre that drifts with temperature and age."""

    gain_error: float = 0.0
    """Fraction; the data sheet's total error is ±1.5 %."""
    offset: float = 0.0
    """V by which this very sensor's centre is off at 25 °C; grows with age."""
    noise: float = 0.001_7
    """V RMS: the data sheet's 11 mV peak to peak (47 nF filter) over 6.6."""

    @property
    def sensitivity(self) -> float:
        """V per ampere."""
        return SENSITIVITY * (1 + self.gain_error)

    def centre(self, temperature: float) -> float:
        """V without current at `temperature` °C."""
        slope = COLD_SLOPE if temperature < 25 else WARM_SLOPE
        return CENTRE + self.offset + slope * (temperature - 25)

    def output(self, current: float, temperature: float) -> float:
        """V for an instantaneous `current` in A at `temperature` °C."""
        low, high = RAIL
        return max(low, min(high, self.centre(temperature) + self.sensitivity * current))
