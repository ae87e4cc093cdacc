"""Taking batches in: verified at once, stored in groups, acknowledged and handed on when they are durable.

Signatures are checked in the event loop's own thread: a check takes about 45 µs, and handing one to another
thread and back half as much again (docs/adr/0010). While one group is being committed the next is verified.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from gateway.clock import Clock
from gateway.metering.acceptance import Acceptance
from gateway.metering.directory import EnrolledUnit
from gateway.metering.identification import Identification
from gateway.metering.outbox import Outbox
from gateway.metering.readings import Arrival, Readings, Verdict
from gateway.metering.received import Received
from gateway.metering.refusal import Refused
from gateway.metering.verification import check_batch, evidence_of, split
from gateway.store.errors import StoreError

OnBatch = Callable[[Received], Awaitable[None]]

GROUP = 512
"""Batches in one database transaction at most."""
BACKLOG = 4_096
"""Batches that may wait for the database before whoever brings more has to wait too."""
_TURN = 16
"""Signatures checked before the event loop gets a turn: about a millisecond."""
_LOG = logging.getLogger(__name__)


class _Submission:
    """One body on its way to the database."""

    __slots__ = ("after", "arrivals", "future", "refused", "unit")

    def __init__(
        self,
        unit: EnrolledUnit,
        arrivals: list[Arrival],
        refused: list[Refused],
        after: asyncio.Future[Acceptance] | None,
    ) -> None:
        self.unit = unit
        self.arrivals = arrivals
        self.refused = refused
        self.after = after
        self.future: asyncio.Future[Acceptance] = asyncio.get_running_loop().create_future()

    @property
    def orphaned(self) -> bool:
        """Whether the body before it could not be stored."""
        if self.after is None or not self.after.done() or self.after.cancelled():
            return False
        error = self.after.exception()
        return error is not None and not isinstance(error, Refused)


class Intake:
    """The one way in for reading batches, whatever transport brought them."""

    def __init__(
        self, readings: Readings, identification: Identification, outbox: Outbox, clock: Clock
    ) -> None:
        self._readings = readings
        self._identification = identification
        self._refusals = identification.refusals
        self._outbox = outbox
        self._clock = clock
        self._on_batch: OnBatch | None = None
        self._queue: deque[_Submission] = deque()
        self._waiting = 0
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def subscribe(self, on_batch: OnBatch) -> None:
        """Hand every new batch to `on_batch` once it is durable and before it is acknowledged, one at a
        time, each unit's in the order stored. What takes long belongs in a task of the subscriber's own.

        A batch that was stored just before a crash is not handed on again: who subscribes reads what is
        stored (`Readings.of_session`, `Readings.last`) when the gateway starts."""
        self._on_batch = on_batch

    async def start(self) -> None:
        """Begin storing."""
        self._task = asyncio.create_task(self._run(), name="metering-intake")

    async def close(self) -> None:
        """Store and acknowledge what has been taken, then take nothing more."""
        self._closed = True
        while self._waiting:
            self._room.clear()
            await self._room.wait()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def receive(self, body: bytes, unit: int | None = None) -> Acceptance:
        """Take one or more batches, oldest first; `unit` is whose they are to be, where that is known.

        Returns when they are durable. Raises `Refused` where none of them is stored, `StoreError` where
        the database fails or the gateway is stopping, and `LedgerError` where the unit could not be looked
        up."""
        return await (await self.submit(body, unit))

    async def submit(
        self, body: bytes, unit: int | None = None, after: asyncio.Future[Acceptance] | None = None
    ) -> asyncio.Future[Acceptance]:
        """As `receive`, but returns once the batches are verified and wait to be stored.

        `after` is what came of the body before on the same connection. Where that could not be stored this
        one is not either: an acknowledgement covers all lower numbers, and the unit would forget them."""
        enrolled = None
        try:
            enrolled = await self._identification.unit(body, unit, "batch")
            messages = split(body, enrolled.authentication_bytes)
        except Refused as error:
            await self._refusals.note(error, None if enrolled is None else enrolled.number)
            raise
        arrivals, refused = await self._verify(messages, enrolled)
        if not arrivals:
            raise refused[0]
        while self._waiting >= BACKLOG:
            self._room.clear()
            await self._room.wait()
        if self._closed:
            raise StoreError("the gateway is stopping, and stores no more batches")
        submission = _Submission(enrolled, arrivals, refused, after)
        self._queue.append(submission)
        self._waiting += len(arrivals)
        self._work.set()
        return submission.future

    async def _verify(self, messages: list[bytes], unit: EnrolledUnit) -> tuple[list[Arrival], list[Refused]]:
        """The sound ones among a body's batches, and what is wrong with the others."""
        arrivals: list[Arrival] = []
        refused: list[Refused] = []
        received_at = self._clock.now()
        for turn, message in enumerate(messages, 1):
            try:
                sound = check_batch(message, unit, self._identification.network)
            except Refused as error:
                refused.append(error)
                await self._refusals.note(error, unit.number)
                continue
            evidence = evidence_of(message, unit, self._identification.keys)
            arrivals.append(Arrival(unit, sound, evidence, received_at))
            if turn % _TURN == 0:
                await asyncio.sleep(0)
        return arrivals, refused

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._queue:
                group = self._next_group()
                await self._store(_without_orphans(group))
                self._waiting -= sum(len(each.arrivals) for each in group)
                self._room.set()

    def _next_group(self) -> list[_Submission]:
        group = [self._queue.popleft()]
        size = len(group[0].arrivals)
        while self._queue and size + len(self._queue[0].arrivals) <= GROUP:
            group.append(self._queue.popleft())
            size += len(group[-1].arrivals)
        return group

    async def _store(self, group: list[_Submission]) -> None:
        if not group:
            return
        try:
            verdicts = await self._readings.add([arrival for each in group for arrival in each.arrivals])
            start = 0
            for each in group:
                end = start + len(each.arrivals)
                await self._finish(each, verdicts[start:end])
                start = end
        except Exception as error:  # noqa: BLE001 - it belongs to whoever brought the batches
            for each in group:
                if not each.future.done():
                    each.future.set_exception(error)

    async def _finish(self, submission: _Submission, verdicts: list[Verdict]) -> None:
        """Hand on what is new of a body, and tell whoever waits for it."""
        unit, tail = submission.unit, self._readings.tail_known(submission.unit)
        latest = None
        for arrival, verdict in zip(submission.arrivals, verdicts, strict=True):
            if verdict.refused is not None:
                submission.refused.append(verdict.refused)
                await self._refusals.note(verdict.refused, unit.number)
            if verdict.stored and tail is not None and arrival.sound.batch.number == tail.number:
                latest = arrival.sound.batch
        accepted = [
            arrival
            for arrival, verdict in zip(submission.arrivals, verdicts, strict=True)
            if verdict.stored or verdict.refused is None
        ]
        if tail is None or not accepted:
            if not submission.future.done():
                submission.future.set_exception(submission.refused[0])
            return
        acceptance = Acceptance(
            unit=unit,
            boot=tail.boot,
            acknowledged=tail.number,
            lowest=min(arrival.sound.batch.number for arrival in accepted),
            latest=latest,
            elsewhere=any(verdict.elsewhere for verdict in verdicts),
            refused=tuple(submission.refused),
        )
        self._outbox.observe(acceptance)
        for arrival, verdict in zip(submission.arrivals, verdicts, strict=True):
            if verdict.stored:
                await self._hand_on(arrival)
        if not submission.future.done():
            submission.future.set_result(acceptance)

    async def _hand_on(self, arrival: Arrival) -> None:
        if self._on_batch is None:
            return
        sound = arrival.sound
        received = Received(
            unit=arrival.unit.number,
            batch=sound.batch,
            message=sound.message,
            evidence=arrival.evidence,
            received_at=arrival.received_at,
            enrolled_at=arrival.unit.enrolled_at,
        )
        try:
            await self._on_batch(received)
        except Exception:  # noqa: BLE001 - it is stored and acknowledged: sent again it would fail again
            _LOG.exception(
                "batch %d of unit %d was stored, but not dealt with", sound.batch.number, received.unit
            )


def _without_orphans(group: list[_Submission]) -> list[_Submission]:
    """Those of a group that may be stored; the others are told. A body and the one before it, in one group,
    are stored together or not at all."""
    for each in group:
        if each.orphaned and not each.future.done():
            each.future.set_exception(StoreError("what came before on this connection could not be stored"))
    return [each for each in group if not each.orphaned]
