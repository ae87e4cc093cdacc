"""Attacks on sessions: cross-site requests, forged and borrowed tokens, rising above one's role."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import Request

from gateway.access import authentication, session
from tests.gateway.house import ORIGIN, PASSWORD, House

LOCK = "/v1/accounts/2"
FOREIGN: list[tuple[dict[str, str], str]] = [
    ({}, "x-csrf-token"),
    ({"x-csrf-token": ""}, "x-csrf-token"),
    ({"x-csrf-token": "0" * 64}, "x-csrf-token"),
    ({"x-csrf-token": "ü"}, "x-csrf-token"),
    ({"x-csrf-token": "RIGHT", "origin": "https://evil.example"}, "origin"),
    ({"x-csrf-token": "RIGHT", "origin": "null"}, "origin"),
    ({"x-csrf-token": "RIGHT", "origin": ORIGIN + ".evil.example"}, "origin"),
    ({"x-csrf-token": "RIGHT", "sec-fetch-site": "cross-site"}, "sec-fetch-site"),
    ({"x-csrf-token": "RIGHT", "sec-fetch-site": "same-site"}, "sec-fetch-site"),
]
"""Headers of requests that another site makes a browser send, and the one that gives each away."""


@asynccontextmanager
async def _browser(house: House, username: str) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A browser that is logged in, with the CSRF token that its page knows."""
    async with house.client(origin=ORIGIN) as browser:
        body = {"username": username, "password": PASSWORD, "cookie": True}
        response = await browser.post("/v1/login", json=body)
        yield browser, response.json()["csrf"]


async def test_a_foreign_page_cannot_use_the_cookie(gateway_house: House) -> None:
    """Whatever the other site makes the browser send, nothing changes."""
    await gateway_house.person("maria")
    await gateway_house.caller("ADMIN")
    async with _browser(gateway_house, "admin") as (browser, csrf):
        for headers, field in FOREIGN:
            sent = [
                (name.encode(), (csrf if value == "RIGHT" else value).encode())
                for name, value in headers.items()
            ]
            response = await browser.patch(LOCK, json={"locked": True}, headers=httpx.Headers(sent))
            assert (response.status_code, response.json()["code"]) == (403, "cross-site"), headers
            assert response.json()["field"] == field
            assert (await browser.get(LOCK)).json()["locked"] is False
        right = await browser.patch(LOCK, json={"locked": True}, headers={"x-csrf-token": csrf})
        assert right.json()["locked"] is True


async def test_a_csrf_token_is_for_one_session(gateway_house: House) -> None:
    """Another session's, even of the same account, does not do."""
    await gateway_house.person("maria")
    await gateway_house.caller("ADMIN")
    async with (
        _browser(gateway_house, "admin") as (browser, _),
        _browser(gateway_house, "admin") as (_, foreign),
    ):
        response = await browser.patch(LOCK, json={"locked": True}, headers={"x-csrf-token": foreign})
    assert response.status_code == 403


async def test_a_foreign_page_cannot_log_a_browser_in(gateway_house: House) -> None:
    """Logging somebody in as oneself makes them act under another's name; the origin is looked at."""
    await gateway_house.person("maria")
    async with gateway_house.client(origin="https://evil.example") as browser:
        body = {"username": "maria", "password": PASSWORD, "cookie": True}
        response = await browser.post("/v1/login", json=body)
    assert response.status_code == 403 and "set-cookie" not in response.headers


async def test_a_form_cannot_send_json(gateway_house: House) -> None:
    """What a form of another site can send without the browser asking first is not read as JSON."""
    await gateway_house.person("maria")
    content = b'{"username": "maria", "password": "' + PASSWORD.encode() + b'", "cookie": true}'
    async with gateway_house.client() as form:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            response = await form.post("/v1/login", content=content, headers={"content-type": kind})
            assert response.status_code == 422 and "set-cookie" not in response.headers, kind


async def test_made_up_tokens_open_nothing(gateway_house: House) -> None:
    """Of any form, as bearer token or cookie: always the same refusal."""
    await gateway_house.caller("ADMIN")
    long, wrong = b"A" * 10_000, b"' OR 1=1 --"
    async with gateway_house.client() as thief:
        for token in (b"", b"x", b"A" * 43, b"A" * 43 + b"\n", b"../../etc", long, wrong, b"\x00" * 43):
            bearer = await thief.get("/v1/account", headers=[(b"authorization", b"Bearer " + token)])
            cookie = await thief.get("/v1/account", headers=[(b"cookie", b"condocharge=" + token)])
            for response in (bearer, cookie):
                assert (response.status_code, response.json()["code"]) == (401, "not-authenticated"), token


async def test_what_the_database_holds_is_no_token(gateway_house: House) -> None:
    """Its hash, sent as a token, opens nothing; nor does the session's id."""
    await gateway_house.person("maria")
    token = await gateway_house.login("maria")
    found = await gateway_house.gateway.sessions.find(token)
    assert found is not None
    for stolen in (session.token_hash(token).hex(), found[0].id):
        async with gateway_house.client(stolen) as thief:
            assert (await thief.get("/v1/account")).status_code == 401


