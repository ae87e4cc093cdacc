"""One exchange with a switch: bounded in time and size, and never led elsewhere."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Protocol

import httpx

TIMEOUT = 3.0
"""Seconds to connect, and between two pieces of the answer; an exchange has twice that. A switch on the same
network takes 20 ms."""
MAX_ANSWER = 8_192
"""Bytes."""


class SwitchError(Exception):
    """A switch did not answer, or not as it was told; the sentence says how."""


class NetworkSwitch(Protocol):
    """One relay of a commercial switch. Every method raises `SwitchError`."""

    async def on(self, seconds: int) -> None:
        """Close the relay, so that the switch opens it by itself after `seconds` (1 to 3,600); again while
        it is closed, the time begins anew. Returns when the switch has shown both."""

    async def off(self) -> None:
        """Open the relay. Returns when the switch has shown it."""

    async def is_on(self) -> bool:
        """Whether the relay is closed."""


class Unreachable:
    """`NetworkSwitch` for an address that the settings no longer allow."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    async def on(self, seconds: int) -> None:
        """Raises `SwitchError`."""
        raise SwitchError(self._sentence)

    async def off(self) -> None:
        """Raises `SwitchError`."""
        raise SwitchError(self._sentence)

    async def is_on(self) -> bool:
        """Raises `SwitchError`."""
        raise SwitchError(self._sentence)


def client() -> httpx.AsyncClient:
    """The client for all switches: no redirects, no proxy or password of the environment."""
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False)


async def ask(http: httpx.AsyncClient, request: httpx.Request) -> dict[str, Any]:
    """The JSON object that a switch answers with. Raises `SwitchError`."""
    try:
        async with asyncio.timeout(2 * TIMEOUT):
            content = await _content(http, request)
    except TimeoutError:
        raise SwitchError("the switch does not answer in time") from None
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        raise SwitchError("the switch answered with something other than JSON") from None
    if not isinstance(answer, dict):
        raise SwitchError("the switch answered with something other than a JSON object")
    return answer


async def _content(http: httpx.AsyncClient, request: httpx.Request) -> bytes:
    content = b""
    try:
        response = await http.send(request, stream=True)
        try:
            if response.status_code != httpx.codes.OK:
                raise SwitchError(f"the switch answered with status {response.status_code}")
            async for piece in response.aiter_raw():
                content += piece
                if len(content) > MAX_ANSWER:
                    raise SwitchError(f"the switch answered with more than {MAX_ANSWER} bytes")
        finally:
            await response.aclose()
    except httpx.HTTPError as error:
        raise SwitchError(f"the switch does not answer: {type(error).__name__}") from error
    return content
