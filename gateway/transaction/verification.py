"""Checking the whole ledger where it is kept: for operators at once; an auditor need not trust it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from network.ledger import Ledger

_PAUSE = 0.25
"""Seconds between two signs of progress."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many blocks of how many have been read."""

    read: int
    of: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check came to."""

    height: int
    hash: str
    """Of the last block's header, hexadecimal; empty before the first."""
    transactions: int
    whole: bool
    """Whether signatures, validation and state were checked too, and not the chain of blocks alone."""
    altered: str | None = None
    """What is not as it was committed; None where all is."""


Verify = Callable[[Callable[[int, int], None]], Awaitable[Outcome]]
"""Checks everything that a ledger holds, telling how many blocks of how many are read, from any thread."""


async def check(
    ledger: Ledger, verify: Verify | None, alone: asyncio.Lock
) -> AsyncGenerator[Progress | Outcome, None]:
    """Check the ledger; the last that comes is an `Outcome`. Raises LedgerError where it cannot be read.

    Without `verify` the chain of blocks is checked: Fabric's peers check the rest as they commit. `alone` is
    held until the check is over. A thread that checks everything does not stop when its reader goes, so
    nor does `alone` come free: or readers who come and go would have the machine check for ever."""
    await alone.acquire()
    if verify is not None:
        async for step in _everything(verify, alone):
            yield step
        return
    try:
        async for step in _chain(ledger):
            yield step
    finally:
        alone.release()


async def _everything(verify: Verify, alone: asyncio.Lock) -> AsyncGenerator[Progress | Outcome, None]:
    loop = asyncio.get_running_loop()
    steps: asyncio.Queue[Progress | None] = asyncio.Queue()
    last = 0.0

    def tell(read: int, of: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _PAUSE:
            last = now
            loop.call_soon_threadsafe(steps.put_nowait, Progress(read, of))

    verifying = asyncio.ensure_future(verify(tell))
    verifying.add_done_callback(lambda _: alone.release())
    verifying.add_done_callback(lambda _: steps.put_nowait(None))
    while (step := await steps.get()) is not None:
        yield step
    yield await verifying


async def _chain(ledger: Ledger) -> AsyncGenerator[Progress | Outcome, None]:
    height = await ledger.height()
    previous: bytes | None = None
    transactions, last = 0, time.monotonic()
    for number in range(height):
        block = await ledger.block(number)
        if previous is not None and block.previous_hash != previous:
            text = f"block {number}: it does not name the block before it"
            yield Outcome(number, "", transactions, whole=False, altered=text)
            return
        previous = block.hash
        transactions += len(block.transactions)
        if time.monotonic() - last >= _PAUSE:
            last = time.monotonic()
            yield Progress(number + 1, height)
    yield Outcome(height, previous.hex() if previous is not None else "", transactions, whole=False)
