"""The clamp: an SCT-013-000 current transformer over its burden (paper, Table 1: non-intrusive)."""

from __future__ import annotations

from dataclasses import dataclass

TURNS = 2_000
"""100 A in the conductor make 50 mA in the winding."""
SATURATION = 170.0
"""A instantaneous at which the core stops following: 20 % above the peak of the rated 100 A RMS."""


@dataclass(slots=True)
class CurrentTransformer:
    """An SCT-013-000 whose secondary current makes a voltage over `burden`, lifted to half the reference.

    The manufacturer states 1 to 2 % (paper, section 4.1.2); `gain_error` is this very clamp's, which
    calibration takes out.
    """

    burden: float = 33.0
    """Ω. 33 Ω gives 2.3 V peak at 100 A RMS: all of a 5 V converter. 22 Ω suits 3.3 V."""
    bias: float = 2.5
    """V, from a divider."""
    gain_error: float = 0.0
    """Fraction, such as 0.015."""
    noise: float = 0.000_5
    """V RMS."""

    @property
    def sensitivity(self) -> float:
        """V per ampere."""
        return self.burden / TURNS * (1 + self.gain_error)

    def centre(self, temperature: float) -> float:
        """V without current: the divider's, whatever the temperature."""
        return self.bias

    def output(self, current: float, temperature: float) -> float:
        """V for an instantaneous `current` in A."""
        return self.bias + self.sensitivity * max(-SATURATION, min(SATURATION, current))
