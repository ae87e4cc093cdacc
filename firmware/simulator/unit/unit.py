"""The unit itself: a state machine from (time, measurement, message in) to (messages out, relay).

It has no clock, no thread and no network: whoever runs it says what time it is, in milliseconds since
power-up, and carries the messages. So the same unit runs on real time, on a simulated clock, and in tests
that cut its supply in the middle of a write.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import inf

from firmware.simulator.unit.authentication import REQUEST, STATUS
from firmware.simulator.unit.batch import NO_HUMIDITY, NO_TEMPERATURE, Flag, Reason
from firmware.simulator.unit.clock import UnitClock
from firmware.simulator.unit.command import Addressee, Command, CommandKind, open_command
from firmware.simulator.unit.configuration import (
    BODY_BYTES,
    Configuration,
    open_configuration,
    stored_configuration,
)
from firmware.simulator.unit.eeprom import Eeprom
from firmware.simulator.unit.flow import Flow
from firmware.simulator.unit.identity import ORDINARY, Board, Identity
from firmware.simulator.unit.metering import EnergyRegister
from firmware.simulator.unit.outbox import Outbox
from firmware.simulator.unit.persistent import Persistent
from firmware.simulator.unit.refusal import Refusal
from firmware.simulator.unit.request import NO_TAG, RequestKind, encode_request, tag_hash
from firmware.simulator.unit.sampler import Sampler
from firmware.simulator.unit.session import Session
from firmware.simulator.unit.status import encode_status
from firmware.simulator.unit.switch import Switch

SETTLED_AFTER = 1_000
"""ms without current after the relay opened, before the last batch of a session is made."""
OVER_MAXIMUM = 106
"""mA for each tenth of an ampere of the configured maximum: a vehicle that draws exactly the maximum through
a sensor that errs by a few percent is no fault."""
HOTTEST = 50
"""°C: the end of a DHT11's range; a box that is as hot as that is not to be loaded."""
_CLOSED, _CONNECTED, _COMPLETE, _FAULT = (
    int(flag) for flag in (Flag.CLOSED, Flag.CONNECTED, Flag.COMPLETE, Flag.FAULT)
)
# Plain integers: the flags are worked out at every step, and an enumeration's operators are slow.


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the sensors say about the time since the last step."""

    current: int
    """mA RMS, the mean over that time."""
    connected: bool | None = None
    """Whether the pilot shows a vehicle; None without a pilot."""
    temperature: int = NO_TEMPERATURE
    humidity: int = NO_HUMIDITY
    voltage: int | None = None
    """Tenths of a volt where it is measured."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a step wants done."""

    batches: list[bytes]
    """New ones, oldest first; they also wait in `Unit.unsent` until they are acknowledged."""
    request: bytes | None
    """A start request."""
    closed: bool
    """Whether the relay is energised."""
    limit: int
    """Tenths of an ampere for the pilot."""
    asks: bool
    """Whether the unit still needs its configuration."""
    status: bytes | None = None
    """What it tells of its firmware, once it has heard its gateway in this start."""


