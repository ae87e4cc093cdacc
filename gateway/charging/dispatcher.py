"""Turning the scheduler's plans into commands, as soon as anything changes.

A group is planned anew when a session comes, ends or is heard of again, and when a grant runs out for which
somebody waits; nothing is polled. Each ON is for a limited time and is renewed when half of it is over, on
the unit's own batches: a unit that is not heard of is not renewed, and its relay opens by itself. What a unit
may still be acting on counts against its group's limit until it has expired or the unit has shown an open
relay.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from chaincode.signing.batch import SESSION_BYTES
from chaincode.signing.command import CommandKind
from gateway.charging.grants import IN_FLIGHT, Grants
from gateway.charging.reason import Code, Why
from gateway.charging.scheduler import CURRENT_STEP, Decision, Grant, Outlook, Request, Scheduler, Supply
from gateway.clock import Clock, Timer
from gateway.store.errors import StoreError

_LOG = logging.getLogger(__name__)
_RETRY_MS = 1_000
"""Until grants that could not be stored are tried again."""


class Client(Protocol):
    """A session that asks for power."""

    grant: Grant | None
    granted_at: int | None
    why: Why
    outlook: Outlook | None

    @property
    def id(self) -> str:
        """The session's id."""

    @property
    def running(self) -> bool:
        """Whether it may be given power."""

    def request(self, now: int) -> Request | None:
        """What it wants, None where it wants nothing."""

    def power_until(self, now: int, current: int) -> int:
        """Until when it may have so much, in Unix seconds."""

    def full_grant(self) -> int:
        """Seconds of a full grant at its unit."""

    @property
    def dark(self) -> bool:
        """Whether its last batch showed an open relay, for whatever reason."""


class Floor(Protocol):
    """Who is there: the sessions of a group that may be considered, and its limit."""

    def candidates(self, group: str) -> Iterable[Client]:
        """The sessions of the group that its units can serve now: heard, and first at their unit."""

    def limit(self, group: str) -> int:
        """The group's maximum load, W."""

    def client(self, session: str) -> Client | None:
        """The session, None where it has gone."""


class Commands(Protocol):
    """Where commands go (`gateway.metering.outbox.Outbox`)."""

    def send(self, unit: int, kind: CommandKind, session: bytes, grant: int = 0, current: int = 0) -> None:
        """Want the unit to do this from now on; `current` in 0.1 A."""

    def obeyed(self, unit: int) -> bool:
        """Whether the unit has shown that it heard and obeyed what was wanted of it last."""


@dataclass(frozen=True, slots=True)
class _Order:
    """An ON that goes out once its grant is stored."""

    unit: int
    session: str
    seconds: int
    current: int


