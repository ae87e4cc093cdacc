"""Places for streams: some for each address, many for all."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from gateway.rest.places import PlacedResponse, Places
from gateway.rest.problem import ProblemError


@pytest.mark.parametrize(
    ("first", "second", "third"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.2"),
    ],
    ids=["IPv4", "IPv6", "mapped"],
)
def test_an_address_has_some_and_another_has_its_own(first: str, second: str, third: str) -> None:
    """Of IPv6 a whole network is one address: whoever has one has all of it."""
    places = Places(altogether=3, each=1)
    with places.taken(first):
        with pytest.raises(ProblemError, match="at most 1"), places.taken(second):
            pass
        with places.taken(third):
            pass
    with places.taken(second):
        pass


def test_all_together_have_no_more_than_there_are() -> None:
    """Whoever comes then is told to come later."""
    places = Places(altogether=2, each=2)
    with ExitStack() as taken:
        for number in range(2):
            taken.enter_context(places.taken(f"192.0.2.{number}"))
        with pytest.raises(ProblemError, match="at most 2") as refused, places.taken("192.0.2.9"):
            pass
    assert refused.value.status == 429


async def test_a_place_is_given_back_however_the_answer_ends() -> None:
    """Also where its reader has gone before a byte was sent."""
    places = Places(altogether=1, each=1)
    scope: dict[str, Any] = {"type": "http", "client": ("192.0.2.1", 1), "asgi": {"spec_version": "2.4"}}

    async def body() -> AsyncGenerator[bytes, None]:
        yield b"event"

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def gone(message: Message) -> None:
        raise OSError("the reader has gone")

    for _ in range(3):
        with pytest.raises(ClientDisconnect):
            await PlacedResponse(body(), places, "text/event-stream")(scope, receive, gone)
    with places.taken("192.0.2.1"):
        pass