class Unit:
    """One unit from power-up to power cut, on the memory that outlives it.

    Making one is a power-up: it raises PowerCut if the supply fails before the boot count is kept.
    """

    def __init__(
        self,
        identity: Identity,
        memory: Eeprom,
        board: Board = ORDINARY,
        *,
        now: int = 0,
        reset_held: bool = False,
    ) -> None:
        self._identity = identity
        self._board = board
        self._persistent = Persistent(memory, BODY_BYTES + identity.authentication.length)
        if reset_held:
            self._persistent.erase_configuration()
        self._persistent.begin_boot()
        self._configuration = self._stored_configuration()
        self._outbox = Outbox(self._persistent, identity.authentication, board.ring)
        self._register = EnergyRegister(self._persistent.meter.register)
        self._session = Session(self._persistent.meter)
        self._clock = UnitClock()
        self._switch = Switch(board, now)
        self._flow = Flow()
        self._sampler = Sampler()
        self._batches: list[bytes] = []
        self._request: bytes | None = None
        self._requests = 0
        self._status: bytes | None = None
        self._counter = 0
        self._limit = 0 if self._configuration is None else self._configuration.maximum
        self._last: int = now
        self._next_sample: int = now
        self._next_transmission: int = now
        self._measurement = Measurement(0)
        self._reported: int | None = None
        self.refusals: Counter[str] = Counter()
        """Messages that were not believed, by `Refusal.why`."""

    @property
    def boot(self) -> int:
        """How often the unit has started."""
        return self._persistent.boot

    @property
    def register(self) -> int:
        """mWh."""
        return self._register.energy

    @property
    def session(self) -> bytes:
        """The session that is on; zeros without one."""
        return self._session.id

    @property
    def complete(self) -> bool:
        """Whether the vehicle drew and then stopped."""
        return self._flow.complete

    @property
    def unsent(self) -> list[bytes]:
        """Batches that the gateway has not acknowledged, oldest first."""
        return self._outbox.ring.messages

    @property
    def dropped(self) -> int:
        """Batches that gave way to newer ones because they were not acknowledged in time."""
        return self._outbox.ring.dropped

    @property
    def due(self) -> float:
        """When the next step is needed though nothing happens outside, in ms since power-up."""
        moment = self.due_but_samples
        if self._session.active or self._flow.flowing:
            moment = min(moment, self._next_sample)
        return moment

    @property
    def due_but_samples(self) -> float:
        """The same, leaving out steps that would do nothing but take a sample.

        Whoever simulates many units may step one only then, if all samples up to then are taken first and
        the vehicle goes on drawing or goes on not drawing as it does now."""
        if self._configuration is None:
            return inf
        moment = min(self._next_transmission, self._switch.due, self._flow.due)
        if self._session.ending is not None:
            moment = min(moment, max(self._switch.changed, self._last) + SETTLED_AFTER)
        return moment

    def step(
        self,
        now: int,
        measurement: Measurement | None = None,
        *,
        command: bytes | None = None,
        configuration: bytes | None = None,
        tag: bytes | None = None,
    ) -> Output:
        """Go on to `now` (ms since power-up, never less than before) with what was measured since the last
        step, and a command, a configuration or the id of a tag at the reader where there is one.

        Raises PowerCut when the supply fails in a write; the unit is then dead."""
        settings = self._configuration
        if settings is None:
            settings = self._configure(now, configuration)
            if settings is None:
                return Output([], None, False, 0, True)
        if measurement is not None and now > self._last:
            self._measure(now, measurement, settings)
        if self._reported is None:
            self._align(now, settings)
            self._emit(now, settings)
        if command is not None:
            self._receive(now, command, settings)
        if tag is not None:
            self._ask(now, settings, RequestKind.TAG, tag_hash(self._identity.salt, tag))
        self._follow(now, settings)
        self._keep_periods(now, settings)
        batches, request, status = self._batches, self._request, self._status
        if batches:
            self._batches = []
        self._request = self._status = None
        return Output(batches, request, self._switch.closed, self._limit, False, status)

    # Configuration

    def _stored_configuration(self) -> Configuration | None:
        message = self._persistent.configuration
        return None if message is None else stored_configuration(message, self._identity.authentication)

    def _configure(self, now: int, message: bytes | None) -> Configuration | None:
        self._last = self._next_sample = self._next_transmission = now
        if message is None:
            return None
        try:
            self._configuration = open_configuration(
                message, self._identity.authentication, self._identity.unit, self._persistent.boot
            )
        except Refusal as refusal:
            self.refusals[refusal.why] += 1
            return None
        self._persistent.keep_configuration(message)
        self._limit = self._configuration.maximum
        return self._configuration

    # Measuring

    def _measure(self, now: int, measurement: Measurement, settings: Configuration) -> None:
        elapsed = now - self._last
        current = measurement.current
        voltage = settings.voltage if measurement.voltage is None else measurement.voltage
        if current:
            self._register.add(current, voltage, elapsed)
        self._sampler.add(current, voltage, elapsed)
        self._flow.observe(
            self._last,
            now,
            current,
            maximum=settings.maximum * OVER_MAXIMUM,
            open_since=None if settings.always_on or self._switch.closed else self._switch.changed,
        )
        plugged = measurement.connected and self._measurement.connected is False
        self._last = now
        self._measurement = measurement
        if plugged and self._board.asks_on_plug and not self._session.active:
            self._ask(now, settings, RequestKind.PLUGGED_IN, NO_TAG)

    def _align(self, now: int, settings: Configuration) -> None:
        self._next_sample = self._clock.next_multiple(now, settings.sampling)
        self._next_transmission = self._clock.next_multiple(now, settings.transmission)

    def _keep_periods(self, now: int, settings: Configuration) -> None:
        if now >= self._next_sample:
            self._sampler.close(keep_zero=self._session.active)
            self._persistent.keep(self._session.meter(self._register.energy))
            self._next_sample = self._clock.next_multiple(now, settings.sampling)
            if self._sampler.full:
                self._emit(now, settings)
        if now >= self._next_transmission:
            self._emit(now, settings)
            self._next_transmission = self._clock.next_multiple(now, settings.transmission)

    # Commands

    def _receive(self, now: int, message: bytes, settings: Configuration) -> None:
        clock = self._clock.seconds(now) if self._clock.is_set else None
        addressee = Addressee(settings.unit, settings.network, self._persistent.boot, self._counter, clock)
        try:
            command = open_command(message, self._identity.authentication, addressee)
        except Refusal as refusal:
            self.refusals[refusal.why] += 1
            return
        if self._counter == 0:
            self._status = self._tell(settings)
        self._counter = command.counter
        self._outbox.ring.acknowledge(command.acknowledged)
        self._session.acknowledge(command.acknowledged)
        if not self._session.active and self._clock.set(now, command.issued):
            self._align(now, settings)
        self._obey(now, command, settings)

    def _obey(self, now: int, command: Command, settings: Configuration) -> None:
        if command.kind is CommandKind.ON:
            resumed = not self._session.active
            if self._session.grant(command.session):
                if resumed:
                    self._flow.begin(drawn=self._session.begun)
                self._limit = min(command.current or settings.maximum, settings.maximum)
                self._switch.grant(now + command.grant * 1_000)
            else:
                # Over already: what the gateway lacks is the session's last batch.
                self._session.end(command.session)
        elif command.kind is CommandKind.OFF:
            self._switch.pause()
        elif command.kind is CommandKind.END:
            self._session.end(command.session)

    def _ask(self, now: int, settings: Configuration, kind: RequestKind, tag: bytes) -> None:
        self._requests += 1
        body = encode_request(
            kind=kind,
            unit=settings.unit,
            network=settings.network,
            boot=self._persistent.boot,
            number=self._requests,
            time=self._clock.seconds(now),
            tag=tag,
        )
        self._request = body + self._identity.authentication.seal(REQUEST, body)

    def _tell(self, settings: Configuration) -> bytes:
        body = encode_status(
            unit=settings.unit, network=settings.network, boot=self._persistent.boot, number=1
        )
        return body + self._identity.authentication.seal(STATUS, body)

    # Relay and session

    def _follow(self, now: int, settings: Configuration) -> None:
        self._protect(settings)
        if self._session.ending is not None:
            self._switch.open(now)
        elif self._switch.expired(now):
            if settings.fallback and self._board.piloted:
                self._limit = min(settings.fallback, self._limit)
                self._switch.grant(inf)
            else:
                self._switch.open(now)
        self._switch.update(now)
        if self._session.to_begin and (self._switch.closed or settings.always_on):
            self._begin(now, settings)
        elif self._session.ending is not None and self._settled(now, settings):
            self._end(now, settings)
        elif self._flags(settings) != self._reported:
            self._emit(now, settings)

    def _protect(self, settings: Configuration) -> None:
        if self._flow.over_current:
            self._session.give_up(Reason.OVER_CURRENT)
        elif self._measurement.temperature >= HOTTEST:
            self._session.give_up(Reason.OVER_TEMPERATURE)

    def _settled(self, now: int, settings: Configuration) -> bool:
        if settings.always_on:
            return True
        return not self._flow.flowing and now - self._switch.changed >= SETTLED_AFTER

    def _begin(self, now: int, settings: Configuration) -> None:
        if self._sampler.samples:
            self._emit(now, settings)
        self._sampler.restart()
        self._session.first_batch(self._outbox.number + 1)
        self._emit(now, settings, Flag.BEGIN)

    def _end(self, now: int, settings: Configuration) -> None:
        reason = self._session.ending or Reason.NONE
        self._sampler.restart()
        self._emit(now, settings, Flag.END, reason)

    # Batches

    def _flags(self, settings: Configuration) -> int:
        closed = settings.always_on or self._switch.closed
        flow = self._flow
        connected = self._measurement.connected
        if connected is None:
            connected = self._session.active and not flow.complete
        return (
            (_CLOSED if closed else 0)
            | (_CONNECTED if connected else 0)
            | (_COMPLETE if flow.complete else 0)
            | (_FAULT if flow.fault else 0)
        )

    def _emit(self, now: int, settings: Configuration, mark: int = 0, reason: Reason = Reason.NONE) -> None:
        """Make a batch of all samples so far. What it says is kept in persistent memory before it exists."""
        session = self._session.id
        if mark & Flag.END:
            self._session.last_batch(self._outbox.number + 1)
        self._reported = self._flags(settings)
        flags = mark | self._reported
        if not self._clock.is_set:
            flags |= Flag.CLOCK_UNSET
        if self._measurement.voltage is not None:
            flags |= Flag.MEASURED_VOLTAGE
        self._persistent.keep(self._session.meter(self._register.energy))
        self._batches.append(
            self._outbox.make(
                settings,
                flags=flags,
                time=self._clock.seconds(now),
                register=self._register.energy,
                session=session,
                temperature=self._measurement.temperature,
                humidity=self._measurement.humidity,
                reason=reason,
                samples=self._sampler.take(),
            )
        )
