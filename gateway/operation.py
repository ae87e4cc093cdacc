"""The condominium's charging, put together: from intents and readings to settlements and receipts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack

from fastapi import APIRouter

from chaincode.condominium import namespace_of
from chaincode.session import Session
from chaincode.signing.batch import SESSION_BYTES
from chaincode.unit import Unit
from gateway.charging.fcfs import FirstComeFirstServed
from gateway.charging.grants import Grants
from gateway.charging.scheduler import Scheduler
from gateway.clock import Clock
from gateway.configuration.service import Configuration
from gateway.metering.directory import Directory
from gateway.metering.readings import Readings
from gateway.metering.refusal import MeteringAlarm
from gateway.metering.service import Metering
from gateway.monitor import session_routes, unit_routes, usage_routes
from gateway.monitor.admission import Admission
from gateway.monitor.alarm import Alarms
from gateway.monitor.anomaly import Anomaly, Kind
from gateway.monitor.fleet import ConfiguredFleet
from gateway.monitor.monitor import ChargeMonitor
from gateway.monitor.overview import Lookout
from gateway.monitor.session import Patience
from gateway.monitor.session_routes import SessionBook
from gateway.notification.bus import Bus
from gateway.projection import sessions
from gateway.projection.follower import Follower
from gateway.rest.places import EXPORTS, Places
from gateway.rest.stream import Streams
from gateway.settings import ChargingSettings
from gateway.store.database import Database
from gateway.switch.switches import Switches
from gateway.transaction import ledger_routes, mandate_routes, purchase_routes, wallet_routes
from gateway.transaction.catalogue import Catalogue
from gateway.transaction.intent import Intents
from gateway.transaction.purchase import Purchases
from gateway.transaction.query import WalletAuthenticator
from gateway.transaction.receipt import Receipts
from gateway.transaction.steps import Steps
from gateway.transaction.submission import Submitter
from gateway.transaction.tap import Taps
from network.ledger import Event


class Operation:
    """The services of charging over one ledger, one database and one metering service.

    ::

        operation = Operation(submitter=…, database=…, metering=…, …)
        await operation.start()          # before units are let in
        relayed = await operation.intents.relay(body, signature)
        await operation.close()
    """

    def __init__(
        self,
        *,
        code: str,
        submitter: Submitter,
        database: Database,
        metering: Metering,
        directory: Directory,
        configuration: Configuration,
        clock: Clock,
        root: bytes,
        switch_networks: Iterable[str],
        charging: ChargingSettings,
        scheduler: Scheduler | None = None,
    ) -> None:
        """`code` is the condominium's; `root` its root certificate, PEM; network switches lie on
        `switch_networks`."""
        self.code = code
        self._submitter = submitter
        self._database = database
        self._directory = directory
        self._clock = clock
        self._root = root
        self._running = AsyncExitStack()
        self.bus = Bus()
        self.streams = Streams()
        self.exports = Places(*EXPORTS)
        self.catalogue = Catalogue(submitter)
        self._outbox = metering.outbox
        self.fleet = ConfiguredFleet(configuration)
        self.alarms = Alarms(database, self.bus, clock)
        self.follower = Follower(submitter.ledger, database, clock)
        self.switches = Switches(
            commands=metering.outbox,
            sockets=self.fleet,
            networks=switch_networks,
            alarms=self.alarms,
            clock=clock,
        )
        grants = Grants(database, clock)
        patience = Patience(plug_in=60 * charging.no_vehicle_minutes)
        self.monitor = self._monitor(scheduler or FirstComeFirstServed(), grants, metering.readings, patience)
        self.lookout = Lookout(
            code=code,
            floor=self.monitor.floor,
            fleet=self.fleet,
            grants=grants,
            catalogue=self.catalogue,
            alarms=self.alarms,
            bus=self.bus,
            clock=clock,
        )
        admission = Admission(self.monitor, charging)
        self.intents = Intents(
            submitter,
            code,
            clock=clock,
            on_session=self.monitor.relayed,
            host_of=self._host_of,
            is_served=lambda unit: self.fleet.unit(unit) is not None,
            admission=admission,
        )
        self.taps = Taps(
            database,
            submitter,
            self.catalogue,
            clock,
            code=code,
            on_session=self.monitor.relayed,
            is_free=lambda unit: self.monitor.floor.first_at(unit) is None,
            admission=admission,
        )
        self.purchases = Purchases(database, submitter, clock, code)
        self.receipts = Receipts(submitter.ledger, code, self._host_of)
        self.wallets = WalletAuthenticator(submitter, database, clock)
        self.book = SessionBook(self.monitor, database, code)
        self._readings = metering.readings
        self._subscribe(metering)

    def _monitor(
        self, scheduler: Scheduler, grants: Grants, readings: Readings, patience: Patience
    ) -> ChargeMonitor:
        return ChargeMonitor(
            fleet=self.fleet,
            scheduler=scheduler,
            commands=self.switches,
            grants=grants,
            readings=readings,
            steps=Steps(self._submitter),
            catalogue=self.catalogue,
            alarms=self.alarms,
            bus=self.bus,
            clock=self._clock,
            patience=patience,
            switches=self.switches,
        )

    def _subscribe(self, metering: Metering) -> None:
        """Let each service hear what the others learn."""
        self.fleet.subscribe(self.monitor.replan)
        self.switches.subscribe(self.monitor.reconsider)
        self.fleet.subscribe(lambda _: self.switches.refresh())
        self.follower.subscribe(self._on_event)
        metering.intake.subscribe(self.monitor.on_batch)
        metering.requests.subscribe(self.taps.on_request)
        metering.refusals.subscribe(self._on_refusal)

    async def start(self, begin: Callable[[int], None] = lambda _: None) -> None:
        """Bring the projections up to the ledger and take up the sessions under way.

        `begin` is told before anything is dated the latest Unix seconds that this condominium itself has on
        record, 0 where no session is under way: a clock that is behind them is wrong.
        Raises LedgerError and StoreError: without either nothing can be taken up."""
        await self.fleet.load()
        self._running.push_async_callback(self.fleet.close)
        await self.follower.start()
        self._running.push_async_callback(self.follower.close)
        under_way = await self._database.read(lambda c: sessions.under_way(c, self.code))
        begin(await self._newest(under_way))
        await self.monitor.start(under_way)
        self._running.push_async_callback(self.monitor.close)
        self.switches.refresh()
        self._running.push_async_callback(self.switches.close)

    async def end_streams(self) -> None:
        """End what readers hold open, so that a server need not wait for them."""
        self.bus.close()
        await self.streams.close()

    async def close(self) -> None:
        """Stop in the opposite order of the start."""
        await self.end_streams()
        await self._running.aclose()

    def session_at(self, unit: int) -> str | None:
        """The session that is first at a unit, None where none is."""
        live = self.monitor.floor.first_at(unit)
        return None if live is None else live.id

    def sessions_under_way(self) -> list[str]:
        """Every session here that has not ended."""
        return [live.id for live in self.monitor.floor]

    @property
    def idle(self) -> bool:
        """As `gateway.timekeeping.Affairs`."""
        return self.monitor.idle

    def shift(self, seconds: int) -> None:
        """As `gateway.timekeeping.Affairs`: what was to last so long lasts as long as before."""
        self._outbox.shift(seconds)
        self.switches.shift(seconds)
        self.monitor.shift(seconds)

    def routers(self) -> list[APIRouter]:
        """REST for wallets, operators, auditors and anybody."""
        submitter = self._submitter
        return [
            wallet_routes.router(
                intents=self.intents,
                purchases=self.purchases,
                submitter=submitter,
                follower=self.follower,
                database=self._database,
                code=self.code,
            ),
            session_routes.router(
                monitor=self.monitor,
                book=self.book,
                readings=self._readings,
                receipts=self.receipts,
                bus=self.bus,
                streams=self.streams,
            ),
            unit_routes.router(
                monitor=self.monitor,
                fleet=self.fleet,
                catalogue=self.catalogue,
                alarms=self.alarms,
                lookout=self.lookout,
                bus=self.bus,
                streams=self.streams,
            ),
            usage_routes.router(database=self._database, readings=self._readings, code=self.code),
            mandate_routes.router(
                submitter=submitter, database=self._database, clock=self._clock, code=self.code
            ),
            purchase_routes.router(self.purchases),
            ledger_routes.router(
                submitter=submitter,
                ledger=submitter.ledger,
                catalogue=self.catalogue,
                database=self._database,
                streams=self.streams,
                exports=self.exports,
                root=self._root,
            ),
        ]

    async def _newest(self, under_way: list[Session]) -> int:
        """The latest of their openings, of their batches' arrivals, and of the ledger's last block. What
        units date is their word, and says nothing of the time."""
        if not under_way:
            return 0
        keys = [bytes.fromhex(record.id)[:SESSION_BYTES] for record in under_way]
        arrived = await self._readings.newest(keys)
        ledger = self._submitter.ledger
        last = await ledger.block(await ledger.height() - 1)
        dated = max((each.timestamp for each in last.transactions), default=0)
        return max(*(record.opened_at for record in under_way), arrived // 1_000, dated // 1_000)

    async def _host_of(self, session: str) -> str | None:
        if self.monitor.live(session) is not None:
            return self.code
        found = await self._database.read(lambda c: sessions.by_id(c, session))
        return found.host if found is not None else None

    async def _on_event(self, event: Event) -> None:
        if event.namespace != namespace_of(self.code):
            return
        self.catalogue.forget(event.name)
        if event.name.startswith("session."):
            await self.monitor.update(Session.decode(event.payload))
        elif event.name.startswith("unit."):
            self._directory.forget(Unit.decode(event.payload).number)
            self.fleet.reload()

    async def _on_refusal(self, alarm: MeteringAlarm) -> None:
        text = f"{alarm.kind}: {alarm.sentence}"
        self.alarms.note(Anomaly(Kind.MESSAGE, text), alarm.unit)
