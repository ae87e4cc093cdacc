"""The core's C, called from Python: codecs as they are, and a whole unit that lives in this process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cffi import FFI  # type: ignore[import-untyped]

from tests.firmware.gateway import Gateway

_HEADER = Path(__file__).parent / "harness.h"
HTTP_DONE, HTTP_REFUSED = 2, 3
REFUSALS = ("", "length", "authentication", "version", "kind", "unit", "network", "boot", "counter", "issued",
            "options", "values")  # fmt: skip
FIRMWARE_REFUSALS = ("", "length", "signature", "magic", "version", "reserved", "board", "size", "hash")
VERSION = 0x01000000
"""1.0.0, of the image that runs where a test says nothing else."""
CLASSES = {"mac": 0, "ed25519": 1}


class PowerLost(Exception):
    """Persistent memory was cut off in the middle of a write."""


class Core:
    """The shared library that firmware/Makefile builds from the core and harness.c."""

    def __init__(self, path: Path) -> None:
        self.ffi = FFI()
        self.ffi.cdef(re.sub(r"/\*.*?\*/", "", _HEADER.read_text(), flags=re.DOTALL))
        self.c: Any = self.ffi.dlopen(str(path))

    def bytes(self, fill: Any, most: int = 1024) -> bytes:
        """What `fill(buffer)` wrote; its result is the length."""
        buffer = self.ffi.new("uint8_t[]", most)
        return bytes(self.ffi.buffer(buffer, fill(buffer)))


class HostUnit:
    """A unit whose time passes only as the test says, with its persistent memory in a bytearray."""

    def __init__(self, core: Core, memory: bytearray) -> None:
        self.core = core
        self.c = core.c
        self.memory = memory
        self._held = core.ffi.from_buffer("uint8_t[]", memory)
        self.c.harness_memory(self._held, len(memory))
        self.c.harness_cut(-1, 0)
        self.c.harness_slots(core.ffi.NULL, 0)
        self.c.harness_version(VERSION)
        self.c.harness_wear(0, 0)
        self.c.harness_link(1, 1)
        self.c.harness_switches(0, 0)
        self.c.harness_voltage(0)
        self.c.harness_pilot(2)
        self.c.harness_tag(b"", 0)

    def start(self) -> bool:
        """Power up. Raises PowerLost; False where it refuses to start."""
        result = int(self.c.harness_start())
        if result < 0:
            raise PowerLost
        return result == 1

    def step(self, milliseconds: int = 0) -> None:
        if self.c.harness_step(milliseconds) < 0:
            raise PowerLost

    def window(self, amperes: float, *, gain: int = 75_753, noise: float = 21, clipped: int = 0) -> None:
        """A second of current of `amperes` RMS, as the sums that a converter's samples have."""
        count = 2000
        rms = amperes * 1000 * 256 / gain
        squares = round(count * (rms * rms + noise / 256))
        if self.c.harness_window(count, 0, squares, clipped) < 0:
            raise PowerLost

    def question(self) -> bytes:
        """What the unit sent since the last call."""
        return self.core.bytes(lambda buffer: self.c.harness_question(buffer, 4096), 4096)

    def answer(self, content: bytes, hang_up: bool = True) -> None:
        self.c.harness_answer(content, len(content))
        if hang_up:
            self.c.harness_hang_up()

    def exchange(self, gateway: Gateway) -> int:
        """Let unit and gateway talk until neither has more to say; the result is how many questions."""
        asked = 0
        for _ in range(12):
            for _ in range(4):
                self.step()
            question = self.question()
            if not question:
                break
            asked += 1
            self.answer(gateway.answer(question))
            self.step()
        return asked

    def seconds(self, count: int, amperes: float = 0.0, gateway: Gateway | None = None) -> None:
        """Let `count` seconds pass at a current that flows while the relay is closed."""
        for _ in range(count):
            for _ in range(4):
                self.step(250)
            self.window(amperes if self.closed() else 0.0)
            if gateway is not None:
                self.exchange(gateway)

    def closed(self) -> bool:
        """Whether the relay's coil holds the contacts closed."""
        return bool(self.c.harness_relay())

    @property
    def energy(self) -> int:
        """mWh."""
        return int(self.c.harness_energy())


def pieces(hexadecimal: str) -> Iterator[bytes]:
    """Four-byte pieces of a hexadecimal string."""
    whole = bytes.fromhex(hexadecimal)
    return (whole[i : i + 4] for i in range(0, len(whole), 4))
