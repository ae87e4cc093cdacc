"""Answering a unit that has no stream: a command now, or when there is one."""

from __future__ import annotations

import asyncio

from gateway.clock import Clock
from gateway.metering.outbox import Outbox

MAX_WAIT = 25
"""Seconds for which an answer is held; shorter than the 30 s after which home routers forget a connection
and cheap Ethernet chips give up."""


class _Poll:
    """A request whose answer is held."""

    def __init__(self) -> None:
        self.woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        if not self.woken.done():
            self.woken.set_result(None)

    displace = wake


async def answer(outbox: Outbox, clock: Clock, unit: int, *, fresh: bool, wait: int) -> bytes:
    """The command that answers a unit's request: at once where one is wanted or the gateway is stopping,
    and otherwise an acknowledgement after `wait` seconds (0 to 25).

    `fresh` as for `Outbox.attach`. Raises `StoreError`."""
    poll = _Poll()
    held = wait > 0 and not outbox.stopping and not outbox.pending(unit, poll)
    if held and outbox.attach(unit, poll, fresh):
        timer = clock.call_at(clock.now() + 1_000 * wait, poll.wake)
        try:
            await poll.woken
        finally:
            timer.cancel()
            outbox.detach(unit, poll)
    return await outbox.compose(unit, poll)
