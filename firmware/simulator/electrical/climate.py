"""Temperature and humidity in a unit's box, and the DHT11 that reads them (paper, Table 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass

DAY = 86_400.0
HEATING = 0.02
"""°C per A² of load, settled: the relay's contacts and terminals."""


@dataclass(slots=True)
class Climate:
    """A daily course: warmest at three in the afternoon, and more humid when it is cooler."""

    temperature: float = 18.0
    """°C, mean of the day outside the box."""
    swing: float = 4.0
    """°C from the mean to the warmest."""
    humidity: float = 55.0
    """Percent, mean of the day."""

    def at(self, time: float, load: float = 0.0) -> tuple[float, float]:
        """°C and percent at `time` (Unix seconds) with `load` A flowing."""
        course = math.cos(math.tau * (time - 15 * 3_600) / DAY)
        warmth = self.temperature + self.swing * course + HEATING * load**2
        return warmth, max(0.0, min(100.0, self.humidity - 2 * self.swing * course))

    def read(self, time: float, load: float = 0.0) -> tuple[int, int]:
        """What a DHT11 shows: whole °C from 0 to 50 and whole percent from 20 to 90, its range."""
        temperature, humidity = self.at(time, load)
        return max(0, min(50, round(temperature))), max(20, min(90, round(humidity)))
