"""What a phone has to bring before the wallet's first view can be used: bytes, and how often it waits."""

from __future__ import annotations

import re

import httpx
import pytest
from starlette.responses import PlainTextResponse

from gateway.site import Site
from tools.web import WEB

_BYTES = 38_000
"""Compressed, without headers. 1.6 Mbit/s bring that in 0.2 s."""
_CONNECTIONS = 6
"""How many a browser opens to a host over HTTP/1.1."""
_TURNS = 2
"""How often it waits for the server after the page itself, where each connection brings a file a turn."""


@pytest.mark.parametrize("language", ["en", "pt"])
async def test_the_first_view_weighs_little_and_is_brought_in_two_turns(language: str) -> None:
    """The page says itself what to bring, so that nothing is found only in what was brought."""
    site = Site(WEB, "wallet", PlainTextResponse("behind", 404))
    headers = {"Accept-Language": language, "Accept-Encoding": "gzip"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=site), base_url="http://site", headers=headers
    ) as client:
        page = await client.get("/")
        modules = re.findall(r'<link rel="modulepreload" href="([^"]+)" />', page.text)
        weight = 0
        for path in ("/", *modules):
            async with client.stream("GET", path) as answer:
                weight += sum([len(chunk) async for chunk in answer.aiter_raw()])
    assert "stylesheet" not in page.text
    assert {"/app.js", "/pages/welcome.js", f"/locales/{language}.js"} <= set(modules)
    assert len(modules) <= _TURNS * _CONNECTIONS
    assert weight <= _BYTES
