"""A board in a process of its own, provisioned without a key, and the tests' gateway."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chaincode.signing.batch import Flag
from tests.firmware.gateway import NOON, Gateway, identity
from tests.firmware.station import GAIN, LOOPBACK, NOISE, Server, Station

IMAGES = {
    "posix": ("posix", "condocharge-unit-sanitized"),
    "mps2": ("mps2", "condocharge-mps2.elf"),
    "lm3s": ("lm3s", "condocharge-lm3s.elf"),
}
PATIENCE = 120.0
"""Real seconds: the boards' network has its own time."""


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


@contextmanager
def provisioned(board: str, image: Path, folder: Path) -> Iterator[Site]:
    """The board, without power yet."""
    host = LOOPBACK[board]
    made: Site
    gateway = Gateway(
        "ed25519", clock=lambda: NOON + made.station.bench.passed, server=host, time_server=host
    )
    server = Server(gateway)
    storage = identity(
        "ed25519", gain=GAIN, noise=NOISE, starting=100, hold=0, port=gateway.port, server=host
    )
    station = Station(board, image, folder, storage)
    made = Site(station, server, gateway)
    try:
        yield made
    finally:
        station.close()
        server.close()
