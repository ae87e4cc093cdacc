"""The primitives of the ledger's canonical encoding: little-endian integers and length-prefixed octets.

Each value has exactly one encoding. Text is UTF-8 in octets; octets are a u32 length and the bytes. It was
chosen over JSON because most of a transaction is bytes (bodies, signatures, values), which JSON would carry
as base64, and because writing it costs a few microseconds.
"""

from __future__ import annotations

import struct

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
u32 = _U32.pack
u64 = _U64.pack


class MalformedError(ValueError):
    """Bytes that are not the encoding of anything."""


def octets(value: bytes) -> bytes:
    """`value` after its length."""
    return u32(len(value)) + value


def text(value: str) -> bytes:
    """`value` as UTF-8 after its length in bytes."""
    encoded = value.encode()
    return u32(len(encoded)) + encoded


class Reader:
    """Takes one primitive after the other from `data`. Raises MalformedError where it is cut off."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.offset = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self.offset + count
        if end > len(self._data):
            raise MalformedError(f"ends after {len(self._data)} bytes, where at least {end} are needed")
        taken = self._data[self.offset : end]
        self.offset = end
        return taken

    def u8(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def u32(self) -> int:
        """An unsigned integer of four bytes."""
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        """An unsigned integer of eight bytes."""
        return int.from_bytes(self.take(8), "little")

    def octets(self) -> bytes:
        """Bytes after their length."""
        return self.take(self.u32())

    def text(self) -> str:
        """UTF-8 after its length. Raises MalformedError where it is not UTF-8."""
        try:
            return self.octets().decode()
        except UnicodeDecodeError as error:
            raise MalformedError("holds text that is not UTF-8") from error

    def done(self) -> None:
        """Raises MalformedError where bytes are left over."""
        if self.offset != len(self._data):
            raise MalformedError(f"goes on after its end at byte {self.offset}")
