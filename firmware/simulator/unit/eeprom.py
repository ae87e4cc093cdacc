"""The board's EEPROM: what is in it survives a power cut, even one in the middle of a write."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

ERASED = 0xFF


class PowerCut(Exception):
    """The supply went away during a write."""


class Eeprom:
    """`size` bytes, erased at first, kept in `file` where one is given.

    `cut_after` makes the supply fail: after so many more bytes the next one is left half written, which
    reads as erased, and `PowerCut` is raised, from then on at every write, until `restore`.
    """

    def __init__(self, size: int = 1_024, file: Path | None = None) -> None:
        self._cells = bytearray([ERASED]) * size
        self._file = file
        self._left: int | None = None
        self.wear: Counter[int] = Counter()
        """Writes by the address at which they began: 100,000 are what an ATmega328P's cell lasts."""
        if file is not None and file.exists():
            stored = file.read_bytes()
            if len(stored) != size:
                raise ValueError(f"{file.name}: holds {len(stored)} bytes, not {size}")
            self._cells[:] = stored

    @property
    def writes(self) -> int:
        """How many writes there were."""
        return self.wear.total()

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes from `address`."""
        return bytes(self._cells[address : address + length])

    def write(self, address: int, data: bytes) -> None:
        """Put `data` at `address`, in order. Raises ValueError beyond the end and PowerCut as set."""
        if not 0 <= address <= len(self._cells) - len(data):
            raise ValueError("address: within the EEPROM")
        self.wear[address] += 1
        if self._left is None:
            self._cells[address : address + len(data)] = data
        else:
            self._write_until_cut(address, data)
        self._keep()

    def erase(self, address: int, length: int) -> None:
        """Set `length` bytes from `address` to the erased state."""
        self.write(address, bytes([ERASED]) * length)

    def cut_after(self, count: int) -> None:
        """Let the supply fail after `count` more bytes."""
        self._left = count

    def restore(self) -> None:
        """The supply is back."""
        self._left = None

    def _write_until_cut(self, address: int, data: bytes) -> None:
        assert self._left is not None
        written = min(self._left, len(data))
        self._cells[address : address + written] = data[:written]
        self._left -= written
        if written < len(data):
            self._cells[address + written] = ERASED
            self._keep()
            raise PowerCut

    def _keep(self) -> None:
        if self._file is not None:
            self._file.write_bytes(self._cells)