def test_tokens_are_random_enough_and_compared_safely(monkeypatch: pytest.MonkeyPatch) -> None:
    """256 bits; the CSRF token, the one secret that is compared rather than looked up by its hash, goes
    through a comparison in constant time."""
    assert session.TOKEN_BYTES * 8 >= 256
    compared: list[bytes] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.extend((a, b))
        return True

    monkeypatch.setattr(hmac, "compare_digest", compare)
    authenticator = authentication.AccountAuthenticator(None, None, ORIGIN)  # type: ignore[arg-type]
    scope = {"type": "http", "method": "POST", "headers": [(b"x-csrf-token", b"abc")]}
    authenticator._check_page(Request(scope), "token")
    assert compared == [b"abc", session.csrf_token("token").encode()]


@pytest.mark.parametrize("role", ["USER", "AUDITOR"])
async def test_nobody_rises_by_managing_accounts(gateway_house: House, role: str) -> None:
    """Residents and auditors reach no account but their own."""
    await gateway_house.person("victim")
    async with await gateway_house.caller(role) as caller:
        for method, path, body in (
            ("GET", "/v1/accounts", None),
            ("POST", "/v1/accounts", {"username": "mine", "name": "Mine", "role": "ADMIN"}),
            ("PATCH", "/v1/accounts/2", {"role": "ADMIN"}),
            ("POST", "/v1/accounts/1/invitation", None),
        ):
            response = await caller.request(method, path, json=body)
            assert (response.status_code, response.json()["code"]) == (403, "not-authorised"), path


async def test_an_operator_cannot_make_or_take_an_administrator(gateway_house: House) -> None:
    """Neither by creating, promoting, inviting, nor by touching an ADMIN, an AUDITOR or another OPERATOR."""
    resident = await gateway_house.person("resident")
    colleague = await gateway_house.person("colleague", "OPERATOR")
    auditor = await gateway_house.person("reviser", "AUDITOR")
    async with await gateway_house.caller("OPERATOR") as operator:
        own = (await operator.get("/v1/account")).json()["account"]["id"]
        for role in ("ADMIN", "OPERATOR", "AUDITOR"):
            body = {"username": "mine", "name": "Mine", "role": role}
            assert (await operator.post("/v1/accounts", json=body)).status_code == 403
            assert (await operator.patch(f"/v1/accounts/{resident}", json={"role": role})).status_code == 403
        for number in (1, own, colleague, auditor):
            assert (await operator.patch(f"/v1/accounts/{number}", json={"name": "X"})).status_code == 403
            assert (await operator.post(f"/v1/accounts/{number}/invitation")).status_code == 403
        assert (await operator.patch(f"/v1/accounts/{resident}", json={"flat": "3B"})).status_code == 200
    async with await gateway_house.caller("ADMIN") as admin:
        everybody = (await admin.get("/v1/accounts")).json()["accounts"]
    assert [a["username"] for a in everybody if a["role"] == "ADMIN"] == ["admin"]
    assert "mine" not in [a["username"] for a in everybody]


async def test_the_last_administrator_stays(gateway_house: House) -> None:
    """Not even another ADMIN can shut the last one out, and nobody changes their own role."""
    second = await gateway_house.person("second", "ADMIN")
    await gateway_house.caller("ADMIN")
    async with gateway_house.client(await gateway_house.login("second")) as other:
        assert (await other.patch(f"/v1/accounts/{second}", json={"role": "USER"})).status_code == 403
        assert (await other.patch("/v1/accounts/1", json={"locked": True})).status_code == 200
    async with gateway_house.client() as nobody:
        response = await nobody.post("/v1/login", json={"username": "admin", "password": PASSWORD})
        assert response.status_code == 401


async def test_two_administrators_who_shut_each_other_out_leave_one(gateway_house: House) -> None:
    """Whoever is second finds that no session is left to do it with."""
    second = await gateway_house.person("second", "ADMIN")
    one, two = await gateway_house.caller("ADMIN"), gateway_house.client(await gateway_house.login("second"))
    async with one, two:
        assert (await one.patch(f"/v1/accounts/{second}", json={"enabled": False})).status_code == 200
        assert (await two.patch("/v1/accounts/1", json={"enabled": False})).status_code == 401


async def test_members_that_must_be_there_cannot_be_removed(gateway_house: House) -> None:
    """null is refused where the account needs a value."""
    number = await gateway_house.person("maria")
    async with await gateway_house.caller("ADMIN") as admin:
        for name in ("name", "role", "locked", "enabled"):
            response = await admin.patch(f"/v1/accounts/{number}", json={name: None})
            assert (response.status_code, response.json()["field"]) == (422, name)
