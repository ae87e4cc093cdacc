"""The same unit on the computer and on two Cortex-M boards in QEMU, through real sockets."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaincode.signing.batch import Flag, Reason
from tests.firmware.gateway import NOON, Gateway, identity
from tests.firmware.station import GAIN, LOOPBACK, NOISE, Server, Station

pytestmark = [pytest.mark.firmware, pytest.mark.slow]
IMAGES = {
    "posix": ("posix", "condocharge-unit-sanitized"),
    "mps2": ("mps2", "condocharge-mps2.elf"),
    "lm3s": ("lm3s", "condocharge-lm3s.elf"),
}
BUDGETS = {"mps2": (96 * 1024, 48 * 1024), "lm3s": (96 * 1024, 48 * 1024)}
"""Bytes of flash and RAM (data and zeros, without stack) that an image may take."""


PATIENCE = 120.0


@dataclass
class Site:
    station: Station
    server: Server
    gateway: Gateway

    def run(self, seconds: int, amperes: float = 0.0) -> None:
        for _ in range(seconds):
            self.station.bench.second(amperes)
            self.gateway.public_key = self.station.bench.public_key

    def until(self, condition: Callable[[], bool], amperes: float = 0.0) -> None:
        """Let the unit's time pass. The network's is real time, so patience is counted in that."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, "it never came to be"
            self.run(1, amperes)
            time.sleep(0.01)

    def ended(self) -> bool:
        return any(Flag.END in b.flags for b in self.gateway.batches)


@pytest.fixture(params=["posix", "mps2", "lm3s"])
def site(request: pytest.FixtureRequest, image: Callable[[str, str], Path], tmp_path: Path) -> Iterator[Site]:
    """A provisioned board without a key of its own, and its gateway."""
    board = str(request.param)
    host = LOOPBACK[board]
    made: Site
    gateway = Gateway(
        "ed25519", clock=lambda: NOON + made.station.bench.passed, server=host, time_server=host
    )
    server = Server(gateway)
    storage = identity(
        "ed25519", gain=GAIN, noise=NOISE, starting=100, hold=0, port=gateway.port, server=host
    )
    station = Station(board, image(*IMAGES[board]), tmp_path, storage)
    made = Site(station, server, gateway)
    yield made
    station.close()
    server.close()


def test_session(site: Site) -> None:
    """A board makes its key, is configured, charges, loses power, goes on, and ends: each byte checked, the
    energy exact, the key the same after the cut."""
    site.station.power()
    site.until(lambda: len(site.gateway.stored) >= 2)
    key = site.station.bench.public_key
    assert len(key) == 32
    site.gateway.on()
    site.until(lambda: site.station.bench.relay)
    site.run(90, 10.0)
    before = site.gateway.batches[-1].register
    site.station.cut()
    site.station.power()
    site.until(lambda: site.station.bench.relay, amperes=10.0)
    assert site.station.bench.public_key == key
    site.run(60, 10.0)
    site.gateway.end()
    site.until(site.ended, amperes=10.0)
    end = next(b for b in site.gateway.batches if Flag.END in b.flags)
    assert end.reason == Reason.COMMAND
    assert end.register >= before
    period = 10 * 230 * (site.gateway.sampling + 1) / 3.6
    assert site.station.bench.energy * 0.995 - period <= end.register <= site.station.bench.energy * 1.005
    assert sum(Flag.BEGIN in b.flags for b in site.gateway.batches) == 1
    assert not [r for r in site.server.refused if "not authentic" not in r]


@pytest.mark.parametrize("board", ["mps2", "lm3s"])
def test_it_fits(board: str, image: Callable[[str, str], Path]) -> None:
    """Flash and RAM stay within the budget."""
    sizes = subprocess.run(
        ["arm-none-eabi-size", image(*IMAGES[board])], check=True, capture_output=True, text=True
    ).stdout
    text, data, zeros = (int(word) for word in sizes.splitlines()[1].split()[:3])
    flash, ram = BUDGETS[board]
    assert text + data <= flash
    assert data + zeros <= ram
