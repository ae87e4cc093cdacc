"""An Arduino Uno with its shield, sensor and relay, simulated instruction by instruction."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from cffi import FFI  # type: ignore[import-untyped]

HERTZ = 16_000_000
SLICE = HERTZ // 200
OPEN, CONNECT, DISCONNECT, CLOSE, SEND, RECEIVE = 1, 4, 8, 16, 32, 64
SENSORS = {"sct013": (33 / 2000 / 5 * 1024, 0.42), "acs712": (0.100 / 5 * 1024, 1.43)}
"""Counts per ampere, and counts RMS of noise, of an SCT-013-000 over 33 Ω and an ACS712-20A (7 mV), on a
10-bit converter of 5 V."""


class Peer(Protocol):
    """The other end of a stream: takes what the unit sends, and gives what it answers."""

    def take(self, content: bytes) -> None: ...
    def give(self) -> bytes: ...
    def over(self) -> bool: ...


class Wire(Protocol):
    """What the shield is plugged into."""

    def connect(self, address: str, port: int) -> Peer | None:
        """The other end of a new stream; None where nobody takes it."""

    def datagram(self, address: str, port: int, content: bytes) -> list[tuple[str, int, bytes]]:
        """The datagrams that come back: sender's address and port, content."""


class Uno:
    """One board. Time passes in `run` alone."""

    def __init__(self, library: Path, program: Path, eeprom: bytes, wire: Wire) -> None:
        self.ffi = FFI()
        header = (Path(__file__).parent / "harness.h").read_text()
        self.ffi.cdef(re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL))
        self.c: Any = self.ffi.dlopen(str(library))
        self.program = program
        self.wire = wire
        self.plugged = True
        self.sensor = "sct013"
        self.each_slice: Callable[[], None] = lambda: None
        self._error: BaseException | None = None
        self._peers: dict[int, Peer | None] = {}
        self._pending: dict[int, bytes] = {}
        self._command = self.ffi.callback(
            "void(int, int, const uint8_t *, uint16_t)", self._on_command, onerror=self.on_error
        )
        self.c.w5100_on_command(self._command)
        # What an earlier board had on its buses is gone with its callbacks.
        self.c.twi_on(self.ffi.NULL, self.ffi.NULL, self.ffi.NULL)
        self.c.serial_on(self.ffi.NULL)
        self.power(eeprom)

    def power(self, eeprom: bytes) -> None:
        """Give the board power, with this in its EEPROM."""
        assert len(eeprom) == 1024
        if not self.c.uno_load(str(self.program).encode(), eeprom):
            raise RuntimeError(f"{self.program} can't be loaded")
        self.c.w5100_power()
        self._peers.clear()
        self._pending.clear()
        self.switches(7, False)
        self.current(0.0)

    def switches(self, unit: int, erase: bool) -> None:
        self.c.uno_switches(unit, erase)

    def current(self, amperes: float, *, centre: float = 511.3, hertz: float = 50.0) -> None:
        """What the sensor sees."""
        counts, noise = SENSORS[self.sensor]
        self.c.uno_current(amperes * counts, centre, noise, round(hertz * 1000))

    def closed(self) -> bool:
        return bool(self.c.uno_relay())

    def eeprom(self, torn: bool = False) -> bytes:
        """What the EEPROM holds; with the byte under way spoilt where `torn`."""
        buffer = self.ffi.new("uint8_t[1024]")
        self.c.uno_eeprom(buffer)
        if torn:
            self.c.uno_tear(buffer)
        return bytes(self.ffi.buffer(buffer))

    def run(self, seconds: float) -> None:
        """Let simulated seconds pass. Raises RuntimeError where the program crashed."""
        end = self.c.uno_cycles() + round(seconds * HERTZ)
        while (left := end - self.c.uno_cycles()) > 0:
            if self.c.uno_run(min(left, SLICE)) > 3:
                raise RuntimeError("the program crashed")
            if self._error is not None:
                raise self._error
            self.each_slice()
            self._pump()

    def seconds(self) -> float:
        return float(self.c.uno_cycles()) / HERTZ

    def on_error(self, kind: type, error: BaseException, traceback: object) -> None:
        self._error = self._error or error

    def _on_command(self, socket: int, command: int, address: Any, port: int) -> None:
        dotted = ".".join(str(address[i]) for i in range(4))
        if command == CONNECT:
            peer = self.wire.connect(dotted, port) if self.plugged else None
            self._peers[socket] = peer
            self._pending.pop(socket, None)
            if peer is not None:
                self.c.w5100_established(socket)
            elif self.plugged:
                self.c.w5100_closed(socket, 0)
        elif command == SEND:
            self._send(socket, dotted, port)
        elif command in (OPEN, CLOSE, DISCONNECT):
            self._peers.pop(socket, None)
            self._pending.pop(socket, None)

    def _send(self, socket: int, address: str, port: int) -> None:
        buffer = self.ffi.new("uint8_t[2048]")
        content = bytes(self.ffi.buffer(buffer, self.c.w5100_sent(socket, buffer)))
        if not self.plugged:
            return
        peer = self._peers.get(socket)
        if peer is not None:
            peer.take(content)
        elif socket == 1:
            for source, source_port, answer in self.wire.datagram(address, port, content):
                quad = bytes(int(part) for part in source.split("."))
                head = quad + source_port.to_bytes(2, "big") + len(answer).to_bytes(2, "big")
                self.c.w5100_receive(socket, head + answer, len(head + answer))

    def _pump(self) -> None:
        """Bring what the peers say into the part's memory."""
        if not self.plugged:
            return
        for socket, peer in self._peers.items():
            if peer is None:
                continue
            content = self._pending.pop(socket, b"") + peer.give()
            if content:
                taken = self.c.w5100_receive(socket, content, len(content))
                if taken < len(content):
                    self._pending[socket] = content[taken:]
            elif peer.over():
                self.c.w5100_closed(socket, 1)
