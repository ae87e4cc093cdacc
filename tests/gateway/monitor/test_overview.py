"""The floor at one glance: what staff see of it, what a resident does, and when its stream ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Scope

from gateway.monitor.anomaly import Anomaly, Kind
from tests.gateway.house import House


async def _furnish(house: House) -> None:
    """One group with one unit that nobody has heard of yet."""
    group = {"code": "garage", "name": "Garage", "maximum_load": 7_360, "phases": 1}
    unit = {
        "unit": 7,
        "class": "mac",
        "nominal_current": 16_000,
        "nominal_voltage": 2_300,
        "phases": 1,
        "settings": {"name": "Seven", "location": "by the lift", "group": "garage", "maximum": 10_000},
    }
    async with await house.caller("ADMIN") as admin:
        assert (await admin.post("/v1/groups", json=group)).status_code == 201
        assert (await admin.post("/v1/units", json=unit)).status_code == 201
    await house.gateway.operation.fleet.load()
    house.gateway.operation.alarms.raise_(Anomaly(Kind.SILENT, "nothing was heard"), 7)
    await house.gateway.operation.alarms.close()


async def _overview(house: House, role: str) -> dict[str, Any]:
    async with await house.caller(role) as client:
        response = await client.get("/v1/overview")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_staff_see_groups_units_and_what_is_wrong(gateway_house: House) -> None:
    """A unit that was never heard of is offline; its installation's maximum is told beside its nominal."""
    await _furnish(gateway_house)
    seen = await _overview(gateway_house, "AUDITOR")
    assert seen["groups"] == [{"code": "garage", "name": "Garage", "limit": 7_360, "load": 0, "granted": 0}]
    [unit] = seen["units"]
    assert (unit["unit"], unit["state"], unit["class"], unit["heard"]) == (7, "offline", "mac", None)
    assert (unit["current"], unit["maximum"]) == (16_000, 10_000)
    assert [alarm["kind"] for alarm in seen["alarms"]] == ["unit-silent"]


async def test_a_resident_sees_units_but_neither_sessions_nor_alarms(gateway_house: House) -> None:
    """The reduced picture has the same units."""
    await _furnish(gateway_house)
    seen = await _overview(gateway_house, "USER")
    assert [(unit["unit"], unit["sessions"]) for unit in seen["units"]] == [(7, [])]
    assert seen["alarms"] == []


async def test_the_stream_ends_in_the_moment_in_which_its_account_is_locked(
    gateway_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has to happen on the floor for it."""
    monkeypatch.setattr("gateway.monitor.overview.BEAT", 3_600.0)
    number = await gateway_house.person("maria")
    token = await gateway_house.login("maria")
    heard: asyncio.Queue[Message] = asyncio.Queue()
    over = asyncio.Event()
    asked: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if asked:
            return asked.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        await heard.put(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            over.set()

    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/v1/overview/events",
        "raw_path": b"/v1/overview/events",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
        "client": ("10.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
        "scheme": "http",
    }
    listening = asyncio.ensure_future(gateway_house.gateway.app(scope, receive, send))
    assert (await asyncio.wait_for(heard.get(), 10))["status"] == 200
    first = await asyncio.wait_for(heard.get(), 10)
    assert first["body"].startswith(b"event: overview\ndata: {")
    async with await gateway_house.caller("ADMIN") as admin:
        await admin.patch(f"/v1/accounts/{number}", json={"locked": True})
    await asyncio.wait_for(listening, 10)
    assert over.is_set()
