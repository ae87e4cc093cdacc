"""Asks the core on a board (probe.c): over libsimavr's serial port, or QEMU's."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from tests.firmware.avr.network import Router
from tests.firmware.avr.uno import SLICE, Uno
from tests.firmware.station import MACHINES

_PATIENCE = 60.0
_MACHINES = {board: machine for board, (machine, _) in MACHINES.items()} | {"nucleo": "netduinoplus2"}
"""For the Nucleo a part of its family, an STM32F405: the same core, RAM, flash and serial port."""
_SERIAL_PORT = {"nucleo": 2}
"""Of the machine's ports the one that the probe talks on, where it is not the first."""
_MOST_SLICES = 20_000
"""Of simulated time: a hundred seconds."""


class Operation(IntEnum):
    """What can be timed (enum operation of probe.c)."""

    NOTHING = 0
    SEAL = 1
    """Authenticate a batch of six samples."""
    HASH = 2
    BATCH = 3
    """Write, authenticate and hash it."""
    CHECK = 4
    """Check a command's authentication."""
    CONVERSIONS = 5
    """Add two thousand conversions to a window."""
    WINDOW = 6
    """Take a whole window in: RMS, current, energy."""


class Line(Protocol):
    """A serial line to a board."""

    def send(self, content: bytes) -> None:
        """Hand bytes over."""

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""

    def close(self) -> None:
        """Take the board's power away."""


class Probe:
    """A board that answers."""

    def __init__(self, line: Line) -> None:
        self._line = line
        assert line.take(1) == b"!"

    def ask(self, kind: bytes, content: bytes) -> bytes:
        """The answer to one question."""
        self._line.send(kind + struct.pack("<H", len(content)) + content)
        (length,) = struct.unpack("<H", self._line.take(2))
        return self._line.take(length)

    def ticks(self, operation: Operation, unit_class: int, times: int) -> float:
        """The board's ticks for one `operation`, as the mean of `times`."""

        def total(what: Operation) -> int:
            question = struct.pack("<BB32sH", what, unit_class, bytes(range(32)), times)
            (passed,) = struct.unpack("<I", self.ask(b"Z", question))
            return int(passed)

        return (total(operation) - total(Operation.NOTHING)) / times

    def close(self) -> None:
        """Take its power away."""
        self._line.close()


class UnoLine:
    """The serial port of an ATmega328P in libsimavr, whose time passes while an answer is waited for."""

    def __init__(self, library: Path, program: Path) -> None:
        self._uno = Uno(library, program, bytes(1024), Router(lambda: 0.0))
        self._received = bytearray()
        self._byte = self._uno.ffi.callback("void(uint8_t)", self._received.append)
        self._uno.c.serial_on(self._byte)

    def send(self, content: bytes) -> None:
        self._uno.c.serial_send(content, len(content))

    def take(self, count: int) -> bytes:
        for _ in range(_MOST_SLICES):
            if len(self._received) >= count:
                break
            self._uno.run(SLICE / 16_000_000)
        taken = bytes(self._received[:count])
        assert len(taken) == count, "the board does not answer"
        del self._received[:count]
        return taken

    def close(self) -> None:
        self._uno.c.serial_on(self._uno.ffi.NULL)


class QemuLine:
    """The serial port of a Cortex-M board in QEMU."""

    def __init__(self, board: str, program: Path, path: Path, options: Sequence[str] = ()) -> None:
        qemu = shutil.which("qemu-system-arm")
        assert qemu is not None
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen(1)
            listener.settimeout(_PATIENCE)
            self._process = subprocess.Popen([
                qemu, "-M", _MACHINES[board], "-display", "none", "-monitor", "none", "-kernel", str(program),
                "-chardev", f"socket,id=line,path={path}", *["-serial", "null"] * _SERIAL_PORT.get(board, 0),
                "-serial", "chardev:line", "-nic", "none",
                *options,
            ])  # fmt: skip
            self._stream, _ = listener.accept()
        self._stream.settimeout(_PATIENCE)

    def send(self, content: bytes) -> None:
        self._stream.sendall(content)

    def take(self, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            piece = self._stream.recv(count - len(taken))
            assert piece, "the board has gone"
            taken += piece
        return taken

    def close(self) -> None:
        self._stream.close()
        self._process.kill()
        self._process.wait()
