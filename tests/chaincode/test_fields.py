"""Strict JSON: what is refused names its field and rule."""

from __future__ import annotations

import pytest

from chaincode.errors import InvalidArgument
from chaincode.fields import MAX_BOOKMARK, Fields, encode


def test_half_a_character_is_refused() -> None:
    """JSON can spell a lone surrogate; no record could ever be written with it."""
    with pytest.raises(InvalidArgument, match="name breaks the rule: has whole characters"):
        Fields.parse(rb'{"name": "Aurora \ud83d"}', "request").text("name")
    whole = Fields.parse(rb'{"name": "Aurora \ud83d\ude00"}', "request").text("name")
    assert encode({"name": whole}).decode() == '{"name":"Aurora \U0001f600"}'


def test_a_bookmark_is_a_key_of_the_world_state() -> None:
    """It holds U+0000, which other texts may not; it may be absent, and no other type."""
    assert Fields.parse(b"{}", "request").bookmark() == ""
    assert Fields.parse(rb'{"bookmark": "\u0000session\u0000"}', "request").bookmark() == "\0session\0"
    for wrong in ("1", '["a"]', f'"{"x" * (MAX_BOOKMARK + 1)}"', r'"\ud800"'):
        with pytest.raises(InvalidArgument, match="bookmark"):
            Fields.parse(f'{{"bookmark": {wrong}}}'.encode(), "request").bookmark()
