"""A whole gateway for a test, and people who call it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from argon2 import PasswordHasher

from gateway.app import Gateway
from gateway.clock import SimulatedClock
from gateway.settings import load

START = 1_767_225_600_000
"""1 January 2026, in ms."""
ORIGIN = "http://127.0.0.1:8080"
PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ENVIRONMENT = {
    "CONDOCHARGE_CONDOMINIUM_CODE": "riverside",
    "CONDOCHARGE_CONDOMINIUM_NAME": "Riverside 12",
    "CONDOCHARGE_CONDOMINIUM_TIME_ZONE": "Europe/Lisbon",
}


@dataclass
class House:
    """An open gateway with its simulated clock."""

    gateway: Gateway
    clock: SimulatedClock
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A caller: nobody, or a script with a session's token."""
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(self.gateway.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)

    async def login(self, username: str, password: str = PASSWORD) -> str:
        """The token of a new session."""
        async with self.client() as client:
            response = await client.post("/v1/login", json={"username": username, "password": password})
        assert response.status_code == 200, response.text
        token: str = response.json()["token"]
        return token

    async def accept(self, token: str, password: str = PASSWORD) -> None:
        """Set an invited account's password."""
        async with self.client() as client:
            response = await client.post(
                "/v1/invitations/accept", json={"token": token, "password": password}
            )
        assert response.status_code == 200, response.text

    async def caller(self, role: str) -> httpx.AsyncClient:
        """Somebody of `role`, logged in; the same account each time."""
        if role not in self.tokens:
            if role == "ADMIN":
                invited = await self.gateway.access.invite_first_admin()
                assert invited is not None
                await self.accept(invited.token)
                self.tokens[role] = await self.login("admin")
            else:
                await self.person(role.lower(), role)
                self.tokens[role] = await self.login(role.lower())
        return self.client(self.tokens[role])

    async def person(self, username: str, role: str = "USER") -> int:
        """A new account with `PASSWORD`; returns its number."""
        async with await self.caller("ADMIN") as admin:
            body = {"username": username, "name": username.title(), "role": role}
            response = await admin.post("/v1/accounts", json=body)
        assert response.status_code == 201, response.text
        await self.accept(response.json()["token"])
        number: int = response.json()["account"]["id"]
        return number


@asynccontextmanager
async def opened(directory: Path, url: str = "") -> AsyncIterator[House]:
    """A gateway whose files are in `directory`; its database at `url`, SQLite there where that is empty."""
    environment = ENVIRONMENT | {"CONDOCHARGE_DIRECTORY": str(directory), "CONDOCHARGE_DATABASE_URL": url}
    clock = SimulatedClock(START)
    async with await Gateway.open(load(None, environment), clock, CHEAP) as gateway:
        await gateway.start()
        yield House(gateway, clock)
