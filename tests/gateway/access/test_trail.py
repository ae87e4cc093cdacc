"""A stream of events ends when its account's session does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.middleware import Middleware
from starlette.types import Message, Scope

from gateway.access.authentication import AccountAuthenticator
from gateway.access.trail import Trail
from gateway.rest import application
from gateway.rest.caller import Caller, allow
from tests.gateway.house import ORIGIN, House


def _router(events: asyncio.Queue[str]) -> APIRouter:
    router = APIRouter()

    async def stream() -> AsyncIterator[str]:
        while True:
            yield f"data: {await events.get()}\n\n"

    @router.get("/events", dependencies=[allow(Caller.ANYBODY, Caller.USER)])
    async def listen() -> StreamingResponse:
        return StreamingResponse(stream(), media_type="text/event-stream")

    return router


async def _listen(
    house: House, events: asyncio.Queue[str], token: str | None, heard: asyncio.Queue[bytes]
) -> None:
    """Put into `heard` what a listener's connection receives, until the gateway ends the stream."""
    gateway = house.gateway
    accounts = AccountAuthenticator(gateway.sessions, gateway.audit, ORIGIN)
    middleware = [Middleware(Trail, audit=gateway.audit, authenticator=accounts)]
    app = application.create([_router(events)], [accounts], middleware)
    headers = [] if token is None else [(b"authorization", f"Bearer {token}".encode())]
    over = asyncio.Event()
    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if requests:
            return requests.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await heard.put(message["body"])
            if not message.get("more_body"):
                over.set()

    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/events",
        "raw_path": b"/events",
        "query_string": b"",
        "headers": headers,
        "client": ("10.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
        "scheme": "http",
    }
    await app(scope, receive, send)


async def test_a_locked_account_hears_nothing_more(gateway_house: House) -> None:
    """The event after the lock does not reach the listener; the stream ends instead."""
    number = await gateway_house.person("maria")
    token = await gateway_house.login("maria")
    events: asyncio.Queue[str] = asyncio.Queue()
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    listening = asyncio.ensure_future(_listen(gateway_house, events, token, heard))
    await events.put("before")
    assert await asyncio.wait_for(heard.get(), 10) == b"data: before\n\n"
    async with await gateway_house.caller("ADMIN") as admin:
        await admin.patch(f"/v1/accounts/{number}", json={"locked": True})
    await events.put("after")
    await asyncio.wait_for(listening, 10)
    assert [heard.get_nowait() for _ in range(heard.qsize())] == [b""]


async def test_a_listener_without_account_is_left_alone(gateway_house: House) -> None:
    """Streams that are open to all have no session that could end."""
    events: asyncio.Queue[str] = asyncio.Queue()
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    listening = asyncio.ensure_future(_listen(gateway_house, events, None, heard))
    for name in ("one", "two"):
        await events.put(name)
        assert await asyncio.wait_for(heard.get(), 10) == f"data: {name}\n\n".encode()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
