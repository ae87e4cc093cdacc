"""The switches of this condominium, each kept where the commands and its unit's batches want it.

A unit with a network switch behaves like any other: it obeys ON and OFF and says in its batches whether its
relay is closed, only that nothing is wired to that relay. The switch follows: it is on while a grant holds
and the unit's last batch shows the relay closed in the grant's session, so nothing flows that nobody
measures. It goes off at OFF, at END, when the grant runs out, when a batch shows the relay open (the unit's
own protection), and when the unit falls silent.

What happens where the gateway dies is the switch's own affair: it is never told on without the time after
which it opens by itself, which each of the unit's batches begins anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from chaincode.signing.batch import NO_SESSION, Flag
from chaincode.signing.command import CommandKind
from gateway.charging.dispatcher import Commands
from gateway.clock import Clock, Timer
from gateway.metering.received import Received
from gateway.monitor.alarm import Alarms
from gateway.monitor.anomaly import Anomaly, Kind
from gateway.monitor.unit import UnitFacts
from gateway.switch.address import SwitchAddress, SwitchKind
from gateway.switch.connection import NetworkSwitch, SwitchError, Unreachable, client
from gateway.switch.shelly import Shelly
from gateway.switch.tasmota import Tasmota

_LOG = logging.getLogger(__name__)
FAILURES = 3
"""Attempts in a row after which a switch counts as out of order."""
LOOK = 60_000
"""ms between two looks at a switch that nothing is wanted of: somebody may have pressed its button."""
_LEAST_WAIT, _GREATEST_WAIT = 1_000, 30_000
"""ms before an attempt that failed is made again; doubled each time."""


class Sockets(Protocol):
    """The units and their switches (`gateway.monitor.fleet.ConfiguredFleet`)."""

    def unit(self, number: int) -> UnitFacts | None:
        """A unit's facts, None for one that is not in service."""

    def switches(self) -> dict[int, str]:
        """The address of each unit's network switch, for the units that have one."""


@dataclass(slots=True)
class _Desk:
    """One switch: what is wanted of it, and what is known. Instants in ms since 1970."""

    address: str
    switch: NetworkSwitch
    session: bytes = NO_SESSION
    until: int = 0
    """When the grant of `session` ends."""
    closed_in: bytes = NO_SESSION
    """The session in which the unit's last batch shows a closed relay."""
    followed: tuple[int, int, int] | None = None
    """Where that batch stands among the unit's (`Received.place`)."""
    heard: int = 0
    """When that batch was made, or arrived if the unit's clock is ahead of the gateway's."""
    shown: int | None = None
    """What the switch has confirmed: when it opens by itself, 0 for off; None where that is not known."""
    latest: int = 0
    """When the switch has opened by itself, whatever became of the attempts to close it."""
    failures: int = 0
    looked: int = 0
    task: asyncio.Task[None] | None = None
    timer: Timer | None = None


