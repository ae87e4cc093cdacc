"""From converter codes to mA, and from mA to the energy register, in integers as an 8-bit board does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

_SCALE = 16
"""Bits after the binary point of a mean square."""
_UNITS_PER_MWH = 36_000_000
"""mA times tenths of a volt times ms in one mWh: 1 mWh is 3.6 J, and the product counts 10⁻⁷ J."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Constants that belong to one board and its sensor, found with a known load and kept in EEPROM."""

    gain: int
    """µA per code."""
    noise: int
    """Mean square of the codes without current, in 2⁻¹⁶ codes²: subtracted from every window."""
    least: int
    """mA below which a reading is 0: what noise could still pretend to be."""

    @classmethod
    def of(cls, sensitivity: float, noise: float, least: int) -> Calibration:
        """From codes per ampere and codes RMS of noise, rounding of the converter included."""
        return cls(round(1_000_000 / sensitivity), round(noise**2 * (1 << _SCALE)), least)


CLAMP = Calibration.of(
    33 / 2_000 / (5 / 1_024), ((0.4**2 + (0.000_5 / (5 / 1_024)) ** 2) + 1 / 12) ** 0.5, 150
)
"""An exact SCT-013-000 over 33 Ω on 10 bits of 5 V."""
HALL = Calibration.of(0.1 / (5 / 1_024), ((0.4**2 + (0.001_7 / (5 / 1_024)) ** 2) + 1 / 12) ** 0.5, 80)
"""An exact ACS712-20A on 10 bits of 5 V."""

CYCLES = 10
"""Mains cycles in a window: 200 ms at 50 Hz (IEC 61000-4-30, section 4.4)."""
CONVERSIONS = 64
"""In a cycle: 3,200 a second, well within an ATmega328P's 9,600."""


def window_mean_square(codes: Sequence[int]) -> int:
    """The variance of a window of whole cycles, in 2⁻¹⁶ codes².

    The window's own mean is taken out exactly (n·Σd² − (Σd)²), so that a sensor's centre may drift
    between windows. `d` counts from the first code to keep the sums within 32 bits on small boards.
    """
    count, start = len(codes), codes[0]
    total = sum(code - start for code in codes)
    squares = sum((code - start) ** 2 for code in codes)
    return ((count * squares - total * total) << _SCALE) // (count * count)


def current_of(mean_square: int, calibration: Calibration) -> int:
    """mA for a mean square in 2⁻¹⁶ codes², noise taken out; 0 below the calibration's least."""
    root = isqrt(max(0, mean_square - calibration.noise))
    current = (root * calibration.gain + 128_000) // 256_000
    return current if current >= calibration.least else 0


def scaled(mean_square: float) -> int:
    """A mean square in codes² as `current_of` takes it."""
    return round(mean_square * (1 << _SCALE))


class EnergyRegister:
    """Cumulative energy: never falls, and no fraction of a mWh is lost while the board has power."""

    __slots__ = ("_fraction", "energy")

    def __init__(self, energy: int = 0) -> None:
        self.energy = energy
        """mWh."""
        self._fraction = 0

    def add(self, current: int, voltage: int, milliseconds: int) -> None:
        """Count `current` mA at `voltage` tenths of a volt for so long."""
        whole, self._fraction = divmod(self._fraction + current * voltage * milliseconds, _UNITS_PER_MWH)
        self.energy += whole
