"""From what happens to sessions to what residents are told: watches the bus, keeps a notice, pushes it.

While no wallet has chosen anything nothing is watched. What a busy gateway's bus could not deliver is looked
up: notices are of states, and each is told once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping

from chaincode.errors import ContractError
from gateway.charging.reason import Code
from gateway.clock import Clock
from gateway.monitor.alarm import TOPIC as ALARMS
from gateway.monitor.monitor import SESSIONS
from gateway.monitor.view import SessionAnswer
from gateway.notification.bus import LAGGED, Bus, Notice
from gateway.notification.kind import NoticeKind
from gateway.notification.push import Address, Outcome, PushSender
from gateway.notification.subscription import Subscriptions, Told
from gateway.store.errors import StoreError
from network.ledger import LedgerError

ATTEMPTS = 4
PAUSE = 15.0
"""Seconds before a message is sent again that a push service did not take; doubled each time."""
_LOG = logging.getLogger(__name__)
_Finding = tuple[NoticeKind, str, dict[str, int]]


class Teller:
    """Tells wallets what they chose to be told."""

    def __init__(
        self,
        *,
        bus: Bus,
        clock: Clock,
        subscriptions: Subscriptions,
        push: PushSender,
        view: Callable[[str], Awaitable[SessionAnswer]],
        balance: Callable[[str], Awaitable[int]],
        session_at: Callable[[int], str | None],
        under_way: Callable[[], list[str]],
    ) -> None:
        """`view` shows a session, `balance` tells what a wallet holds in minor units, `session_at` which
        session is first at a unit, `under_way` all that have not ended."""
        self._bus = bus
        self._clock = clock
        self._subscriptions = subscriptions
        self._push = push
        self._view = view
        self._balance = balance
        self._session_at = session_at
        self._under_way = under_way
        self._watching: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._told: dict[str, set[str]] = {}
        """Names of what was told of sessions under way, so that the database is not asked at each reading."""

    async def start(self) -> None:
        """Begin, where somebody wants to know."""
        await self._subscriptions.load()
        self.wake()

    def wake(self) -> None:
        """Somebody may have chosen something."""
        if self._watching is None and self._subscriptions.anybody:
            self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Stop; what was being pushed is given up, the notices are kept."""
        tasks = [task for task in (self._watching, *self._sending) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._push.close()

    async def _watch(self) -> None:
        while True:
            # Sessions may have ended unheard.
            self._told.clear()
            with self._bus.subscribe(SESSIONS, ALARMS) as notices:
                for session in self._under_way():
                    await self._safely(self._look(session))
                async for notice in notices:
                    if notice.name == LAGGED:
                        break
                    await self._safely(self._hear(notice))
                else:
                    return

    async def _safely(self, work: Awaitable[None]) -> None:
        try:
            await work
        except (StoreError, LedgerError, ContractError) as error:
            # Charging goes on, and the page that asks shows the same.
            _LOG.error("a notice was not given: %s", error)

    async def _hear(self, notice: Notice) -> None:
        if notice.topic == SESSIONS:
            await self._look(notice.data["session"])
        elif notice.name == "raised":
            session = notice.data["session"]
            if session is None and notice.data["unit"] is not None:
                session = self._session_at(notice.data["unit"])
            if session is not None:
                shown = await self._view(session)
                await self._tell(shown, NoticeKind.ABNORMAL, str(notice.data["kind"]), {})

    async def _look(self, session: str) -> None:
        shown = await self._view(session)
        chosen = self._subscriptions.chosen(shown.wallet)
        if not chosen:
            self._told.pop(session, None)
            return
        for kind, name, values in _findings(shown, await self._names(shown)):
            await self._tell(shown, kind, name, values)
        if shown.activity == "ended" and NoticeKind.LOW_BALANCE in chosen:
            left = await self._balance(shown.wallet)
            if left < shown.escrow:
                await self._tell(shown, NoticeKind.LOW_BALANCE, "low-balance", {"balance": left})

    async def _tell(
        self, shown: SessionAnswer, kind: NoticeKind, name: str, values: Mapping[str, int]
    ) -> None:
        if kind not in self._subscriptions.chosen(shown.wallet):
            return
        names = await self._names(shown)
        if name in names:
            return
        told = Told(0, shown.wallet, kind, name, shown.session, shown.unit, self._clock.now(), values)
        fresh = await self._subscriptions.note(told)
        names.add(name)
        if fresh:
            for identity, address in (await self._subscriptions.browsers(shown.wallet)).items():
                task = asyncio.create_task(self._send(identity, address, told))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    async def _names(self, shown: SessionAnswer) -> set[str]:
        """What was told of a session, by this gateway before or after a restart, or by another."""
        if shown.activity == "ended":
            self._told.pop(shown.session, None)
            return await self._subscriptions.names(shown.session)
        if shown.session not in self._told:
            self._told[shown.session] = await self._subscriptions.names(shown.session)
        return self._told[shown.session]

    async def _send(self, identity: str, address: Address, told: Told) -> None:
        message = {
            "kind": told.kind,
            "name": told.name,
            "session": told.session,
            "unit": told.unit,
            "values": dict(told.values),
        }
        for attempt in range(ATTEMPTS):
            outcome = await self._push.send(address, message)
            if outcome is Outcome.GONE:
                await self._subscriptions.remove(identity)
            if outcome is not Outcome.LATER:
                return
            await asyncio.sleep(PAUSE * 2**attempt)
        _LOG.warning("a push message was given up after %d attempts", ATTEMPTS)


def _findings(shown: SessionAnswer, told: set[str]) -> Iterator[_Finding]:
    """What a session's state is worth telling, after what was `told`."""
    if shown.activity == "queued" and shown.position is not None:
        yield NoticeKind.QUEUED, "queued", {"position": shown.position}
    if shown.activity == "queued" and shown.why is not None and shown.why.code == Code.OCCUPIED:
        yield NoticeKind.QUEUED, "occupied", {}
    if shown.activity == "charging" and told & {"queued", "occupied"}:
        yield NoticeKind.QUEUED, "begun", {}
    so_far = {"energy": shown.energy, "cost": shown.cost}
    if shown.activity == "complete":
        yield NoticeKind.CHARGED, "full", so_far
    if shown.activity == "ended" and shown.state == "settled":
        yield NoticeKind.CHARGED, "ended", so_far | {"refund": shown.refund or 0}
