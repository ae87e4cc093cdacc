"""A PN532 on the Uno's two-wire bus."""

from __future__ import annotations

from tests.firmware.avr.uno import Uno

_ACKNOWLEDGED = bytes.fromhex("0000ff00ff00")


class TagReader:
    """A PN532 with a tag in its field (UM0701-02, section 6.2.4)."""

    def __init__(self, uno: Uno, uid: bytes) -> None:
        self.uid = uid
        self._held = True
        self._frame = bytearray()
        self._queue: list[bytes] = []
        self._reading = b""
        ffi = uno.ffi
        self._callbacks = (
            ffi.callback("int(uint8_t, int)", self._start),
            ffi.callback("void(uint8_t)", self._frame.append),
            ffi.callback("uint8_t(void)", self._next),
        )
        uno.c.twi_on(*self._callbacks)

    def _start(self, address: int, reading: int) -> int:
        if address != 0x24:
            return 0
        if reading:
            self._answer()
            self._reading = b"\x01" + self._queue.pop(0) if self._queue else b"\x00"
        return 1

    def _answer(self) -> None:
        """The frame that was written since the last reading is answered by an ACK and a frame."""
        if len(self._frame) < 8:
            return
        command, self._frame[:] = self._frame[6], b""
        if command == 0x4A and not self._held:
            self._queue.append(_ACKNOWLEDGED)
            return
        data = {0x14: b"\x15", 0x4A: bytes((0x4B, 1, 1, 0, 4, 8, len(self.uid))) + self.uid}[command]
        check = -(0xD5 + sum(data)) & 0xFF
        length = len(data) + 1
        frame = bytes((0, 0, 0xFF, length, -length & 0xFF, 0xD5)) + data + bytes((check, 0))
        self._queue += [_ACKNOWLEDGED, frame]

    def remove(self) -> None:
        """The tag is taken away: the reader looks on and finds none."""
        self._held = False

    def _next(self) -> int:
        value, self._reading = (self._reading[0], self._reading[1:]) if self._reading else (0, b"")
        return value
