"""What each unit is to do, until its batches show that it does.

`send` keeps the latest wanted command of a unit. A transport gives it, signed, on the unit's stream or as
an answer to its next request, and gives it again until the unit has shown that it heard it: by not
sending again what the command acknowledged, and by a batch that shows it obeyed. Where nothing is
wanted the answer is an acknowledgement.

An ON that is given late grants only what is left of its time, and one that is given too late is dropped,
so that no relay stays closed longer than whoever sent the command knows.

A unit refuses what is 120 s off its own clock. Where the two clocks have come apart, it is ended and switched
off in its own time, gets no power, and is brought back to the time step by step.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from chaincode.signing.batch import NO_SESSION, SESSION_BYTES, Batch, Flag
from chaincode.signing.command import Command, CommandKind, seal_command, sign_command
from chaincode.unit import ED25519
from gateway.clock import Clock
from gateway.metering.acceptance import Acceptance
from gateway.metering.counter import CommandCounters
from gateway.metering.directory import EnrolledUnit
from gateway.metering.keys import Keys

MAX_GRANT = 65_535
"""Seconds."""
MAX_CURRENT = 65_535
"""Tenths of an ampere."""
CLOCK_STEP = 100
"""Seconds by which a unit's clock is put right at a time: it believes no command that is 120 s off."""
_IGNORED = 2
"""Commands in a row that a unit does not obey before its clock is looked at: a batch that comes late differs
from this clock too, and is no reason."""
_ASTRAY = (
    "the clock of unit %d is %d s %s this computer's, and it obeys no command: it gets no power until they "
    "agree, which takes a batch for each 100 s. Check this computer's clock"
)
_LOG = logging.getLogger(__name__)


class Connection(Protocol):
    """A way to a unit that is open now: a stream, or a request whose answer is held."""

    def wake(self) -> None:
        """There is a command to give."""

    def displace(self) -> None:
        """There are no more commands here: a newer connection has them, or the gateway is `stopping`."""


@dataclass(slots=True)
class _Wanted:
    """The command that a unit is to obey."""

    kind: CommandKind
    session: bytes
    grant: int
    current: int
    until: int
    """Milliseconds since 1970 at which an ON's grant ends."""
    given_on: Connection | None = None
    given: int = -1
    """What it acknowledged when it was last given."""

    def shown_by(self, batch: Batch) -> bool:
        """Whether a unit that sent this batch does what is wanted."""
        if self.kind is CommandKind.ON:
            return batch.session == self.session and bool(batch.flags & Flag.CLOSED)
        if self.kind is CommandKind.OFF:
            return not batch.flags & Flag.CLOSED
        return batch.session != self.session or bool(batch.flags & Flag.END)


@dataclass(slots=True)
class _Desk:
    """One unit: what is wanted of it, and what is known of it from its own batches."""

    wanted: _Wanted | None = None
    current: Connection | None = None
    unit: EnrolledUnit | None = None
    boot: int = 0
    acknowledged: int = 0
    ahead: int = 0
    """Seconds by which its clock was ahead of this one's in its latest batch."""
    ignored: int = 0
    """How many times in a row it was given a command, and showed that it does not obey."""

    @property
    def astray(self) -> bool:
        """Whether it refuses commands because the clocks differ (docs/protocol.md, "A unit's life", 8)."""
        return self.ignored >= _IGNORED and abs(self.ahead) > CLOCK_STEP


