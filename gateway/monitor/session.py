"""One session as the monitor sees it: a state machine fed with batches and time, pure.

::

    waiting ──BEGIN──► running ──Stop──► ending ──END──► ended ──settled──► (gone)
       │                  └──────── the unit's own END ────┘
       └── stopped, out of time, or the unit never began ──► cancelled

`next_step` says what has to happen now; whoever drives it carries that out. A session ends when the vehicle
is full or gone, when money, time or the energy asked for are used up, or when the resident says so. Power is
granted only for as long as money and energy can last at the most the vehicle was seen to take, so that even a
unit that hears nothing more opens its relay in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chaincode.evidence import reading_of
from chaincode.readings import END_TOLERANCE
from chaincode.session import Session
from chaincode.signing.batch import SESSION_BYTES, Batch, Flag
from chaincode.tariff import Tariff
from chaincode.unit import Unit
from gateway.charging.reason import Code, Why
from gateway.charging.scheduler import Grant, Outlook, Request
from gateway.monitor.account import Account
from gateway.monitor.stopped import StoppedReason, reason_of
from gateway.monitor.unit import UnitFacts
from gateway.monitor.vehicle import Vehicle


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the monitor waits, in seconds."""

    full: int = 300
    """A vehicle that has charged and draws less than 0.5 A for this long is full."""
    plug_in: int = 1_800
    """With the relay closed and no vehicle connected."""
    begin: int = 600
    """For the first batch of a unit that was given power."""
    last_batch: int = 900
    """For the last batch, after the unit can no longer have its relay closed."""
    silence: int = 21_600
    """For a unit that went silent in a session; never beyond the deadline and `last_batch`."""
    checkpoint: int = 43_200
    """Between two readings on the ledger, so that a vanished gateway's energy is paid for."""


class Activity(StrEnum):
    """What a session is doing (docs/rest.md)."""

    QUEUED = "queued"
    CHARGING = "charging"
    PAUSED = "paused"
    COMPLETE = "complete"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Stop:
    """Command END, for this reason."""

    reason: StoppedReason


