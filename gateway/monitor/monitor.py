"""The charge monitor: drives every live session from its intent to its settlement.

Batches, the ledger's events and the clock are its inputs; commands (through the dispatcher) and transactions
are what it does. Nothing here is durable by itself: the ledger has the sessions and the database the batches
and grants, so a gateway that starts again reads those and goes on.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from chaincode.session import ENDED, OPENED, STARTED, Session
from chaincode.signing.batch import NO_SESSION, Flag
from chaincode.signing.command import CommandKind
from gateway.charging.dispatcher import Commands, Dispatcher
from gateway.charging.grants import Grants
from gateway.charging.scheduler import Scheduler
from gateway.clock import Clock, Timer
from gateway.metering.readings import Readings
from gateway.metering.received import Received
from gateway.monitor.alarm import Alarms
from gateway.monitor.anomaly import MEASURED, STRAY_ENERGY, Anomaly, Kind, inspect, stray
from gateway.monitor.driver import Driver
from gateway.monitor.floor import Floor
from gateway.monitor.session import Cancel, LiveSession, Patience, Stop
from gateway.monitor.stopped import StoppedReason
from gateway.monitor.unit import Fleet
from gateway.notification.bus import Bus, Notice
from gateway.transaction.catalogue import Catalogue
from gateway.transaction.steps import Steps

_LOG = logging.getLogger(__name__)
_STATES = (OPENED, STARTED, *ENDED)
_REMEMBERED = 10_000
"""Ended sessions whose late events are recognised without asking the ledger."""


SESSIONS = "sessions"
"""The bus's topic for changes of any session."""


def topic_of(session: str) -> str:
    """The bus's topic for one session."""
    return f"session/{session}"


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that the ledger has ended."""

    record: Session
    at: int
    """Unix seconds."""


class Switchboard(Protocol):
    """The network switches beside units (`gateway.switch.switches`)."""

    def follow(self, received: Received) -> None:
        """Let the unit's switch, if it has one, go where the unit's batch shows the relay."""

    def is_out_of_order(self, unit: int) -> bool:
        """Whether the unit has a switch that does not do what it is told."""

    def may_be_on(self, unit: int) -> bool:
        """Whether the unit's switch, if it has one, may still be closed."""


class NoSwitches:
    """`Switchboard` where every unit switches by itself."""

    def follow(self, received: Received) -> None:
        """There is nothing to move."""

    def is_out_of_order(self, unit: int) -> bool:
        """None is."""
        return False

    def may_be_on(self, unit: int) -> bool:
        """None is."""
        return False


