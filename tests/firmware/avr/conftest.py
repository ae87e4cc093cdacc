"""A simulated Uno at the socket of a building with a gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.firmware.avr.network import GATEWAY, ROUTER, Building
from tests.firmware.avr.uno import Uno
from tests.firmware.gateway import NOON, Gateway, identity

UNIT = 7


@dataclass
class Station:
    """Board, building and gateway, and the electrical truth."""

    uno: Uno
    building: Building
    gateway: Gateway
    energy: float = 0.0
    """Wh that truly flowed."""
    passed: float = 0.0

    def now(self) -> float:
        return NOON + self.passed

    def run(self, seconds: float, amperes: float = 0.0) -> None:
        """Let time pass; `amperes` flow while the relay is closed, as it moves."""
        left = seconds
        while left > 1e-9:
            step = min(left, 0.05)
            flowing = amperes if self.uno.closed() else 0.0
            self.uno.current(flowing)
            self.uno.run(step)
            self.energy += flowing * 230 * step / 3600
            self.passed += step
            left -= step

    def until(self, condition: Callable[[], bool], most: float, amperes: float = 0.0) -> None:
        """Let time pass until something is so. Raises AssertionError after `most` seconds."""
        begin = self.passed
        while not condition():
            assert self.passed - begin < most, "it never came to be"
            self.run(0.25, amperes)


def storage(server: str = GATEWAY, unit: int = 0xFFFF, *, gain: int = 75_753, noise: int = 21) -> bytes:
    """An EEPROM fresh from provisioning: the unit's number is on its switches."""
    image = identity("mac", server=server, unit=unit, gain=gain, noise=noise)
    return image + b"\xff" * (1024 - len(image))


def make_station(library: Path, program: Path) -> Station:
    """A board with power that has never been configured."""
    made: Station
    gateway = Gateway(
        "mac", clock=lambda: int(made.now()), unit=UNIT, server=GATEWAY, time_server=ROUTER, sampling=5
    )
    building = Building(gateway, now=lambda: float(made.now()))
    made = Station(Uno(library, program, storage(), building), building, gateway)
    return made


@pytest.fixture
def station(image: Callable[[str, str], Path]) -> Station:
    """A board with power that has never been configured."""
    return make_station(image("uno-simulator", "libuno.so"), image("uno", "condocharge-uno-w5100.elf"))


@pytest.fixture
def running(station: Station) -> Station:
    """The same, configured and with the time set."""
    station.until(lambda: len(station.gateway.stored) >= 2, most=30)
    return station
