"""Checking the ledger from the console: what is whole, what was altered, and one at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.transaction.verification import Outcome, Progress, check
from network.embedded.ledger import EmbeddedLedger
from network.ledger import Block, Ledger
from tests.gateway.house import House


def _events(text: str) -> list[tuple[str, Any]]:
    events = []
    for event in text.strip().split("\n\n"):
        name, data = event.split("\n")
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


async def test_an_auditor_has_the_whole_ledger_checked(gateway_house: House) -> None:
    """The outcome names the height and the hash that everybody else sees."""
    async with await gateway_house.caller("AUDITOR") as client:
        answer = await client.get("/v1/ledger/verification")
        known = (await client.get("/v1/ledger")).json()
        members = (await client.get("/v1/ledger/members")).json()
    name, outcome = _events(answer.text)[-1]
    assert (name, outcome["altered"], outcome["whole"]) == ("outcome", None, True)
    assert (outcome["height"], outcome["hash"]) == (known["height"], known["hash"])
    assert (members["height"], members["behind"]) == (known["height"], 0)
    assert [(each["code"], each["own"], each["height"]) for each in members["members"]] == [
        ("riverside", True, known["height"])
    ]


async def test_a_second_check_waits_for_the_first(
    gateway_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reads everything: one is enough for the machine."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    verify = EmbeddedLedger.verify

    async def slowly(self: EmbeddedLedger, progress: Any = None) -> Any:
        begun.set()
        await go_on.wait()
        return await verify(self, progress)

    monkeypatch.setattr(EmbeddedLedger, "verify", slowly)
    async with await gateway_house.caller("AUDITOR") as client:
        first = asyncio.ensure_future(client.get("/v1/ledger/verification"))
        await asyncio.wait_for(begun.wait(), 10)
        second = await client.get("/v1/ledger/verification")
        go_on.set()
        assert (await first).status_code == 200
        assert (second.status_code, second.json()["field"]) == (409, "ledger")
        assert (await client.get("/v1/ledger/verification")).status_code == 200


async def test_a_check_whose_reader_has_gone_is_still_the_only_one() -> None:
    """It goes on in its thread; the next may begin when that has ended, and not before."""
    alone, go_on = asyncio.Lock(), asyncio.Event()

    async def verify(progress: Callable[[int, int], None]) -> Outcome:
        progress(1, 2)
        await go_on.wait()
        return Outcome(2, "", 0, whole=True)

    unread: Any = None
    reader = check(unread, verify, alone)
    assert await anext(reader) == Progress(1, 2)
    await reader.aclose()
    assert alone.locked()
    go_on.set()
    await asyncio.wait_for(alone.acquire(), 10)


class _Peer:
    """A ledger that only hands out blocks, as Fabric's does."""

    def __init__(self, ledger: Ledger, altered: int | None) -> None:
        self._ledger = ledger
        self._altered = altered

    async def height(self) -> int:
        return await self._ledger.height()

    async def block(self, number: int) -> Block:
        block = await self._ledger.block(number)
        return replace(block, previous_hash=bytes(32)) if number == self._altered else block


@pytest.mark.parametrize("altered", [None, 1])
async def test_a_chain_of_blocks_that_does_not_hold_together_is_told(
    gateway_house: House, altered: int | None
) -> None:
    """Where a ledger cannot check itself, each block has to name the one before."""
    async with await gateway_house.caller("ADMIN") as admin:
        band = {"name": "day", "energy_price": 1}
        assert (await admin.post("/v1/tariffs", json={"bands": [band]})).status_code == 201
    ledger = gateway_house.gateway.ledger
    peer: Any = _Peer(ledger, altered)
    steps = [step async for step in check(peer, None, asyncio.Lock())]
    outcome = steps[-1]
    assert isinstance(outcome, Outcome)
    assert not outcome.whole
    if altered is None:
        assert (outcome.altered, outcome.height) == (None, await ledger.height())
    else:
        assert outcome.altered == "block 1: it does not name the block before it"
