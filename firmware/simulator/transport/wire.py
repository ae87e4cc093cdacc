"""The few protobuf messages that a unit exchanges over gRPC, written and read by hand.

A unit's firmware has no protobuf library, and needs none: every message is one or two fields
(https://protobuf.dev/programming-guides/encoding). So the simulated unit, which may not import the
gateway's generated code, also shows what a small board has to do.
"""

from __future__ import annotations

_VARINT = 0
_BYTES = 2


def encode(fields: dict[int, int | bytes]) -> bytes:
    """A message with these fields by number; integers as varint, bytes length-delimited."""
    message = b""
    for number, value in fields.items():
        if isinstance(value, int):
            message += _varint(number << 3 | _VARINT) + _varint(value)
        else:
            message += _varint(number << 3 | _BYTES) + _varint(len(value)) + value
    return message


def decode(message: bytes) -> dict[int, int | bytes]:
    """The fields of a message by number; of a repeated one the last. Raises ValueError where it is cut off
    or has fields of another type."""
    fields: dict[int, int | bytes] = {}
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        if tag & 7 == _VARINT:
            fields[tag >> 3], at = _read_varint(message, at)
        elif tag & 7 == _BYTES:
            length, at = _read_varint(message, at)
            if at + length > len(message):
                raise ValueError("message: ends within a field")
            fields[tag >> 3] = message[at : at + length]
            at += length
        else:
            raise ValueError("message: has a field that is neither integer nor bytes")
    return fields


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("message: ends within a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
