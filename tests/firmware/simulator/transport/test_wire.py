"""The handwritten protobuf against the library's own."""

from __future__ import annotations

import pytest
from google.protobuf.wrappers_pb2 import BytesValue, UInt32Value
from hypothesis import given
from hypothesis import strategies as st

from firmware.simulator.transport.wire import decode, encode


@given(st.binary(min_size=1, max_size=400), st.integers(1, 2**32 - 1))
def test_it_is_protobuf(content: bytes, number: int) -> None:
    """Bytes and integers are written as the library writes them, and read back."""
    assert encode({1: content}) == BytesValue(value=content).SerializeToString()
    assert encode({1: number}) == UInt32Value(value=number).SerializeToString()
    assert decode(encode({1: content, 2: number})) == {1: content, 2: number}


@pytest.mark.parametrize("message", [b"\x0a\x05abc", b"\x0a", b"\x09abcdefgh", b"\xff" * 12])
def test_what_is_cut_off_or_strange_is_refused(message: bytes) -> None:
    """A gateway that sends nonsense does not break the unit."""
    with pytest.raises(ValueError, match="message"):
        decode(message)


@given(st.binary(max_size=60))
def test_nothing_else_is_raised(message: bytes) -> None:
    """Whatever comes."""
    try:
        decode(message)
    except ValueError:
        return
