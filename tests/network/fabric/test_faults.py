"""Orderers, peers, chaincode servers and gateways that die or freeze under load: nothing lost, nothing twice.

Each transaction adds one to a key of its own, so a lost one leaves nothing and a repeated one leaves two.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from chaincode.condominium import namespace_of
from network.fabric import FabricLedger
from network.federation.readiness import wait_until
from network.federation.status import status
from network.ledger import VALID, CommitStatusError, LedgerError
from tests.federation import Network

pytestmark = [pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(400)]

Ledgers = dict[str, FabricLedger]


@dataclass
class Load:
    """Transactions of several condominiums, one after the other each, until it is told to stop."""

    ledgers: Ledgers
    name: str
    done: dict[str, list[str]] = field(default_factory=dict)
    """Keys of acknowledged transactions, by condominium."""
    unsure: list[tuple[str, str, str]] = field(default_factory=list)
    """Condominium, key and transaction id of what was handed over with no known outcome."""
    times: list[float] = field(default_factory=list)

    async def __aenter__(self) -> Load:
        self._stop = asyncio.Event()
        self.done = {code: [] for code in self.ledgers}
        self._workers = [asyncio.create_task(self._work(code)) for code in self.ledgers]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._workers)

    async def more(self, count: int, *codes: str) -> None:
        """Wait until each of `codes` (default: all) has had `count` more transactions acknowledged."""
        wanted = {code: len(self.done[code]) + count for code in codes or self.ledgers}

        async def reached() -> bool:
            return all(len(self.done[code]) >= number for code, number in wanted.items())

        await wait_until(f"no {count} more transactions of {wanted}", reached, 120)

    @property
    def pause(self) -> float:
        """The longest time between two acknowledgements, in seconds."""
        return max((after - before for before, after in itertools.pairwise(self.times)), default=0.0)

    async def _work(self, code: str) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            key = f"{self.name} {code} {number}"
            try:
                await self.ledgers[code].submit(namespace_of(code), "add", [key.encode(), b"1"])
            except CommitStatusError as error:
                self.unsure.append((code, key, error.transaction_id))
            except LedgerError:
                await asyncio.sleep(0.2)
            else:
                self.done[code].append(key)
                self.times.append(time.monotonic())

    async def check(self) -> None:
        """Every acknowledged transaction is there once; every unsure one as its status says."""
        for code, keys in self.done.items():
            ledger = self.ledgers[code]
            arguments = [key.encode() for key in keys]
            values = json.loads(await ledger.evaluate(namespace_of(code), "get_many", arguments))
            assert values == ["1"] * len(keys)
        for code, key, transaction_id in self.unsure:
            outcome = await self.ledgers[code].commit_status(transaction_id)
            answer = await self.ledgers[code].evaluate(namespace_of(code), "get", [key.encode()])
            assert json.loads(answer) == ("1" if outcome.validation == VALID else None)


async def leader(federation: Network) -> str:
    """The condominium whose orderer leads."""
    found: list[str] = []

    async def known() -> bool:
        found[:] = [entry.code for entry in await status(list(federation.folders.values())) if entry.leads]
        return len(found) == 1

    await wait_until("no orderer leads", known, 60)
    return found[0]


async def caught_up(federation: Network) -> None:
    """Wait until all peers and orderers have the same height."""

    async def level() -> bool:
        found = await status(list(federation.folders.values()))
        heights = {entry.peer_height for entry in found} | {entry.orderer_height for entry in found}
        return len(heights) == 1 and None not in heights

    await wait_until("a peer or orderer does not catch up", level, 120)


def said(record: Callable[[str, object], None], load: Load) -> None:
    """Put on record for how long service paused, and how much went on."""
    record("longest pause, s", round(load.pause, 1))
    record("acknowledged", sum(len(keys) for keys in load.done.values()))


@pytest.mark.parametrize("which", ["leader", "follower"])
async def test_one_orderer_of_four_is_killed(
    which: str,
    federation: Network,
    ledgers: Ledgers,
    name: str,
    record_property: Callable[[str, object], None],
) -> None:
    """Service goes on without it, and it catches up when it comes back."""
    leading = await leader(federation)
    victim = leading if which == "leader" else next(code for code in ledgers if code != leading)
    async with Load(ledgers, name) as load:
        await load.more(3)
        federation.kill(victim, "orderer", held=True)
        await load.more(5)
    await federation.release(victim, "orderer")
    await load.check()
    await caught_up(federation)
    said(record_property, load)


async def test_one_orderer_of_four_is_frozen(
    federation: Network, ledgers: Ledgers, name: str, record_property: Callable[[str, object], None]
) -> None:
    """A process that holds its connections and answers nothing (SIGSTOP) stops nobody else."""
    leading = await leader(federation)
    victim = next(code for code in ledgers if code != leading)
    number = federation.process(victim, "orderer")
    async with Load(ledgers, name) as load:
        await load.more(3)
        os.kill(number, signal.SIGSTOP)
        try:
            await load.more(5)
        finally:
            os.kill(number, signal.SIGCONT)
    await load.check()
    await caught_up(federation)
    said(record_property, load)


async def test_one_peer_of_four_is_killed(
    federation: Network, ledgers: Ledgers, name: str, record_property: Callable[[str, object], None]
) -> None:
    """The other condominiums go on; the one whose peer died goes on when it is back."""
    victim, *others = ledgers
    async with Load(ledgers, name) as load:
        await load.more(3)
        federation.kill(victim, "peer", held=True)
        await load.more(5, *others)
        await federation.release(victim, "peer")
        await load.more(2)
    await load.check()
    await caught_up(federation)
    said(record_property, load)


async def test_the_chaincode_server_is_killed_in_mid_transaction(
    federation: Network, ledgers: Ledgers, name: str
) -> None:
    """The transaction under way is run again by the server that takes its place, and commits once."""
    code = "boreal"
    under_way = asyncio.create_task(ledgers[code].submit(namespace_of(code), "linger", [name.encode(), b"1"]))
    await asyncio.sleep(0.5)
    federation.kill(code, "chaincode")
    committed = await under_way
    assert (await ledgers[code].commit_status(committed.transaction_id)).validation == VALID
    answer = await ledgers[code].evaluate(namespace_of(code), "get", [name.encode()])
    assert json.loads(answer) == "done"


async def test_a_gateway_dies_between_endorse_and_submit(ledgers: Ledgers, name: str) -> None:
    """Nothing was ordered, so its successor does it, once."""
    ledger, namespace = ledgers["cedar"], namespace_of("cedar")
    proposal = ledger.gateway.propose(namespace, [b"add", name.encode(), b"1"])
    await ledger.gateway.endorse(proposal)
    await ledger.submit(namespace, "add", [name.encode(), b"1"])
    assert json.loads(await ledger.evaluate(namespace, "get", [name.encode()])) == "1"


async def test_a_gateway_dies_between_submit_and_commit(ledgers: Ledgers, name: str) -> None:
    """Its successor learns the outcome from the transaction's id; handing it over again changes nothing."""
    ledger, namespace = ledgers["cedar"], namespace_of("cedar")
    proposal = ledger.gateway.propose(namespace, [b"add", name.encode(), b"1"])
    envelope, _ = await ledger.gateway.endorse(proposal)
    await ledger.gateway.hand_over(proposal.transaction_id, envelope)
    assert (await ledger.commit_status(proposal.transaction_id)).validation == VALID
    await ledger.gateway.hand_over(proposal.transaction_id, envelope)
    await ledger.submit(namespace, "put", [f"{name} after".encode(), b"x"])
    assert json.loads(await ledger.evaluate(namespace, "get", [name.encode()])) == "1"
    assert (await ledger.commit_status(proposal.transaction_id)).validation == VALID
