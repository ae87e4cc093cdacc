"""Load from several condominiums, and what became of every transaction of it.

Each transaction adds one to a key of its own, so a lost one leaves nothing and a repeated one leaves two.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chaincode.condominium import namespace_of
from network.fabric import FabricLedger
from network.federation.readiness import wait_until
from network.federation.status import heights, leads
from network.ledger import VALID, CommitStatusError, LedgerError
from tests.federation import Network

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
        found[:] = [code for code, folder in federation.folders.items() if leads(folder)]
        return len(found) == 1

    await wait_until("no orderer leads", known, 60)
    return found[0]


async def caught_up(federation: Network) -> None:
    """Wait until all peers and orderers have the same height."""

    async def level() -> bool:
        found = {height for pair in await heights(list(federation.folders.values())) for height in pair}
        return len(found) == 1 and None not in found

    await wait_until("a peer or orderer does not catch up", level, 120)


def said(record: Callable[[str, object], None], load: Load) -> None:
    """Put on record for how long service paused, and how much went on."""
    record("longest pause, s", round(load.pause, 1))
    record("acknowledged", sum(len(keys) for keys in load.done.values()))
