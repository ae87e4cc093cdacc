"""Protocol buffers' wire format, written so that anything can be wrong with it.

Encodings: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import strategies as st

VARINT, FIXED64, BYTES, GROUP, GROUP_END, FIXED32 = range(6)
_FORMS = {
    FieldDescriptor.TYPE_INT64: VARINT,
    FieldDescriptor.TYPE_UINT32: VARINT,
    FieldDescriptor.TYPE_BOOL: VARINT,
    FieldDescriptor.TYPE_STRING: BYTES,
    FieldDescriptor.TYPE_BYTES: BYTES,
    FieldDescriptor.TYPE_MESSAGE: BYTES,
}
DEEP = 5_000
NUMBERS = (0, 1, 7, 25, 26, 2**31 - 1, 2**32, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1)
"""The largest are what protocol buffers make of -1 and of the lowest 64-bit number."""


def varint(number: int) -> bytes:
    """A number in groups of seven bits, lowest first."""
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*octets, number])


def piece(number: int, form: int, content: bytes) -> bytes:
    """One field as it travels; `content` is a varint already, or fixed, or what a length comes before."""
    length = varint(len(content)) if form == BYTES else b""
    return varint(number << 3 | form) + length + content


def contents(form: int) -> st.SearchStrategy[bytes]:
    """Contents of a form: the borders of its range, none, too many, no text, nested for ever."""
    if form == VARINT:
        numbers = st.sampled_from(NUMBERS) | st.integers(0, 2**64 - 1)
        return numbers.map(varint) | st.just(b"\xff" * 11) | st.just(b"\xff")
    if form in (FIXED64, FIXED32):
        size = 8 if form == FIXED64 else 4
        return st.binary(min_size=size, max_size=size)
    if form == GROUP:
        return st.sampled_from([b"", varint(1 << 3 | GROUP) * DEEP])
    if form == GROUP_END:
        return st.just(b"")
    return st.one_of(
        st.binary(max_size=200),
        st.text(max_size=80).map(str.encode),
        st.sampled_from([b"", b"\xff\xfe", b"[" * DEEP, b'{"a":' * DEEP, b"{}", b"null", b"\x00" * 60_000]),
        st.just(varint(1 << 3 | GROUP) * DEEP),
    )


def field(described: FieldDescriptor) -> st.SearchStrategy[bytes]:
    """One field of a message, most often in its own form."""
    own = _FORMS[described.type]
    nested = [messages(described.message_type)] if described.message_type is not None else []
    right = st.one_of(contents(own), *nested).map(lambda content: piece(described.number, own, content))
    wrong = st.sampled_from([VARINT, FIXED64, BYTES, GROUP, GROUP_END, FIXED32, 6, 7]).flatmap(
        lambda form: contents(min(form, FIXED32)).map(lambda content: piece(described.number, form, content))
    )
    return right | right | wrong


def messages(described: Descriptor) -> st.SearchStrategy[bytes]:
    """Bytes that nearly are a message: fields missing, twice, unknown, of another type, cut short."""
    known = [field(each) for each in described.fields]
    unknown = st.tuples(st.sampled_from([0, 99, 2**29 - 1]), contents(BYTES)).map(
        lambda drawn: piece(drawn[0], BYTES, drawn[1])
    )
    whole = st.lists(st.one_of(*known, *known, unknown), max_size=len(known) + 2).map(b"".join)
    cut = st.tuples(whole, st.integers(1, 9)).map(lambda drawn: drawn[0][: -drawn[1]])
    return whole | whole | cut | st.binary(max_size=60)
