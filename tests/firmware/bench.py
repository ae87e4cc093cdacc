"""The world's end of the bench stream (firmware/boards/bench/bench.h): sensors in, relay out, in lockstep."""

from __future__ import annotations

import math
import random
import socket
import struct
import time
from pathlib import Path

RATE = 200
"""Conversions a second: four in a mains cycle, which a clean sine can do with: hours go by quickly."""
CYCLE = 50
_MOST_REAL_SECONDS = 60.0


class Bench:
    """A current sensor of 12 bits, a relay and the rest, for a unit that connects to `path`."""

    def __init__(self, path: Path, *, gain: int) -> None:
        self.path = path
        self.gain = gain
        """mA per count in 1/256, as the unit's identity has it."""
        self.relay = False
        self.offered = 0
        self.public_key = b""
        self.milliseconds = 0
        self.exchange = 0
        self.register = 0
        self.passed = 0
        self.energy = 0.0
        """mWh at 230 V that truly flowed."""
        self._noise = random.Random(3)
        self._answers = 0
        self._greeted = False
        self._received = b""
        self._second: dict[float, bytes] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._listener.settimeout(_MOST_REAL_SECONDS)
        self._stream: socket.socket | None = None

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._listener.close()

    def accept(self, *, switches: int = 0, erase: bool = False) -> None:
        """Wait for the unit and begin."""
        if self._stream is not None:
            self._stream.close()
        self._stream, _ = self._listener.accept()
        self._stream.settimeout(_MOST_REAL_SECONDS)
        self._received = b""
        self.relay = False
        self.exchange = 0
        self._greeted = False
        while not self._greeted:
            self._read()
        self.send(struct.pack("<cBBH", b"B", switches, erase, 1_000_000 // RATE))

    def send(self, frame: bytes) -> None:
        assert self._stream is not None
        self._stream.sendall(frame)

    def _conversions(self, amperes: float) -> bytes:
        """A second of samples with noise; made once for each current, as a second holds whole cycles."""
        if amperes not in self._second:
            peak = amperes * 1000 * 256 / self.gain * math.sqrt(2)
            counts = [
                max(0, min(4095, round(2047.4 + peak * math.sin(math.tau * CYCLE * (i + 0.37) / RATE)
                                       + self._noise.gauss(0, 1.2))))
                for i in range(RATE)
            ]  # fmt: skip
            self._second[amperes] = struct.pack(f"<cH{RATE}H", b"W", RATE, *counts)
        return self._second[amperes]

    def second(self, amperes: float = 0.0) -> None:
        """One second at a current that flows while the relay is closed, and all talk that comes of it."""
        self.start_second(amperes)
        self.settle()

    def start_second(self, amperes: float) -> None:
        """One second likewise, without waiting for talk to end."""
        flowing = amperes if self.relay else 0.0
        self.send(self._conversions(flowing))
        self.energy += flowing * 230 / 3.6
        self.passed += 1

    def settle(self) -> None:
        """Wait until the unit has taken what was sent and talks to nobody."""
        end = time.monotonic() + _MOST_REAL_SECONDS
        quiet = 0
        while quiet < 2:
            before = self._answers
            self.send(b"Q")
            while self._answers == before:
                self._read()
            quiet = quiet + 1 if self.exchange == 0 else 0
            if self.exchange != 0:
                time.sleep(0.002)
            if time.monotonic() > end:
                raise TimeoutError("the unit's talk does not end")

    def _read(self) -> None:
        assert self._stream is not None
        received = self._stream.recv(4096)
        if not received:
            raise ConnectionError("the unit has gone")
        self._received += received
        lengths = {b"H": 1, b"R": 2, b"L": 3, b"K": 33, b"A": 15}
        while self._received:
            length = lengths[self._received[:1]]
            if len(self._received) < length:
                return
            frame, self._received = self._received[:length], self._received[length:]
            self._take(frame)

    def _take(self, frame: bytes) -> None:
        kind = frame[:1]
        if kind == b"H":
            self._greeted = True
        elif kind == b"R":
            self.relay = frame[1] != 0
        elif kind == b"L":
            (self.offered,) = struct.unpack("<H", frame[1:])
        elif kind == b"K":
            self.public_key = frame[1:]
        else:
            self.milliseconds, self.exchange, relay, self.register = struct.unpack("<IBBQ", frame[1:])
            self.relay = bool(relay)
            self._answers += 1
