"""What stands around every route: browsers' security headers, a size limit, an answer whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.rest.problem import problem

MAX_BODY = 64 * 1024
"""Bytes; an intent has at most 16 KiB of body in base64url, and a unit sends its batches in portions."""

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Sent with every answer that does not say otherwise. Browsers heed Strict-Transport-Security over HTTPS
alone (RFC 6797, section 8.1)."""

_log = logging.getLogger(__name__)


class Guard:
    """ASGI middleware: adds `HEADERS` to every answer, refuses bodies above `limit` bytes, declared or
    not, and answers 500 for what nobody caught."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY, larger: Mapping[str, int] | None = None) -> None:
        """`larger` has the limits of paths whose bodies may be longer than `limit`."""
        self._app = app
        self._limit = limit
        self._larger = larger or {}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def complete(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                present = {name.lower() for name, _ in message["headers"]}
                missing = [header for header in self._headers if header[0] not in present]
                message["headers"] = [*message["headers"], *missing]
            await send(message)

        try:
            limit = self._larger.get(scope["path"], self._limit)
            if _allows(scope, limit):
                await self._app(scope, _counted(receive, limit), complete)
            else:
                await _refuse(scope, receive, complete, limit)
        except Exception:
            if started:
                # Half an answer is out: breaking the connection is the only way left to say so.
                raise
            _log.exception("%s %s failed", scope["method"], scope["path"])
            answer = problem(500, "unexpected", "gateway", "failed unexpectedly; the operator's log says how")
            await answer(scope, receive, complete)


def _allows(scope: Scope, limit: int) -> bool:
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    return declared.isdigit() and int(declared[:20]) <= limit


def _counted(receive: Receive, limit: int) -> Receive:
    size = 0

    async def count() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            # FastAPI lets its own kind of exception through while it reads a body, and no other.
            raise HTTPException(413)
        return message

    return count


async def _refuse(scope: Scope, receive: Receive, send: Send, limit: int) -> None:
    rule = f"has at most {limit} bytes"
    # The body was not read, so the connection cannot be used again.
    answer = problem(413, "too-large", "body", rule, headers={"Connection": "close"})
    await answer(scope, receive, send)