@dataclass(frozen=True, slots=True)
class Settle:
    """Settle on the ledger with the batches there are."""

    reason: StoppedReason


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give everything back: it never started."""


Step = Stop | Settle | Cancel
_NEVER = 1 << 60
_LATENCY = 1
"""Seconds by which END goes out before money or energy are used up: the relay has to move."""
_ON_ITS_WAY = 5
"""Seconds after END in which a batch may still arrive that the unit sent before it heard of the session. When
it was stored says nothing: the database may have been locked meanwhile."""
_SLACK = 5
"""Seconds after its due time in which the next batch is not yet late."""


class LiveSession:
    """A session that has not been settled, at one of this condominium's units. Times are Unix seconds."""

    def __init__(
        self, record: Session, tariff: Tariff, enrolled: Unit, unit: UnitFacts, patience: Patience
    ) -> None:
        """Begin from the ledger's record; batches that were stored before are to be observed again."""
        self.record = record
        self.unit = unit
        self.account = Account(record, tariff)
        self.vehicle = Vehicle(unit.phases, patience.full)
        self.grant: Grant | None = None
        """What the unit may act on; expired ones are left until somebody looks."""
        self.granted_at: int | None = None
        """When power was first granted, None while it never was."""
        self.why = Why(Code.QUEUED)
        self.outlook: Outlook | None = None
        """When it is expected to begin and to be done, as the scheduler saw it last."""
        self.stopping: StoppedReason | None = None
        """Why END was commanded."""
        self.ended: StoppedReason | None = None
        """Why it ended: set with the last batch."""
        self.heard: int | None = None
        """When its last batch came."""
        self._stop_at = 0
        self._asked_to_stop = False
        self._enrolled = enrolled
        self._patience = patience

    @property
    def id(self) -> str:
        """The session's id."""
        return self.record.id

    @property
    def key(self) -> bytes:
        """How the unit's messages name it: the first 16 bytes of its id."""
        return bytes.fromhex(self.record.id)[:SESSION_BYTES]

    @property
    def begun(self) -> bool:
        """Whether a batch of it has come, so that there is something to settle."""
        return self.account.first is not None

    @property
    def dark(self) -> bool:
        """Whether its last batch showed an open relay: a power cut, a grant that ran out, or a pause."""
        return self.begun and not self.vehicle.closed

    @property
    def running(self) -> bool:
        """Whether it may be given power: neither stopping nor ended."""
        return self.stopping is None and self.ended is None

    def renew(self, record: Session) -> None:
        """Take over what the ledger's record says now."""
        self.record = record
        self.account.renew(record)

    def observe(self, batch: Batch, evidence: bytes, now: int) -> bool:
        """Take in one batch of this session. Returns False where the ledger would not count it."""
        self.heard = now
        counted = self.account.count(reading_of(self._enrolled, evidence, batch), evidence)
        if counted:
            self.vehicle.observe(batch)
        if Flag.END in batch.flags and self.ended is None:
            # An END that comes too late for the ledger still says that the relay is open.
            self.ended = self.stopping or reason_of(batch)
            self.grant = None
        return counted

    def stop(self, reason: StoppedReason, now: int) -> None:
        """END has been commanded."""
        if self.stopping is None:
            self.stopping = reason
            self._stop_at = now

    def shift(self, seconds: int) -> None:
        """The gateway's time was set by so many seconds: what was waited for is waited for as long as before.
        What the unit and the ledger dated stays as it is."""
        if self.granted_at is not None and not self.begun:
            self.granted_at += seconds
        if self.heard is not None:
            self.heard += seconds
        self._stop_at += seconds

    def not_begun(self, made: int) -> bool:
        """The unit has heard END and is in no session, as a batch shows that was `made` then. Returns whether
        that ends this one: where the unit had ever begun it, a batch of it would have come before, as END
        makes a unit send one."""
        if (
            self.stopping is None
            or self.ended is not None
            or self.begun
            or made < self._stop_at + _ON_ITS_WAY
        ):
            return False
        self.ended = self.stopping
        return True

    def ask_to_stop(self) -> None:
        """Somebody at the condominium wants it ended."""
        self._asked_to_stop = True

    def next_step(self, now: int) -> Step | None:
        """What has to happen now, None where nothing has."""
        if self.ended is not None:
            return Settle(self.ended) if self.begun else Cancel()
        if not self.begun:
            return self._step_before_begin(now)
        if self.stopping is not None:
            return Settle(self.stopping) if now >= self._given_up(self._patience.last_batch) else None
        if (reason := self._stop_reason(now)) is not None:
            return Stop(reason)
        return Settle(StoppedReason.OTHER) if now >= self._abandoned else None

    def wake_at(self, now: int) -> int:
        """When to look again if no batch comes before; always after `now`."""
        return max(now + 1, min(self._moments()))

    def power_until(self, now: int, current: int) -> int:
        """Until when the relay may stay closed at `current` mA at most, whatever happens to the network."""
        last = self.account.last
        since = last.time if last is not None else now
        budget = self._budget(now + self.unit.grant)
        worst = self.unit.power(current)
        if self.vehicle.peak:
            worst = min(worst, self.vehicle.peak * 11 // 10)
        until = since + budget * 3_600 // max(1, worst)
        exhausted = self._exhausted_at(now)
        if exhausted <= since + self.unit.transmission + _SLACK:
            # No batch will come before: what the vehicle takes now is what it will have taken.
            until = exhausted + _LATENCY
        return min(until, self.record.deadline)

    def obstructed(self, code: Code) -> None:
        """It cannot be served now, and nobody knows for how long."""
        self.why = Why(code)
        self.outlook = None

    def full_grant(self) -> int:
        """Seconds of a full grant at its unit."""
        return self.unit.grant

    def request(self, now: int) -> Request | None:
        """What the scheduler is asked for, None where the session wants no power."""
        if not self.running:
            return None
        unit = self.unit
        return Request(
            session=self.id,
            unit=unit.number,
            group=unit.group,
            arrival=self.record.opened_at,
            deadline=self.record.deadline,
            leave=self.record.leave,
            asked=self.account.energy + self._budget(now + unit.grant),
            delivered=self.account.energy,
            connection=unit.connection,
            least=unit.least_current,
            most=unit.least_current if self.vehicle.full else unit.maximum_current,
            draw=self.vehicle.current or None,
            full=self.vehicle.full,
        )

    @property
    def activity(self) -> Activity:
        """What it is doing, in one word."""
        if not self.running:
            # Ended is what the ledger has ended.
            return Activity.STOPPING
        if self.vehicle.full:
            return Activity.COMPLETE
        if self.why.code in (Code.CHARGING, Code.SHARED):
            return Activity.CHARGING
        return Activity.QUEUED if self.granted_at is None else Activity.PAUSED

    @property
    def needs_checkpoint(self) -> bool:
        """Whether the ledger should see readings before the end."""
        first, last, known = self.account.first, self.account.last, self.record.last
        if first is None or last is None:
            return False
        since = first.time if known is None else known.time
        return last.time - since >= self._patience.checkpoint or self.account.pending >= _MANY

    def _step_before_begin(self, now: int) -> Step | None:
        reason = self._stop_reason(now)
        if self.granted_at is None:
            return Cancel() if reason is not None else None
        if self.stopping is not None:
            return Cancel() if now >= self._given_up(self._patience.last_batch) else None
        if reason is None and now >= self.granted_at + self._patience.begin:
            reason = StoppedReason.TIMEOUT
        return Stop(reason) if reason is not None else None

    def _stop_reason(self, now: int) -> StoppedReason | None:
        """Why it must not go on, None where it may."""
        if self.record.stop_at is not None or self._asked_to_stop:
            return StoppedReason.REMOTE
        if now >= self.record.deadline:
            return StoppedReason.TIME_REACHED
        if not self.begun:
            return None
        if now >= self._exhausted_at(now):
            asked = self.account.wanted() <= self.account.affordable(now)
            return StoppedReason.ENERGY_REACHED if asked else StoppedReason.CREDIT_USED
        return self._vehicle_reason(now)

    def _vehicle_reason(self, now: int) -> StoppedReason | None:
        vehicle, first = self.vehicle, self.account.first
        if vehicle.was_connected and not vehicle.connected:
            # A socket without a pilot tells the end of charging by dropping CONNECTED.
            rests = vehicle.full or vehicle.complete
            return StoppedReason.FULL if rests else StoppedReason.DISCONNECTED
        if vehicle.full and not self.account.idle_priced:
            return StoppedReason.FULL
        if vehicle.full and self.account.idle_left() <= 0:
            return StoppedReason.CREDIT_USED
        unused = not vehicle.was_connected and not vehicle.drawn
        if unused and first is not None and now >= first.time + self._patience.plug_in:
            return StoppedReason.TIMEOUT
        return None

    def _moments(self) -> list[int]:
        """Instants at which `next_step` may change its mind by itself."""
        if self.ended is not None:
            return [_NEVER]
        if self.stopping is not None:
            return [self._given_up(self._patience.last_batch)]
        moments = [self.record.deadline]
        if not self.begun:
            return [*moments, self.granted_at + self._patience.begin] if self.granted_at else moments
        last = self.account.last
        exhausted = self._exhausted_at(0)
        if last is not None and exhausted <= last.time + self.unit.transmission + _SLACK:
            moments.append(exhausted)
        return [*moments, self._abandoned]

    def _budget(self, until: int) -> int:
        """mWh that may still be drawn until `until`."""
        return min(self.account.affordable(until), self.account.wanted())

    def _exhausted_at(self, now: int) -> int:
        """When the budget is used up at the power of the last reading, less the time to open the relay."""
        last = self.account.last
        if last is None:
            return _NEVER
        budget = self._budget(max(now, last.time + self.unit.transmission))
        if budget <= 0:
            return last.time
        if not self.vehicle.closed or not self.vehicle.power:
            return _NEVER
        return last.time + budget * 3_600 // self.vehicle.power - _LATENCY

    def _given_up(self, patience: int) -> int:
        """When the last batch is no longer waited for: some time after the relay must have opened."""
        relay_open = max(self._stop_at, self.grant.until if self.grant is not None else 0)
        return relay_open + patience

    @property
    def _abandoned(self) -> int:
        """When a silent unit's session is settled without its last batch."""
        heard = self.heard if self.heard is not None else self.record.opened_at
        latest = self.record.deadline + END_TOLERANCE + self._patience.last_batch
        return min(heard + self._patience.silence, latest)


_MANY = 32
"""Batches chosen as evidence from which they are brought to the ledger before the end."""
