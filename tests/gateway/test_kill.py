"""The gateway's process killed with SIGKILL at random moments under load: nothing acknowledged is lost, no
session is stuck, and energy on the ledger is what the meters say."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from chaincode.session import ENDED
from client.auditor.ledger import LedgerAudit
from tests.gateway.promises import Promises
from tests.gateway.traffic import SOCKETS, SUPPLY, Traffic
from tests.gateway.victim import Victim

RESIDENTS = 8
LONGEST = 1.5
"""Seconds of load between a start and the next kill, at most."""
PATIENCE = 120.0
"""Seconds in which every session has to end once nobody comes any more."""


@asynccontextmanager
async def living(victim: Victim) -> AsyncIterator[tuple[Traffic, httpx.AsyncClient]]:
    """A furnished gateway under load."""
    # A pool with a limit forgets some of the requests that are cancelled, and is full one day.
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=victim.url, timeout=30, limits=limits) as client:
        try:
            await victim.rise()
            house = (await client.get("/v1/condominium")).json()
            promises = Promises(victim.directory, LedgerAudit([house["root_certificate"].encode()]))
            traffic = Traffic(victim, promises, client)
            await traffic.furnish()
            traffic.start(victim.chance, RESIDENTS)
            try:
                yield traffic, client
            finally:
                await traffic.close()
        finally:
            await victim.close()


async def kill(victim: Victim, traffic: Traffic, client: httpx.AsyncClient) -> None:
    """One life: under load until it is killed, perhaps killed again while it starts, and all that was
    acknowledged is there when it has come back."""
    await asyncio.sleep(victim.chance.uniform(0, LONGEST))
    await victim.die()
    if victim.chance.random() < 0.2:
        await victim.stumble()
    await victim.rise()
    await traffic.promises.check(client)
    traffic.check()


async def settle(traffic: Traffic, client: httpx.AsyncClient) -> None:
    """The load ends: every session is over, every milliwatt-hour is billed and every token is somewhere."""
    await traffic.end(PATIENCE)
    promises = traffic.promises
    await promises.check(client)
    assert all(session.state in ENDED for session in promises.sessions.values())
    opened = {session for resident in traffic.residents for session in resident.sessions}
    assert opened == promises.sessions.keys()
    for number in SOCKETS:
        unit = traffic.places[number].unit
        billed = sum(
            session.settlement.energy
            for session in promises.sessions.values()
            if session.unit == number and session.settlement is not None
        )
        assert unit is not None
        assert billed == unit.register, (number, [s for s in promises.sessions.values() if s.unit == number])
    await check_money(traffic)


async def check_money(traffic: Traffic) -> None:
    """Supply is exact, and each wallet has what it bought less what its sessions cost."""
    (supply,) = traffic.promises.audit.report().supply.values()
    assert supply.holds and supply.escrow == 0
    assert supply.issued == SUPPLY * len(traffic.promises.purchases)
    costs = 0
    for resident in traffic.residents:
        ended = [traffic.promises.sessions[session].settlement for session in resident.sessions]
        cost = sum(each.cost for each in ended if each is not None)
        known = await traffic.ask("GET", f"/v1/wallets/{resident.wallet}", key=resident.key)
        assert (known["balance"], known["escrow"]) == (resident.bought - cost, 0)
        costs += cost
    assert supply.income == costs > 0


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(20, marks=pytest.mark.slow),
        pytest.param(1_000, marks=[pytest.mark.soak, pytest.mark.timeout(0)]),
    ],
)
async def test_killed_under_load_it_keeps_every_promise(tmp_path: Path, kills: int) -> None:
    """So many kills, some of them during a start; checked after each, and whole at the end."""
    victim = Victim(tmp_path / "state", random.Random(kills))
    async with living(victim) as (traffic, client):
        while victim.kills < kills:
            await kill(victim, traffic, client)
            if victim.kills % 50 == 0:
                sys.stderr.write(f"{victim.kills} kills, {len(traffic.promises.sessions)} sessions\n")
        await settle(traffic, client)
        report = traffic.promises.audit.report()
    promises = traffic.promises
    sys.stderr.write(
        f"{victim.kills} kills, {len(promises.transactions)} transactions and {promises.checked} batches "
        f"acknowledged, {len(promises.sessions)} sessions, {report.blocks} blocks\n"
    )
    assert "Traceback" not in victim.log.read_text()
