"""Protocol Buffers' wire format, as far as Fabric's messages use it.

A reader for evidence: a field that should stand once and stands twice is refused, where the usual decoders
take the last one; so no two readers can see different things in the same signed bytes.
"""

from __future__ import annotations

from chaincode.signing.octets import MalformedError

_VARINT, _I64, _LENGTH, _I32 = 0, 1, 2, 5
_FIXED = {_I64: 8, _I32: 4}
_LONGEST_VARINT = 10


class Message:
    """A message's fields by number. A field that is not there has Protocol Buffers' default."""

    __slots__ = ("_fields",)

    def __init__(self, encoded: bytes) -> None:
        """Raises MalformedError where these are no message's bytes."""
        self._fields: dict[int, list[int | bytes]] = {}
        offset, size = 0, len(encoded)
        while offset < size:
            tag, offset = _varint(encoded, offset)
            number, kind = tag >> 3, tag & 7
            value: int | bytes
            if kind == _VARINT:
                value, offset = _varint(encoded, offset)
            elif kind == _LENGTH:
                length, offset = _varint(encoded, offset)
                value, offset = _take(encoded, offset, length)
            elif kind in _FIXED:
                value, offset = _take(encoded, offset, _FIXED[kind])
            else:
                raise MalformedError(f"has a field of wire type {kind}")
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def octets(self, number: int) -> bytes:
        """Bytes, or an embedded message's; empty where the field is missing."""
        value = self._single(number)
        if value is None:
            return b""
        if not isinstance(value, bytes):
            raise MalformedError(f"has a number in field {number}, where bytes are meant")
        return value

    def several(self, number: int) -> list[bytes]:
        """A repeated field of bytes or messages."""
        values = self._fields.get(number, [])
        if not all(isinstance(value, bytes) for value in values):
            raise MalformedError(f"has a number in field {number}, where bytes are meant")
        return [value for value in values if isinstance(value, bytes)]

    def text(self, number: int) -> str:
        """UTF-8; empty where the field is missing."""
        try:
            return self.octets(number).decode()
        except UnicodeDecodeError as error:
            raise MalformedError(f"has no UTF-8 in field {number}") from error

    def integer(self, number: int) -> int:
        """A number of 64 bits without sign; 0 where the field is missing."""
        value = self._single(number)
        if value is None:
            return 0
        if not isinstance(value, int):
            raise MalformedError(f"has bytes in field {number}, where a number is meant")
        return value

    def message(self, number: int) -> Message:
        """An embedded message; an empty one where the field is missing."""
        return Message(self.octets(number))

    def messages(self, number: int) -> list[Message]:
        """A repeated field of messages."""
        return [Message(value) for value in self.several(number)]

    def entries(self, number: int) -> dict[str, Message]:
        """A map from text to messages. Raises MalformedError where a key stands twice."""
        found: dict[str, Message] = {}
        for entry in self.messages(number):
            key = entry.text(1)
            if key in found:
                raise MalformedError(f"has the key {key!r} twice in field {number}")
            found[key] = entry.message(2)
        return found

    def _single(self, number: int) -> int | bytes | None:
        values = self._fields.get(number)
        if values is None:
            return None
        if len(values) > 1:
            raise MalformedError(f"has field {number} twice")
        return values[0]


def encode_octets(number: int, value: bytes) -> bytes:
    """A field of bytes."""
    return _encode_varint(number << 3 | _LENGTH) + _encode_varint(len(value)) + value


def _encode_varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _varint(encoded: bytes, offset: int) -> tuple[int, int]:
    value = 0
    for place in range(_LONGEST_VARINT):
        if offset + place >= len(encoded):
            raise MalformedError("ends in the middle of a field")
        octet = encoded[offset + place]
        value |= (octet & 0x7F) << (7 * place)
        if octet < 0x80:
            if value >> 64:
                raise MalformedError("has a number of more than 64 bits")
            return value, offset + place + 1
    raise MalformedError("has a number of more than 64 bits")


def _take(encoded: bytes, offset: int, length: int) -> tuple[bytes, int]:
    end = offset + length
    if end > len(encoded):
        raise MalformedError("ends in the middle of a field")
    return encoded[offset:end], end