class ChargeMonitor:
    """All live sessions of this condominium's units."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        scheduler: Scheduler,
        commands: Commands,
        grants: Grants,
        readings: Readings,
        steps: Steps,
        catalogue: Catalogue,
        alarms: Alarms,
        bus: Bus,
        clock: Clock,
        patience: Patience | None = None,
        switches: Switchboard | None = None,
    ) -> None:
        self._switches = switches or NoSwitches()
        self.floor = Floor(fleet, clock, self._switches.is_out_of_order)
        self._fleet = fleet
        self._commands = commands
        self._grants = grants
        self._readings = readings
        self._catalogue = catalogue
        self._alarms = alarms
        self._bus = bus
        self._clock = clock
        self._patience = patience or Patience()
        self._dispatcher = Dispatcher(
            scheduler=scheduler,
            floor=self.floor,
            grants=grants,
            commands=commands,
            clock=clock,
            on_change=self._tell,
            may_be_on=self._switches.may_be_on,
        )
        self._registers: dict[int, int] = {}
        self._ended: OrderedDict[str, EndedSession] = OrderedDict()
        self._timers: dict[str, tuple[int, Timer]] = {}
        self._driver = Driver(
            floor=self.floor,
            steps=steps,
            alarms=alarms,
            clock=clock,
            on_change=self._tell,
            on_end=self._finish,
        )

    async def start(self, records: Iterable[Session]) -> None:
        """Take up the sessions that are open or started on the ledger, before units are let in.

        Raises LedgerError and StoreError: without either nothing can be taken up."""
        await self._grants.load()
        await self._alarms.load()
        groups = set()
        for record in records:
            live = await self._adopt(record)
            if live is not None:
                groups.add(live.unit.group)
                self._look(live)
        for group in groups:
            self._dispatcher.plan(group)

    async def close(self) -> None:
        """Stop driving sessions; what is under way on the ledger is finished by the next start."""
        await self._dispatcher.close()
        for _, timer in self._timers.values():
            timer.cancel()
        await self._driver.close()
        await self._alarms.close()

    async def relayed(self, record: Session) -> None:
        """As `update`, for what this gateway itself has just put on the ledger: of a session that is new no
        batch can be stored yet, so power need not wait for the database to say so. Raises LedgerError."""
        if record.state == OPENED and self.floor.client(record.id) is None and record.id not in self._ended:
            live = await self._prepare(record)
            if live is not None and self.floor.client(record.id) is None:
                self.floor.add(live)
                self._dispatcher.plan(live.unit.group)
                self._look(live)
                self._tell(live.id)
                return
        await self.update(record)

    async def update(self, record: Session) -> None:
        """The ledger's record of a session of this condominium, from a transaction or an event.

        Older ones than those known are passed over. Raises LedgerError where a new session's tariff or unit
        cannot be read."""
        live = self.floor.client(record.id)
        if live is None:
            if record.id in self._ended or record.state in ENDED:
                return
            live = await self._adopt(record)
            if live is None:
                return
            self._dispatcher.plan(live.unit.group)
        elif _progress(record) <= _progress(live.record):
            return
        else:
            live.renew(record)
        if record.state in ENDED:
            self._finish(live)
        else:
            self._look(live)
        self._tell(record.id)

    async def on_batch(self, received: Received) -> None:
        """Take in one batch that is verified and stored."""
        batch, unit = received.batch, received.unit
        silent = self.floor.hear(unit)
        self._switches.follow(received)
        live = None if batch.session == NO_SESSION else self.floor.named(batch.session)
        self._inspect(received, live)
        facts = self._fleet.unit(unit)
        if live is not None and live.unit.number == unit:
            self._observe(live, received)
        elif batch.session != NO_SESSION and Flag.END not in batch.flags:
            # A session that the ledger has ended without this unit's last word.
            self._commands.send(unit, CommandKind.END, batch.session)
        elif Flag.CLOSED not in batch.flags and facts is not None:
            self._end_unbegun(unit, received.received_at // 1000)
            self._released_without_session(unit, facts.group, batch.time)
        if silent and facts is not None:
            self._alarms.clear([Kind.SILENT], unit)
            self._dispatcher.plan(facts.group)

    def live(self, session: str) -> LiveSession | None:
        """A session that is under way."""
        return self.floor.client(session)

    def ended(self, session: str) -> EndedSession | None:
        """A session that ended lately."""
        return self._ended.get(session)

    def stop(self, live: LiveSession) -> None:
        """An operator ends a session: as if the resident had stopped it."""
        live.ask_to_stop()
        self._look(live)

    def reconsider(self, unit: int) -> None:
        """The switch at a unit has failed, or come back."""
        facts, live = self._fleet.unit(unit), self.floor.first_at(unit)
        if facts is not None and live is not None:
            self._dispatcher.plan(facts.group)
            self._tell(live.id)

    def replan(self, group: str) -> None:
        """The group's limit or its units' settings have changed."""
        for live in self.floor:
            facts = self._fleet.unit(live.unit.number)
            if facts is not None:
                live.unit = facts
        self._dispatcher.plan(group)

    def shift(self, seconds: int) -> None:
        """The gateway's time was set by so many seconds: durations go on, and what has an instant of its own
        (a deadline, a band of the tariff) is looked at anew."""
        self._grants.shift(seconds)
        self.floor.shift(seconds)
        for live in self.floor:
            live.shift(seconds)
            live.grant = self._grants.of(live.unit.number) if live.grant is not None else None
        for live in self.floor:
            if (armed := self._timers.pop(live.id, None)) is not None:
                armed[1].cancel()
            self._look(live)
            self._dispatcher.plan(live.unit.group)

    @property
    def idle(self) -> bool:
        """Whether no session is under way, and no unit may be acting on a grant."""
        return not len(self.floor) and not self._grants.outstanding

    async def _prepare(self, record: Session) -> LiveSession | None:
        facts = self._fleet.unit(record.unit)
        if facts is None:
            _LOG.error("session %s is at unit %d, which has no settings", record.id, record.unit)
            return None
        tariff = await self._catalogue.tariff(record.tariff)
        enrolled = await self._catalogue.unit(record.unit)
        return LiveSession(record, tariff, enrolled, facts, self._patience)

    async def _adopt(self, record: Session) -> LiveSession | None:
        """Make a live session of the ledger's record and the batches that are stored of it."""
        live = await self._prepare(record)
        if live is None:
            return None
        batches = await self._readings.of_session(live.key)
        if self.floor.client(record.id) is not None:
            return None  # Taken up by somebody else while this waited.
        for received in batches:
            live.observe(received.batch, received.evidence, received.received_at // 1000)
        grant = self._grants.of(record.unit)
        if grant is not None and grant.session == record.id:
            live.grant = grant
            live.granted_at = self._now()
        if live.account.first is not None:
            live.granted_at = live.account.first.time
        if live.ended is not None:
            self._dispatcher.released(record.unit, live.unit.group)
        self.floor.add(live)
        return live

    def _observe(self, live: LiveSession, received: Received) -> None:
        batch, unit = received.batch, live.unit
        counted = live.observe(batch, received.evidence, received.received_at // 1000)
        last = live.account.last
        if not counted and last is not None and batch.register - last.register >= STRAY_ENERGY:
            self._alarms.raise_(stray(batch.register - last.register), unit.number, live.id)
        if live.ended is not None:
            self._dispatcher.forget(live)
            self._dispatcher.released(unit.number, unit.group)
        elif Flag.CLOSED not in batch.flags:
            self._dispatcher.opened(live, unit.number, unit.group, batch.time)
        self._look(live)
        if live.running:
            self._dispatcher.renew(live)
        elif live.ended is None and self._commands.obeyed(unit.number):
            # The unit goes on though nothing is left to tell it: END gave way to another command.
            self._dispatcher.end(live, unit.number)
        self._tell(live.id)

    def _end_unbegun(self, unit: int, arrived: int) -> None:
        """The unit is in no session. One that it was given, and told to end before it began it, is over: its
        tokens and the socket need not wait until the grant has run out."""
        live = self.floor.first_at(unit)
        if live is not None and self._commands.obeyed(unit) and live.not_begun(arrived):
            self._dispatcher.released(unit, live.unit.group)
            self._look(live)

    def _released_without_session(self, unit: int, group: str, time: int) -> None:
        """An open relay outside a session ends the grant of one that was cancelled or never began."""
        grant = self._grants.newest(unit)
        if grant is None or self.floor.client(grant.session) is not None or time < self._now() - 5:
            return
        self._dispatcher.released(unit, group)

    def _look(self, live: LiveSession) -> None:
        """Do what the session needs now, and come back when it may need more."""
        now = self._now()
        step = live.next_step(now)
        if isinstance(step, Stop):
            _LOG.info("session %s at unit %d ends: %s", live.id, live.unit.number, step.reason)
            live.stop(step.reason, now)
            self._dispatcher.end(live, live.unit.number)
            self._dispatcher.plan(live.unit.group)
            if step.reason is StoppedReason.TIMEOUT:
                self._time_out(live)
            self._tell(live.id)
        elif isinstance(step, Cancel) and live.running:
            # However long the ledger takes over it: a session that is given back gets no power meanwhile.
            live.stop(StoppedReason.OTHER, now)
            self._dispatcher.plan(live.unit.group)
        self._driver.look(live)
        self._check_silence(live, now)
        self._arm(live, now)

    def _time_out(self, live: LiveSession) -> None:
        """A session came to nothing: the unit did not begin, or no vehicle was there. In the second case its
        wallet's other idle sessions are given up too, so that it cannot hold one socket after another."""
        if not live.begun:
            text = "the unit was given power and did not begin"
            self._alarms.raise_(Anomaly(Kind.NOT_BEGUN, text), live.unit.number, live.id)
            return
        for other in self.floor:
            if other.record.wallet == live.record.wallet and other.running and not other.vehicle.drawn:
                self.stop(other)

    def _check_silence(self, live: LiveSession, now: int) -> None:
        heard = self.floor.last_heard(live.unit.number)
        if live.granted_at is None or heard is None or now - heard < live.unit.silent_after:
            return
        text = f"nothing was heard for {now - heard} s in a session"
        self._alarms.raise_(Anomaly(Kind.SILENT, text, now - heard), live.unit.number)
        self._dispatcher.plan(live.unit.group)

    def _arm(self, live: LiveSession, now: int) -> None:
        moment = live.wake_at(now)
        heard = self.floor.last_heard(live.unit.number)
        if heard is not None and heard + live.unit.silent_after > now:
            moment = min(moment, heard + live.unit.silent_after)
        armed = self._timers.get(live.id)
        if armed is not None:
            if now < armed[0] <= moment:
                return
            armed[1].cancel()
        self._timers[live.id] = (moment, self._clock.call_at(moment * 1000, lambda: self._ring(live.id)))

    def _ring(self, session: str) -> None:
        self._timers.pop(session, None)
        live = self.floor.client(session)
        if live is not None:
            self._look(live)

    def _finish(self, live: LiveSession) -> None:
        """The ledger has ended the session."""
        if self.floor.client(live.id) is None:
            return
        self._ended[live.id] = EndedSession(live.record, self._now())
        if len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        self.floor.remove(live)
        if live.granted_at is not None and live.ended is None:
            # The unit's last word has not come: it may be silent, or the wallet took its tokens back.
            self._dispatcher.end(live, live.unit.number)
        self._dispatcher.forget(live)
        if (armed := self._timers.pop(live.id, None)) is not None:
            armed[1].cancel()
        self._alarms.clear([*MEASURED, Kind.REFUSED, Kind.NOT_BEGUN], live.unit.number, live.id)
        self._dispatcher.plan(live.unit.group)
        self._tell(live.id)

    def _inspect(self, received: Received, live: LiveSession | None) -> None:
        facts = self._fleet.unit(received.unit)
        if facts is None:
            return
        batch = received.batch
        register = self._registers.get(received.unit)
        deadline = live.record.deadline if live is not None else None
        found = inspect(batch, facts, register, deadline)
        self._registers[received.unit] = max(batch.register, register or 0)
        session = live.id if live is not None else None
        for anomaly in found:
            self._alarms.raise_(anomaly, received.unit, session)
        shown = {anomaly.kind for anomaly in found}
        self._alarms.clear([kind for kind in MEASURED if kind not in shown], received.unit, session)

    def _tell(self, session: str) -> None:
        """Something about a session has changed."""
        for topic in (topic_of(session), SESSIONS):
            if self._bus.heard(topic):
                self._bus.publish(Notice(topic, "changed", {"session": session}))

    def _now(self) -> int:
        return self._clock.now() // 1000


def _progress(record: Session) -> tuple[int, int, bool]:
    """How far a record has come: two of one session are the same or one is later."""
    number = record.last.number if record.last is not None else -1
    return _STATES.index(record.state), number, record.stop_at is not None
