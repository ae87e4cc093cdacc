"""Bringing sessions' ledger records up to date: start, checkpoint, settle, cancel.

Each session has at most one step under way. A step is tried until the ledger has answered; one that the
rules refuse is an alarm, and a session whose readings are refused is settled with those that the ledger has,
so that neither the resident's tokens nor the unit stay bound.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from chaincode.errors import ContractError
from chaincode.session import ENDED, OPENED, Session
from gateway.clock import Clock
from gateway.monitor.alarm import Alarms
from gateway.monitor.anomaly import Anomaly, Kind
from gateway.monitor.floor import Floor
from gateway.monitor.session import Cancel, LiveSession, Settle
from gateway.monitor.stopped import StoppedReason
from gateway.transaction.steps import Steps
from network.ledger import LedgerError

_LOG = logging.getLogger(__name__)
_SOON = 5.0
_LATER = 600.0
"""Seconds until a step is tried again: where another session or the network is in the way, and otherwise."""
_TIME = "evidence.time"
"""What the ledger calls the time of a reading (`chaincode.readings`)."""


class Driver:
    """One worker for each session that has something to do on the ledger."""

    def __init__(
        self,
        *,
        floor: Floor,
        steps: Steps,
        alarms: Alarms,
        clock: Clock,
        on_change: Callable[[str], None],
        on_end: Callable[[LiveSession], None],
    ) -> None:
        """`on_change` is told the ids of sessions whose record has changed, `on_end` those that ended."""
        self._floor = floor
        self._steps = steps
        self._alarms = alarms
        self._clock = clock
        self._on_change = on_change
        self._on_end = on_end
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._refused: set[str] = set()
        """Sessions whose readings the ledger refused before their end: settlement brings them again."""

    def look(self, live: LiveSession) -> None:
        """See to whatever the session needs on the ledger now."""
        if live.id in self._workers or not self._due(live):
            return
        self._workers[live.id] = asyncio.create_task(self._work(live), name=f"session-{live.id[:8]}")

    async def close(self) -> None:
        """Stop; what was under way is found out and finished at the next start."""
        workers = list(self._workers.values())
        for task in workers:
            task.cancel()
        if workers:
            await asyncio.wait(workers)

    def _due(self, live: LiveSession) -> bool:
        if isinstance(live.next_step(self._now()), Settle | Cancel):
            return True
        wants_start = live.record.state == OPENED and live.begun
        return live.id not in self._refused and (wants_start or live.needs_checkpoint)

    async def _work(self, live: LiveSession) -> None:
        try:
            while self._floor.client(live.id) is live and self._due(live):
                try:
                    await self._step(live)
                except LedgerError as error:
                    _LOG.warning("session %s: %s", live.id, error)
                    await self._clock.sleep(_SOON)
        finally:
            self._workers.pop(live.id, None)
            if self._floor.client(live.id) is None:
                self._refused.discard(live.id)

    async def _step(self, live: LiveSession) -> None:
        step = live.next_step(self._now())
        if isinstance(step, Settle):
            record = await self._settle(live, step.reason)
        elif isinstance(step, Cancel):
            record = await self._cancel(live)
        else:
            record = await self._advance(live)
        if record is None:
            return
        live.renew(record)
        if record.state in ENDED:
            self._on_end(live)
        else:
            self._on_change(live.id)

    def _early(self, live: LiveSession) -> bool:
        """Whether its newest reading is ahead of the gateway's time, which may be the wrong one: what the
        ledger refuses for that it takes later. Not for ever: no reading counts that is from long after the
        deadline."""
        last = live.account.last
        return last is not None and last.time > self._now()

    async def _advance(self, live: LiveSession) -> Session | None:
        evidence, early = live.account.evidence(), self._early(live)
        try:
            if live.record.state == OPENED:
                return await self._steps.start(live.id, evidence[0])
            return await self._steps.checkpoint(live.id, evidence)
        except ContractError as error:
            self._alarm(live, error)
            if error.field == _TIME and (early or self._early(live)):
                await self._clock.sleep(_SOON)
            else:
                self._refused.add(live.id)
            return None

    async def _settle(self, live: LiveSession, reason: StoppedReason) -> Session | None:
        evidence, early = live.account.evidence(), self._early(live)
        try:
            return await self._steps.settle(live.id, reason, evidence)
        except ContractError as error:
            record = await self._steps.session(live.id)
            if record.state in ENDED:
                return record
            if error.field == "unit":
                # The session before at this unit is still being settled.
                await self._clock.sleep(_SOON)
                return None
            self._alarm(live, error)
            if error.field == _TIME and (early or self._early(live)):
                await self._clock.sleep(_SOON)
                return None
        try:
            return await self._steps.settle(live.id, reason, evidence[:1] if record.state == OPENED else [])
        except ContractError as error:
            _LOG.error("session %s cannot be settled: %s", live.id, error)
            await self._clock.sleep(_LATER)
            return None

    async def _cancel(self, live: LiveSession) -> Session | None:
        try:
            return await self._steps.cancel(live.id)
        except ContractError as error:
            record = await self._steps.session(live.id)
            if record.state in ENDED:
                return record
            self._alarm(live, error)
            await self._clock.sleep(_LATER)
            return None

    def _now(self) -> int:
        return self._clock.now() // 1000

    def _alarm(self, live: LiveSession, error: ContractError) -> None:
        self._alarms.raise_(Anomaly(Kind.REFUSED, str(error)), live.unit.number, live.id)