class Outbox:
    """The commands for all units of the gateway."""

    def __init__(self, counters: CommandCounters, keys: Keys, network: bytes, clock: Clock) -> None:
        self._counters = counters
        self._keys = keys
        self._network = network
        self._clock = clock
        self._desks: dict[int, _Desk] = {}
        self.stopping = False

    def send(self, unit: int, kind: CommandKind, session: bytes, grant: int = 0, current: int = 0) -> None:
        """Want `unit` to do this from now on, instead of whatever was wanted before.

        `session` is the first 16 bytes of its id; `grant` seconds from now for which an ON holds (1 to
        65,535, and 0 for the others); `current` in 0.1 A, 0 for the unit's own maximum. Returns at once:
        the command is given when the unit can be reached. Nothing is kept over a restart: whoever sends
        commands sends the ones that still hold again.

        Raises ValueError for what no command can say."""
        if kind is CommandKind.ACKNOWLEDGE:
            raise ValueError("an acknowledgement is nothing to want; every answer is one")
        if len(session) != SESSION_BYTES:
            raise ValueError(f"session has {SESSION_BYTES} bytes")
        if not (0 < grant <= MAX_GRANT if kind is CommandKind.ON else grant == 0):
            raise ValueError(f"grant is 1 to {MAX_GRANT} seconds with ON and 0 otherwise")
        if not 0 <= current <= MAX_CURRENT:
            raise ValueError(f"current is 0 to {MAX_CURRENT} tenths of an ampere")
        desk = self._desk(unit)
        until = self._clock.now() + 1_000 * grant
        desk.wanted = _Wanted(kind, session, grant, current, until)
        if desk.current is not None:
            desk.current.wake()

    def meet(self, unit: EnrolledUnit, boot: int, acknowledged: int) -> None:
        """Learn which start a unit is in and which of its batches is the last one stored."""
        desk = self._desk(unit.number)
        if desk.unit is not None and desk.unit.enrolled_at == unit.enrolled_at:
            boot, acknowledged = max(boot, desk.boot), max(acknowledged, desk.acknowledged)
        desk.unit, desk.boot, desk.acknowledged = unit, boot, acknowledged

    def observe(self, acceptance: Acceptance) -> None:
        """Learn from a stored body what `meet` does, and whether the unit heard and obeyed."""
        self.meet(acceptance.unit, acceptance.boot, acceptance.acknowledged)
        if acceptance.elsewhere:
            self._counters.forget(acceptance.unit.number)
        desk = self._desk(acceptance.unit.number)
        if acceptance.latest is not None and Flag.CLOCK_UNSET not in acceptance.latest.flags:
            desk.ahead = acceptance.latest.time - self._clock.now() // 1_000
        wanted = desk.wanted
        if wanted is None or wanted.given_on is None:
            return
        if acceptance.latest is None or acceptance.lowest <= wanted.given:
            return
        if wanted.shown_by(acceptance.latest):
            desk.wanted, desk.ignored = None, 0
        else:
            wanted.given_on = None
            desk.ignored += 1
            if desk.ignored == _IGNORED and desk.astray:
                _LOG.warning(_ASTRAY, acceptance.unit.number, abs(desk.ahead), _side(desk.ahead))

    def attach(self, unit: int, connection: Connection, fresh: bool) -> bool:
        """Whether commands for `unit` are pushed to `connection` from now on.

        A connection that brought the unit's latest batch (`fresh`) displaces the one before. One that
        brought only what is stored already may be anybody's with a recording, so it displaces nobody."""
        desk = self._desk(unit)
        if desk.current is connection:
            return True
        if desk.current is not None:
            if not fresh:
                return False
            desk.current.displace()
        desk.current = connection
        return True

    def detach(self, unit: int, connection: Connection) -> None:
        """Push nothing more to `connection`."""
        desk = self._desk(unit)
        if desk.current is connection:
            desk.current = None

    def shift(self, seconds: int) -> None:
        """The gateway's time was set by so many seconds: what is wanted is wanted for as long as before, and
        every unit's clock is brought after it (`CLOCK_STEP`) without its having to refuse commands first."""
        for desk in self._desks.values():
            desk.ahead -= seconds
            desk.ignored = max(desk.ignored, _IGNORED)
            if desk.wanted is not None:
                desk.wanted.until += 1_000 * seconds

    def end(self) -> None:
        """Give no more commands: the gateway is stopping."""
        self.stopping = True
        for desk in self._desks.values():
            if desk.current is not None:
                desk.current.displace()

    def pending(self, unit: int, connection: Connection) -> bool:
        """Whether there is a command other than an acknowledgement to give on `connection`."""
        wanted = self._wanted(self._desk(unit))
        return wanted is not None and wanted.given_on is not connection

    def obeyed(self, unit: int) -> bool:
        """Whether the unit has shown that it heard and obeyed what was wanted of it last."""
        return self._wanted(self._desk(unit)) is None

    async def compose(self, unit: int, connection: Connection) -> bytes:
        """The next message for `unit` on `connection`: what is wanted, or an acknowledgement.

        Only for a unit that `meet` or `observe` knows. Raises `StoreError` where no counter could be
        reserved."""
        counter = await self._counters.take(unit)
        desk = self._desk(unit)
        if desk.unit is None:
            raise RuntimeError(f"unit {unit} has not been heard of since the gateway started")
        now = self._clock.now()
        wanted = self._wanted(desk)
        if wanted is None or wanted.given_on is connection:
            kind, session, grant, current = CommandKind.ACKNOWLEDGE, NO_SESSION, 0, 0
        else:
            kind, session, current = wanted.kind, wanted.session, wanted.current
            grant = (wanted.until - now) // 1_000 if kind is CommandKind.ON else 0
            wanted.given_on, wanted.given = connection, desk.acknowledged
        command = Command(
            kind=kind,
            unit=unit,
            network=self._network,
            boot=desk.boot,
            counter=counter,
            issued=_issued(desk, now // 1_000),
            session=session,
            grant=grant,
            current=current,
            acknowledged=desk.acknowledged,
        )
        if desk.unit.unit_class == ED25519:
            return sign_command(command, self._keys.signing_key())
        return seal_command(command, desk.unit.key)

    def _desk(self, unit: int) -> _Desk:
        return self._desks.setdefault(unit, _Desk())

    def _wanted(self, desk: _Desk) -> _Wanted | None:
        """What is wanted and not too late; no power for a unit whose readings would bear the wrong time."""
        wanted = desk.wanted
        if wanted is not None and wanted.kind is CommandKind.ON and desk.astray:
            return None
        if wanted is not None and wanted.kind is CommandKind.ON and wanted.until - self._clock.now() < 1_000:
            desk.wanted = wanted = None
        return wanted


def _issued(desk: _Desk, now: int) -> int:
    """A command's time: now, or as near to it as a unit whose clock is astray believes. Outside a session it
    takes that for the time, so its clock comes nearer with every batch."""
    if not desk.astray:
        return now
    theirs = now + desk.ahead
    return min(max(now, theirs - CLOCK_STEP), theirs + CLOCK_STEP)


def _side(ahead: int) -> str:
    return "ahead of" if ahead > 0 else "behind"