class Switches:
    """Commands to all units, and to the network switches of those that have one (`Commands`)."""

    def __init__(
        self,
        *,
        commands: Commands,
        sockets: Sockets,
        networks: Iterable[str],
        alarms: Alarms,
        clock: Clock,
    ) -> None:
        """`commands` is where units are told; switches lie on `networks`."""
        self._commands = commands
        self._sockets = sockets
        self._networks = tuple(networks)
        self._alarms = alarms
        self._clock = clock
        self._listeners: list[Callable[[int], None]] = []
        self._http = client()
        self._desks: dict[int, _Desk] = {}
        self._closed = False

    def subscribe(self, listener: Callable[[int], None]) -> None:
        """Call `listener` with the unit whose switch has failed, or has come back."""
        self._listeners.append(listener)

    @property
    def pending(self) -> int:
        """How many switches are being spoken to now."""
        return sum(desk.task is not None for desk in self._desks.values())

    def refresh(self) -> None:
        """Take up the switches that are in the settings now.

        What a switch was told before a restart runs out by itself; then it is off, unless its unit was
        granted power again. So does one at an address that is no longer in the settings."""
        wanted = {} if self._closed else self._sockets.switches()
        for unit, desk in list(self._desks.items()):
            if wanted.get(unit) != desk.address:
                self._forget(unit)
        for unit, text in wanted.items():
            if unit not in self._desks:
                desk = _Desk(text, self._reach(text))
                desk.latest = self._clock.now() + self._patience(unit)
                self._desks[unit] = desk
                self._look(unit)

    def shift(self, seconds: int) -> None:
        """The gateway's time was set by so many seconds: switches stay on for as long as they would have."""
        step = 1_000 * seconds
        for unit, desk in self._desks.items():
            desk.latest, desk.heard, desk.looked = desk.latest + step, desk.heard + step, desk.looked + step
            desk.until += step if desk.until else 0
            desk.shown = desk.shown + step if desk.shown else desk.shown
            self._look(unit)

    async def close(self) -> None:
        """Command no more switches; those that are on open when their time is over."""
        self._closed = True
        tasks = [desk.task for desk in self._desks.values() if desk.task is not None]
        for unit in list(self._desks):
            self._forget(unit)
        if tasks:
            await asyncio.wait(tasks)
        await self._http.aclose()

    def send(self, unit: int, kind: CommandKind, session: bytes, grant: int = 0, current: int = 0) -> None:
        """See `Commands`: tell the unit, and remember what its switch may do."""
        self._commands.send(unit, kind, session, grant, current)
        desk = self._desks.get(unit)
        if desk is None:
            return
        if kind is CommandKind.ON:
            desk.session, desk.until = session, self._clock.now() + 1_000 * grant
        else:
            desk.until = 0
        self._look(unit)

    def obeyed(self, unit: int) -> bool:
        """See `Commands`: the unit's own word, which its switch follows."""
        return self._commands.obeyed(unit)

    def follow(self, received: Received) -> None:
        """Take in a batch that is verified and stored: the switch follows its unit's newest.

        Whoever holds batches back on the way cannot keep a switch on with them: one older than the last
        says nothing about the relay now, and each counts from when it was made."""
        desk = self._desks.get(received.unit)
        if desk is None or (desk.followed is not None and received.place <= desk.followed):
            return
        desk.followed = received.place
        flags = received.batch.flags
        closed = Flag.CLOSED in flags and Flag.END not in flags
        desk.heard = min(self._clock.now(), 1_000 * received.batch.time)
        desk.closed_in = received.batch.session if closed else NO_SESSION
        self._look(received.unit)

    def is_out_of_order(self, unit: int) -> bool:
        """Whether the unit has a switch that does not do what it is told."""
        desk = self._desks.get(unit)
        return desk is not None and desk.failures >= FAILURES

    def may_be_on(self, unit: int) -> bool:
        """Whether power may flow at the unit, as far as its switch is known; False where it has none."""
        desk = self._desks.get(unit)
        return desk is not None and desk.shown != 0 and desk.latest > self._clock.now()

    def _reach(self, text: str) -> NetworkSwitch:
        try:
            address = SwitchAddress.parse(text)
            address.check(self._networks)
        except ValueError as error:
            return Unreachable(f"the address of the switch {error}")
        if address.kind is SwitchKind.SHELLY:
            return Shelly(self._http, address)
        return Tasmota(self._http, address)

    def _patience(self, unit: int) -> int:
        facts = self._sockets.unit(unit)
        return 1_000 * facts.silent_after if facts is not None else 0

    def _forget(self, unit: int) -> None:
        desk = self._desks.pop(unit)
        if desk.timer is not None:
            desk.timer.cancel()
        if desk.task is not None:
            desk.task.cancel()
        if self._closed:
            return
        self._alarms.clear([Kind.SWITCH], unit)

    def _wanted(self, unit: int, desk: _Desk) -> int | None:
        """Until when the switch is to be on, 0 for off, None where it is left to its own timer."""
        now = self._clock.now()
        if desk.until > now and desk.closed_in == desk.session:
            until = min(desk.until, desk.heard + self._patience(unit))
            if until > now:
                return until
        if desk.session == NO_SESSION and desk.shown is None and desk.latest > now and not desk.failures:
            return None
        return 0

    def _look(self, unit: int) -> None:
        """Do what is due for a switch, unless that is under way."""
        desk = self._desks.get(unit)
        if desk is None or desk.task is not None or self._closed:
            return
        wanted = self._wanted(unit, desk)
        if wanted is None:
            self._again(unit, desk, desk.latest)
        elif wanted != desk.shown or (wanted == 0 and self._clock.now() - desk.looked >= LOOK):
            desk.task = asyncio.create_task(self._work(unit, desk), name=f"switch-{unit}")
        else:
            self._again(unit, desk, wanted or desk.looked + LOOK)

    async def _work(self, unit: int, desk: _Desk) -> None:
        try:
            await self._attempt(unit, desk)
        except SwitchError as error:
            self._failed(unit, desk, error)
        else:
            self._succeeded(unit, desk)
        finally:
            desk.task = None
        if desk.failures:
            wait = min(_GREATEST_WAIT, _LEAST_WAIT << min(desk.failures - 1, 5))
            self._again(unit, desk, self._clock.now() + wait)
        else:
            self._look(unit)

    async def _attempt(self, unit: int, desk: _Desk) -> None:
        wanted = self._wanted(unit, desk)
        if wanted:
            # Rounded up, so that a switch that keeps the time in its flash is told the same each minute.
            seconds = max(1, -((self._clock.now() - wanted) // 1_000))
            desk.latest, desk.shown = max(desk.latest, wanted + 1_000), None
            await desk.switch.on(seconds)
            desk.latest, desk.shown = wanted + 1_000, wanted
            return
        desk.looked = self._clock.now()
        if desk.shown == 0:
            if not await desk.switch.is_on():
                return
            desk.shown = None
            text = "the switch was on though nothing is granted; it is told off"
            self._alarms.note(Anomaly(Kind.SWITCH, text), unit)
        desk.shown = None
        await desk.switch.off()
        desk.shown = 0

    def _failed(self, unit: int, desk: _Desk, error: SwitchError) -> None:
        desk.failures += 1
        _LOG.info("unit %d, switch %s: %s", unit, desk.address, error)
        if desk.failures == FAILURES and self._desks.get(unit) is desk:
            self._alarms.raise_(Anomaly(Kind.SWITCH, f"{desk.address}: {error}"), unit)
            self._changed(unit)

    def _succeeded(self, unit: int, desk: _Desk) -> None:
        before, desk.failures = desk.failures, 0
        self._alarms.clear([Kind.SWITCH], unit)
        if before >= FAILURES:
            self._changed(unit)

    def _changed(self, unit: int) -> None:
        for listener in self._listeners:
            listener(unit)

    def _again(self, unit: int, desk: _Desk, when: int) -> None:
        if desk.timer is not None:
            desk.timer.cancel()
        desk.timer = self._clock.call_at(when, lambda: self._look(unit)) if not self._closed else None
