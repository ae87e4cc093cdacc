"""One socket with its unit wired up: the world moves the current, the unit moves the relay."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum

from firmware.simulator.electrical.channel import Channel
from firmware.simulator.electrical.outlet import Outlet
from firmware.simulator.electrical.transformer import CurrentTransformer
from firmware.simulator.electrical.waveform import Waveform
from firmware.simulator.unit.batch import NO_SESSION
from firmware.simulator.unit.eeprom import Eeprom
from firmware.simulator.unit.identity import Board, Identity
from firmware.simulator.unit.metering import (
    CLAMP,
    CONVERSIONS,
    CYCLES,
    Calibration,
    current_of,
    scaled,
    window_mean_square,
)
from firmware.simulator.unit.unit import Measurement, Output, Unit

CLIMATE_PERIOD = 60.0
"""Seconds between two readings of the DHT11, which warms itself when it is asked too often."""


class Metering(Enum):
    """How a unit's measurement is had."""

    SAMPLED = "every conversion of a window along the waveform"
    FAST = "the mean square that such a window has on average"


@dataclass(frozen=True, slots=True)
class Oscillator:
    """The board's own clock."""

    drift: float = 0.0
    """Parts per million that it is fast."""

    def milliseconds(self, seconds: float) -> int:
        """What it counts in so many true seconds."""
        return round(seconds * 1_000 * (1 + self.drift * 1e-6))

    def seconds(self, milliseconds: float) -> float:
        """True seconds for what it counts."""
        return milliseconds / 1_000 / (1 + self.drift * 1e-6)


@dataclass(slots=True)
class Installation:
    """An outlet, its sensor, and the unit between them. `step` runs all of it to a moment in Unix seconds."""

    outlet: Outlet
    identity: Identity
    memory: Eeprom = field(default_factory=Eeprom)
    board: Board = field(default_factory=Board)
    channel: Channel = field(default_factory=lambda: Channel(CurrentTransformer()))
    calibration: Calibration = CLAMP
    metering: Metering = Metering.FAST
    oscillator: Oscillator = field(default_factory=Oscillator)
    unit: Unit | None = None
    """None while the unit has no power."""
    _started: float = 0.0
    _switched: tuple[bool, int] | None = None
    """What the outlet was last told."""
    _climate: tuple[float, int, int] = (-math.inf, 0, 0)
    """When the DHT11 was last read, and what it showed."""
    _last: Measurement | None = None
    _last_current: float = -1.0

    def power_up(self, *, reset_held: bool = False) -> None:
        """Give the unit power. Raises PowerCut where the EEPROM's supply is set to fail."""
        self.outlet.mains.live = True
        self._started = self.outlet.time
        self.unit = Unit(self.identity, self.memory, self.board, reset_held=reset_held)

    def power_cut(self) -> None:
        """Take the supply away, from the unit and from the socket."""
        self.unit = None
        self.outlet.mains.live = False
        self.outlet.switch(False, 0)
        self._switched = self._last = None

    def step(
        self,
        time: float,
        *,
        command: bytes | None = None,
        configuration: bytes | None = None,
        tag: bytes | None = None,
    ) -> Output:
        """Run to `time` (Unix seconds, not before the last) and give the unit what came.

        Raises PowerCut; the unit then has no power until `power_up`, RuntimeError without power."""
        current = self.outlet.advance(time)
        if self.unit is None:
            raise RuntimeError("the unit has no power")
        try:
            output = self.unit.step(
                self.oscillator.milliseconds(time - self._started),
                self._measurement(current),
                command=command,
                configuration=configuration,
                tag=tag,
            )
        except BaseException:
            self.power_cut()
            raise
        if (output.closed, output.limit) != self._switched:
            self._switched = output.closed, output.limit
            self.outlet.switch(output.closed, output.limit / 10)
        return output

    @property
    def due(self) -> float:
        """The next moment in Unix seconds at which a step is needed though nothing comes from outside."""
        return self._time(math.inf if self.unit is None else self.unit.due)

    @property
    def due_to_report(self) -> float:
        """The next moment at which the unit may have something to say, if nothing comes from outside.

        `catch_up` to it takes the samples in between."""
        if self.unit is None:
            return math.inf
        car = self.outlet.car
        current = self.outlet.current
        if car is None or current == 0:
            # A vehicle that has just stopped drawing is complete only some samples later.
            quiet = self.unit.session == NO_SESSION or self.unit.complete or not self.outlet.conducting
            return self._time(self.unit.due_but_samples if quiet else self.unit.due)
        full = self.outlet.time + car.time_to_full(self.outlet.mains.present, self.outlet.offered)
        return min(full, self._time(self.unit.due_but_samples))

    def catch_up(self, time: float) -> list[bytes]:
        """Take every step that is due before `time`; the batches that came of it, none if `time` is at most
        `due_to_report`."""
        batches = []
        while (due := self.due) < time:
            batches += self.step(due).batches
        return batches

    def _time(self, milliseconds: float) -> float:
        if milliseconds == math.inf:
            return math.inf
        return self._started + self.oscillator.seconds(milliseconds)

    def _measurement(self, current: float) -> Measurement:
        read_at, temperature, humidity = self._climate
        if not 0 <= self.outlet.time - read_at < CLIMATE_PERIOD:
            temperature, humidity = self.outlet.climate.read(self.outlet.time, current)
            self._climate = self.outlet.time, temperature, humidity
        connected = self.outlet.car is not None if self.board.piloted else None
        last = self._last
        if (
            last is not None
            and self.metering is Metering.FAST
            and current == self._last_current
            and (connected, temperature, humidity) == (last.connected, last.temperature, last.humidity)
        ):
            # In fast mode equal currents have equal readings, and most minutes are like the one before.
            return last
        self._last_current = current
        self._last = Measurement(
            self._measured(current, float(temperature)), connected, temperature, humidity
        )
        return self._last

    def _measured(self, current: float, temperature: float) -> int:
        if self.metering is Metering.FAST and self.channel.linear(current, temperature):
            mean_square = scaled(self.channel.mean_square(current))
        else:
            mains = self.outlet.mains
            codes = self.channel.codes(
                Waveform(current),
                mains,
                self.outlet.time,
                count=CYCLES * CONVERSIONS,
                rate=CONVERSIONS * mains.frequency,
                temperature=temperature,
            )
            mean_square = window_mean_square(codes)
        return current_of(mean_square, self.calibration)
