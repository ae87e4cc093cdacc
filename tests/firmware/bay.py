"""A socket with a board, a car and the electrical truth: the board in its simulator, the current from
firmware/simulator/electrical."""

from __future__ import annotations

import struct
from typing import Protocol

from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car
from firmware.simulator.electrical.outlet import Outlet
from tests.firmware.avr.tag_reader import TagReader
from tests.firmware.avr.uno import Uno
from tests.firmware.station import Station

MAXIMUM = 16.0
"""A that every socket here can carry."""
_SLICE = 0.05
"""Seconds for which a simulated Uno sees one current."""


class Bay(Protocol):
    """One socket. A second passes as `begin`, then `finish`; boards in other processes work meanwhile."""

    board: str
    outlet: Outlet
    piloted: bool
    """Whether the board sees when a car is plugged in (IEC 61851-1)."""

    def plug(self, car: Car | None) -> None:
        """Plug a car in, or pull it out."""

    def closed(self) -> bool:
        """Whether the relay is closed."""

    def tap(self, tag: bytes) -> None:
        """Hold a tag with this id to the reader."""

    def take_tag_away(self) -> None:
        """Nothing is held to the reader any more."""

    def begin(self) -> None: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


def constant_load(amperes: float) -> Car:
    """What draws the same current for as long as it is given power."""
    return Car(Battery(10**9, 0.0), rated=amperes, taper=0, least=amperes)


def nearly_full(amperes: float, missing: float) -> Car:
    """A car that draws `amperes` at first, falls to 2 A, and is full after `missing` Wh."""
    return Car(Battery(missing, 0.0), rated=amperes, taper=missing / 2, least=2.0, efficiency=1.0)


class BenchBay:
    """A board whose sensors and relay are on a bench: on the host or in QEMU."""

    piloted = True

    def __init__(self, station: Station) -> None:
        self.board = station.board
        self.station = station
        self.outlet = Outlet(0.0, piloted=False)
        self._passed = 0

    def plug(self, car: Car | None) -> None:
        self.outlet.car = car
        self.station.bench.send(struct.pack("<cB", b"P", car is not None))

    def closed(self) -> bool:
        return self.station.bench.relay

    def tap(self, tag: bytes) -> None:
        self.station.bench.send(struct.pack("<cB", b"T", len(tag)) + tag)

    def take_tag_away(self) -> None:
        """A bench's tag is read once."""

    def begin(self) -> None:
        self._passed += 1
        self.outlet.switch(self.closed(), MAXIMUM)
        self.station.bench.start_second(round(self.outlet.advance(self._passed), 3))

    def finish(self) -> None:
        self.station.bench.settle()

    def close(self) -> None:
        self.station.close()


class UnoBay:
    """An Uno with a shield in libsimavr. It has no pilot."""

    board = "uno"
    piloted = False

    def __init__(self, uno: Uno) -> None:
        self.uno = uno
        self.outlet = Outlet(0.0, piloted=False)
        self._passed = 0.0
        self._reader: TagReader | None = None

    def plug(self, car: Car | None) -> None:
        self.outlet.car = car

    def closed(self) -> bool:
        return self.uno.closed()

    def tap(self, tag: bytes) -> None:
        self._reader = TagReader(self.uno, tag)

    def take_tag_away(self) -> None:
        if self._reader is not None:
            self._reader.remove()

    def begin(self) -> None:
        for _ in range(round(1 / _SLICE)):
            self._passed += _SLICE
            self.outlet.switch(self.closed(), MAXIMUM)
            self.uno.current(self.outlet.advance(self._passed))
            self.uno.run(_SLICE)

    def finish(self) -> None:
        """Everything has happened in `begin`."""

    def close(self) -> None:
        """Nothing of it is outside this process."""
