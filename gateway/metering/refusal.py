"""What is wrong with a message that a unit, or somebody who says to be one, has sent.

Nothing that is refused changes any state but these counts. Whoever can reach the gateway can send
nonsense at will, so an alarm of one kind for one unit is raised at most once a minute; the count goes on.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from chaincode.errors import ContractError, InvalidArgument, NotAuthorised, NotFound, StateConflict
from gateway.clock import Clock

QUIET = 60_000
"""Milliseconds for which a second alarm of the same kind and unit is only counted."""

_LOG = logging.getLogger(__name__)


class RefusalKind(StrEnum):
    """Which rule a message breaks."""

    MALFORMED = "malformed"
    """Not the bytes of any message."""
    UNKNOWN_UNIT = "unknown-unit"
    """No such unit is enrolled."""
    RETIRED_UNIT = "retired-unit"
    WRONG_UNIT = "wrong-unit"
    """Another unit's message than the one that the request or stream is for."""
    WRONG_NETWORK = "wrong-network"
    FORGED = "forged"
    """The signature or MAC is not the unit's."""
    RETIRED_KEY = "retired-key"
    """The signature is by a key that the unit once had."""
    REPEATED_NUMBER = "repeated-number"
    """Another message under a number that is taken."""
    FALLING_REGISTER = "falling-register"
    FALLING_BOOT = "falling-boot"
    BROKEN_CHAIN = "broken-chain"
    """Stored all the same: the register is sound, but details between the two batches are not proven."""
    OLD_REQUEST = "old-request"
    """A start request whose number is not above the last one's, or that is too old."""


_ERRORS: dict[RefusalKind, type[ContractError]] = {
    RefusalKind.MALFORMED: InvalidArgument,
    RefusalKind.UNKNOWN_UNIT: NotFound,
    RefusalKind.RETIRED_UNIT: NotAuthorised,
    RefusalKind.WRONG_UNIT: InvalidArgument,
    RefusalKind.WRONG_NETWORK: NotAuthorised,
    RefusalKind.FORGED: NotAuthorised,
    RefusalKind.RETIRED_KEY: NotAuthorised,
    RefusalKind.REPEATED_NUMBER: StateConflict,
    RefusalKind.FALLING_REGISTER: StateConflict,
    RefusalKind.FALLING_BOOT: StateConflict,
    RefusalKind.BROKEN_CHAIN: StateConflict,
    RefusalKind.OLD_REQUEST: StateConflict,
}


class Refused(Exception):
    """A message that changes nothing. `error` is the sentence for whoever sent it."""

    def __init__(self, kind: RefusalKind, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.kind = kind
        self.error: ContractError = _ERRORS[kind](field, rule)


@dataclass(frozen=True, slots=True)
class MeteringAlarm:
    """Something about a unit's messages that a person should look at."""

    kind: RefusalKind
    unit: int | None
    """None where the message names no enrolled unit."""
    sentence: str
    raised_at: int
    """Milliseconds since 1970."""


OnAlarm = Callable[[MeteringAlarm], Awaitable[None]]


class Refusals:
    """Counts refusals by kind, and raises alarms."""

    def __init__(self, clock: Clock, on_alarm: OnAlarm | None = None) -> None:
        self.counts: Counter[RefusalKind] = Counter()
        self._clock = clock
        self._on_alarm = on_alarm
        self._quiet: dict[tuple[RefusalKind, int | None], int] = {}

    def subscribe(self, on_alarm: OnAlarm) -> None:
        """Send alarms to `on_alarm` from now on."""
        self._on_alarm = on_alarm

    async def note(self, refused: Refused, unit: int | None) -> None:
        """Count a refusal; `unit` is an enrolled unit's number or None."""
        self.counts[refused.kind] += 1
        now = self._clock.now()
        if self._on_alarm is None or self._quiet.get((refused.kind, unit), now) > now:
            return
        self._quiet[refused.kind, unit] = now + QUIET
        try:
            await self._on_alarm(MeteringAlarm(refused.kind, unit, str(refused), now))
        except Exception:  # noqa: BLE001 - nonsense gets the same answer whether the alarm is kept or not
            _LOG.exception("the alarm %s of unit %s was not kept", refused.kind, unit)
