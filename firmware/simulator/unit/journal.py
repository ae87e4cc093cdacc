"""A value in EEPROM that survives torn writes and spreads the wear over many slots."""

from __future__ import annotations

import struct
import zlib

from firmware.simulator.unit.eeprom import Eeprom

_SEQUENCE = struct.Struct("<I")
_OVERHEAD = 8
_LAST = 0xFFFFFFFF
"""What an erased slot shows; never used as a sequence number."""


class Journal:
    """`slots` copies of a value of `length` bytes, the newest of which counts.

    A slot holds a rising sequence number, the value, and CRC-32 of both. A write goes to the slot after
    the newest, so the newest is whole while the next is being written: whatever is torn loses its CRC and
    is passed over.
    """

    def __init__(self, memory: Eeprom, address: int, length: int, slots: int) -> None:
        self._memory = memory
        self._address = address
        self._length = length
        self._slots = slots
        self._sequence = 0
        self._next = 0
        self.value: bytes | None = None
        """The newest whole value; None where there is none."""
        for slot in range(slots):
            self._consider(slot)

    @staticmethod
    def size(length: int, slots: int) -> int:
        """Bytes of EEPROM that such a journal takes."""
        return (length + _OVERHEAD) * slots

    def write(self, value: bytes) -> None:
        """Make `value` the newest. Raises PowerCut, after which the one before still counts."""
        if len(value) != self._length:
            raise ValueError(f"value: has {self._length} bytes")
        record = _SEQUENCE.pack(self._sequence + 1) + value
        self._memory.write(self._at(self._next), record + _SEQUENCE.pack(zlib.crc32(record)))
        self._sequence += 1
        self._next = (self._next + 1) % self._slots
        self.value = value

    def _at(self, slot: int) -> int:
        return self._address + slot * (self._length + _OVERHEAD)

    def _consider(self, slot: int) -> None:
        record = self._memory.read(self._at(slot), self._length + _OVERHEAD)
        sequence = _SEQUENCE.unpack_from(record)[0]
        if sequence == _LAST or zlib.crc32(record[:-4]) != _SEQUENCE.unpack_from(record, len(record) - 4)[0]:
            return
        if sequence > self._sequence:
            self._sequence = sequence
            self._next = (slot + 1) % self._slots
            self.value = record[4:-4]