class Dispatcher:
    """Plans groups when they change and commands their units."""

    def __init__(
        self,
        *,
        scheduler: Scheduler,
        floor: Floor,
        grants: Grants,
        commands: Commands,
        clock: Clock,
        on_change: Callable[[str], None],
        may_be_on: Callable[[int], bool],
    ) -> None:
        """`on_change` is told the id of each session whose place or power changed; `may_be_on` says of a unit
        whether the switch beside it may still be closed."""
        self._scheduler = scheduler
        self._floor = floor
        self._grants = grants
        self._commands = commands
        self._clock = clock
        self._on_change = on_change
        self._may_be_on = may_be_on
        self._dirty: dict[str, None] = {}
        self._orders: list[_Order] = []
        """Decided, and waiting for their grants to be stored."""
        self._current: dict[str, int] = {}
        """What each session was last given, mA."""
        self._off: dict[int, int] = {}
        """Units that were told OFF, and when."""
        self._timers: dict[str, Timer] = {}
        self._task: asyncio.Task[None] | None = None

    def plan(self, group: str) -> None:
        """Plan the group anew, in this turn of the event loop's next."""
        self._dirty[group] = None
        self._wake()

    def renew(self, client: Client) -> None:
        """A batch of the session came: renew its grant where half of it is over, or more can be given."""
        current = self._current.get(client.id, 0)
        request = client.request(self._seconds()) if current else None
        if request is None:
            return
        client.outlook = request.outlook(self._seconds(), current)
        order = self._order(client, request, current)
        if order is None:
            return
        if self._grants.unsaved:
            self._orders.append(order)
            self._wake()
        else:
            self._send(order)

    def end(self, client: Client, unit: int) -> None:
        """Command END. The grant counts until the last batch shows the relay open, or it expires."""
        self._current.pop(client.id, None)
        self._commands.send(unit, CommandKind.END, session_bytes(client.id))

    def released(self, unit: int, group: str) -> None:
        """The unit has shown an open relay for good: a last batch, or OFF obeyed. Where a switch beside it
        did not obey, the grant counts until it expires."""
        self._off.pop(unit, None)
        if not self._may_be_on(unit) and self._grants.of(unit) is not None:
            self._grants.drop(unit)
            self.plan(group)

    def opened(self, client: Client, unit: int, group: str, at: int) -> None:
        """A batch of the session that ended at `at` (Unix seconds) showed an open relay."""
        told = self._off.get(unit)
        if told is not None and at >= told:
            client.grant = None
            self.released(unit, group)

    def forget(self, client: Client) -> None:
        """The session has gone."""
        self._current.pop(client.id, None)

    async def close(self) -> None:
        """Plan no more."""
        for timer in self._timers.values():
            timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _seconds(self) -> int:
        return self._clock.now() // 1000

    def _wake(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="charging-dispatcher")

    async def _work(self) -> None:
        try:
            while self._dirty or self._orders:
                groups, self._dirty = self._dirty, {}
                for group in groups:
                    self._orders += self._decide(group)
                await self._grants.save()
                orders, self._orders = self._orders, []
                for order in orders:
                    client = self._floor.client(order.session)
                    # While the grant was being stored the session may have been told to end or to pause.
                    if client is not None and client.running and order.session in self._current:
                        self._send(order)
        except StoreError as error:
            # No ON without its grant on record. The units' earlier grants run on.
            _LOG.error("grants cannot be stored, no power is given: %s", error)
            self._clock.call_at(self._clock.now() + _RETRY_MS, self._wake)
        finally:
            self._task = None

    def _decide(self, group: str) -> list[_Order]:
        now = self._seconds()
        clients = {client.id: client for client in self._floor.candidates(group)}
        requests = {s: r for s, client in clients.items() if (r := client.request(now)) is not None}
        grants = self._grants.in_group(group)
        supply = Supply(group, self._floor.limit(group))
        decisions = self._scheduler.plan(now, [supply], list(requests.values()), grants)
        orders = []
        for decision in decisions:
            client, request = clients[decision.session], requests[decision.session]
            if decision.current:
                orders.append(self._order(client, request, decision.current))
            else:
                self._pause(client, request)
            self._tell(client, decision)
        self._watch(group, decisions, grants)
        return [order for order in orders if order is not None]

    def _order(self, client: Client, request: Request, current: int) -> _Order | None:
        """The ON to send for `current` mA, None where the grant that is running will do."""
        now = self._seconds()
        until = min(now + client.full_grant(), client.power_until(now, current))
        seconds = until - now
        newest = self._grants.newest(request.unit)
        mine = newest is not None and newest.session == client.id and request.unit not in self._off
        same = mine and self._current.get(client.id) == current and not client.dark
        self._current[client.id] = current
        if seconds <= 0:
            return None
        if same and newest is not None:
            left = newest.until - IN_FLIGHT - now
            if until <= newest.until - IN_FLIGHT or left * 2 > client.full_grant():
                return None
        load = request.connection.load(current)
        self._grants.give(
            unit=request.unit,
            group=request.group,
            session=client.id,
            current=current,
            load=load,
            seconds=seconds,
        )
        client.grant = self._grants.of(request.unit)
        if client.granted_at is None:
            client.granted_at = now
        self._off.pop(request.unit, None)
        return _Order(request.unit, client.id, seconds, current)

    def _send(self, order: _Order) -> None:
        tenths = order.current // CURRENT_STEP
        session = session_bytes(order.session)
        self._commands.send(order.unit, CommandKind.ON, session, order.seconds, tenths)

    def _pause(self, client: Client, request: Request) -> None:
        self._current.pop(client.id, None)
        newest = self._grants.newest(request.unit)
        if newest is None or newest.session != client.id or request.unit in self._off:
            return
        self._off[request.unit] = self._seconds()
        self._commands.send(request.unit, CommandKind.OFF, session_bytes(client.id))

    def _tell(self, client: Client, decision: Decision) -> None:
        before, client.why = client.why, decision.why
        client.outlook = decision.outlook
        if (before.code, before.position, before.current) != (
            decision.why.code,
            decision.why.position,
            decision.why.current,
        ):
            self._on_change(client.id)

    def _watch(self, group: str, decisions: list[Decision], grants: list[Grant]) -> None:
        """While somebody waits, plan again when the first outstanding grant runs out."""
        waiting = any(d.current == 0 and d.why.code is not Code.NEVER for d in decisions)
        given = {d.unit for d in decisions if d.current}
        ends = [grant.until for grant in grants if grant.unit not in given]
        if waiting and ends:
            self._again(group, min(ends) * 1000)

    def _again(self, group: str, when: int) -> None:
        if (timer := self._timers.pop(group, None)) is not None:
            timer.cancel()
        self._timers[group] = self._clock.call_at(when, lambda: self.plan(group))


def session_bytes(session: str) -> bytes:
    """How units' messages name a session: the first 16 bytes of its id."""
    return bytes.fromhex(session)[:SESSION_BYTES]
