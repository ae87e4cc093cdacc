"""Streams speak when they are stirred, so that what watches them need not wait for an event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import nullcontext

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from gateway.rest.stream import ServerEvent, Streams


def _body(streams: Streams, events: AsyncGenerator[ServerEvent, None]) -> AsyncIterator[bytes]:
    body: AsyncIterator[bytes] = streams.response(events).body_iterator  # type: ignore[assignment]
    return body


async def test_a_stirred_stream_sends_a_comment_and_goes_on() -> None:
    """The comment comes without an event, and the event that follows it is not lost."""
    streams, wanted = Streams(), asyncio.Event()

    async def events() -> AsyncGenerator[ServerEvent, None]:
        yield ServerEvent("first", 1)
        await wanted.wait()
        yield ServerEvent("second", 2)

    body = _body(streams, events())
    assert await anext(body) == b"event: first\ndata: 1\n\n"
    comment = asyncio.ensure_future(anext(body))
    await asyncio.sleep(0)
    streams.stir()
    assert await asyncio.wait_for(comment, 10) == b": still here\n\n"
    wanted.set()
    assert await anext(body) == b"event: second\ndata: 2\n\n"
    assert [chunk async for chunk in body] == []


async def test_a_closed_stream_is_stirred_no_more() -> None:
    """What has ended is forgotten."""
    streams = Streams()

    async def events() -> AsyncGenerator[ServerEvent, None]:
        yield ServerEvent("only", None)

    assert [chunk async for chunk in _body(streams, events())] == [b"event: only\ndata: null\n\n"]
    streams.stir()
    await streams.close()
    assert [chunk async for chunk in _body(streams, events())] == []


@pytest.mark.parametrize("version", ["2.3", "2.4"])
async def test_a_reader_who_goes_leaves_nothing_waiting(version: str) -> None:
    """What the stream waited for has ended as the answer ends, not when memory is looked through.

    ASGI tells of it by a message, or since 2.4 by an error of `send`."""
    ended = False
    sent = asyncio.Event()

    async def events() -> AsyncGenerator[ServerEvent, None]:
        nonlocal ended
        try:
            yield ServerEvent("only", None)
            await asyncio.Event().wait()
        finally:
            ended = True

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            sent.set()
            if version == "2.4":
                raise OSError("the reader has gone")

    async def receive() -> Message:
        await sent.wait()
        return {"type": "http.disconnect"}

    before = asyncio.all_tasks()
    scope = {"type": "http", "asgi": {"spec_version": version}, "client": ("127.0.0.1", 1)}
    with nullcontext() if version == "2.3" else pytest.raises(ClientDisconnect):
        await Streams().response(events())(scope, receive, send)
    for _ in range(20):
        await asyncio.sleep(0)
    assert ended
    assert asyncio.all_tasks() == before
