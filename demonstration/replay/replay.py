"""The replay: a file's sessions, one after the other and side by side, from wallet to receipt."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from shutil import disk_usage

from chaincode.session import ENDED, Session
from demonstration.replay import site
from demonstration.replay.bay import Bay
from demonstration.replay.dataset import Dataset, DatasetError
from demonstration.replay.ground import EmbeddedGround, Ground, GroundError
from demonstration.replay.receipts import Receipts
from demonstration.replay.report import Report, count_settled, energy_faults, ledger_energy
from demonstration.replay.supply import Supply
from demonstration.replay.traffic import DAY, Traffic
from demonstration.replay.visit import Visit
from firmware.simulator.installation import Installation
from gateway.app import Gateway
from gateway.clock import SimulatedClock
from gateway.transaction.supply import read_supply
from network.ledger import Event

AFTERWARDS = 2 * 3_600
"""Seconds after the last departure in which the last sessions end."""
_ENDED = {f"session.{state}" for state in ENDED}
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
_ROOM = 2 << 30
"""Bytes that must be free where a replay's files are put: three months take a fifth of it."""
TOGETHER = 16
"""Receipts asked for at a time, where others have to answer."""
Progress = Callable[[int], None]
"""Told how many sessions have ended so far."""


class Replay:
    """Plays a dataset through a new condominium in a folder that is thrown away afterwards."""

    def __init__(
        self, dataset: Dataset, limit: int | None, progress: Progress, network: Path | None = None
    ) -> None:
        """`limit` in W for all stations together; `network` is a Fabric network's folder, for a replay on a
        condominium of it. Raises DatasetError where there is nothing to play."""
        if not dataset.rows:
            raise DatasetError("no row of the file makes sense: there is nothing to replay")
        self._dataset = dataset
        self._limit = limit
        self._progress = progress
        self._network = network
        self._clock = SimulatedClock(dataset.rows[0].arrival // DAY * DAY * 1_000)
        self._by_session: dict[str, Visit] = {}
        self._ended = 0
        self.supply = Supply(limit)
        self.faults: list[str] = []
        """What should not be, once `run` is done; empty where all is well."""

    async def run(self) -> Report:
        """Play all rows and check everything. Raises LimitExceeded, and whatever the gateway raises."""
        started = time.monotonic()
        stations = sorted({row.station for row in self._dataset.rows})
        async with AsyncExitStack() as closing:
            folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="replay-", dir=_place()))
            ground = await self._ground()
            gateway, installations = await site.build(
                Path(folder), self._clock, stations, self._limit, ground
            )
            closing.push_async_callback(gateway.close)
            receipts = Receipts(gateway.membership.root)
            closing.callback(receipts.close)
            traffic = Traffic(self._clock)
            bays = [self._bay(each, gateway, traffic) for each in installations]
            await asyncio.gather(*(bay.power_up() for bay in bays))
            at = dict(zip(stations, bays, strict=True))
            visits = [
                Visit(row, at[row.station], gateway, self._clock, self._opened) for row in self._dataset.rows
            ]
            owed = self._follow(gateway, receipts, traffic, at_once=not ground.shared)
            traffic.schedule(visits)
            # What is there by now stays to the end: looking through it for garbage again and again is wasted.
            gc.freeze()
            last = max(row.departure for row in self._dataset.rows) + AFTERWARDS
            await self._clock.advance_to(last * 1_000)
            traffic.check()
            await _collect(gateway, receipts, owed)
            return await self._conclude(
                gateway=gateway, ground=ground, receipts=receipts, visits=visits, bays=bays, started=started
            )

    async def _ground(self) -> Ground:
        if self._network is None:
            return EmbeddedGround()
        try:
            # An embedded replay runs without Fabric's packages.
            from demonstration.replay.fabric import FabricGround  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise GroundError(
                f"--ledger fabric needs the Python package {error.name}; install condocharge[fabric]"
            ) from error
        return await FabricGround.find(self._network, self._clock)

    def _bay(self, installation: Installation, gateway: Gateway, traffic: Traffic) -> Bay:
        return Bay(
            installation,
            gateway.metering,
            self.supply,
            self._clock,
            wanted=traffic.wanted,
            moved=traffic.moved,
        )

    def _opened(self, visit: Visit) -> None:
        self._by_session[visit.session] = visit

    def _follow(self, gateway: Gateway, receipts: Receipts, traffic: Traffic, *, at_once: bool) -> list[str]:
        """Have each session's receipt as soon as the ledger has ended it; if not `at_once`, returns where the
        sessions are noted whose receipts are still to be had."""
        owed: list[str] = []

        async def on_event(event: Event) -> None:
            if event.name not in _ENDED:
                return
            session = Session.decode(event.payload).id
            traffic.ended(self._by_session[session])
            if at_once:
                receipts.add(session, await gateway.operation.receipts.of(session))
            else:
                owed.append(session)
            self._ended += 1
            self._progress(self._ended)

        gateway.operation.follower.subscribe(on_event)
        return owed

    async def _conclude(
        self,
        *,
        gateway: Gateway,
        ground: Ground,
        receipts: Receipts,
        visits: list[Visit],
        bays: list[Bay],
        started: float,
    ) -> Report:
        """Check what can be checked at the end, and say what was found."""
        verified = await receipts.finish()
        records = {record.id: record async for record in site.sessions(gateway)}
        terms = asdict(await read_supply(gateway.submitter))
        chain = await ground.verify(gateway)
        report = Report(
            rows=self._dataset.count,
            refused=len(self._dataset.refusals),
            sessions=len(records),
            settled=count_settled(records),
            energy_wh_dataset=self._dataset.energy,
            energy_wh_ledger=ledger_energy(records),
            receipts_verified=verified,
            batches=sum(bay.batches for bay in bays),
            transactions=chain.transactions,
            blocks=chain.blocks,
            wall_s=round(time.monotonic() - started, 2),
            **terms,
        )
        self.faults = report.faults(self._ended, limited=self._limit is not None)
        self.faults += [f"session {each}: its receipt {why}" for each, why in receipts.refused.items()]
        if self._limit is None:
            self.faults += energy_faults(visits, records)
        return report


async def _collect(gateway: Gateway, receipts: Receipts, owed: list[str]) -> None:
    """Have the receipts of these sessions, some at a time."""
    for start in range(0, len(owed), TOGETHER):
        group = owed[start : start + TOGETHER]
        files = await asyncio.gather(*map(gateway.operation.receipts.of, group))
        for session, file in zip(group, files, strict=True):
            receipts.add(session, file)


def _place() -> Path | None:
    """Where the files go, None for the system's own choice.

    In memory where the system offers that: they are thrown away at the end, so making each commit durable
    would cost time and be worth nothing. The code that runs is the same."""
    try:
        roomy = disk_usage(_MEMORY).free >= _ROOM
    except OSError:
        return None
    return _MEMORY if roomy else None
