"""The one composition root: everything the gateway is made of is put together here, and nowhere else."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import Self
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.middleware import Middleware

from chaincode.condominium import Condominium
from chaincode.signing.domain import network_tag
from gateway.access import audit_routes
from gateway.access import routes as access_routes
from gateway.access.audit import AuditLog
from gateway.access.authentication import AccountAuthenticator
from gateway.access.password import Passwords
from gateway.access.service import Access, Invited
from gateway.access.session import Sessions
from gateway.access.trail import Trail
from gateway.clock import Clock, SimulatedClock, SystemClock
from gateway.configuration import enrolment_routes
from gateway.configuration import routes as configuration_routes
from gateway.configuration.condominium import ensure_registered
from gateway.configuration.secrets import Keys, SecretStore
from gateway.configuration.service import Configuration
from gateway.configuration.tariff import Tariffs
from gateway.firmware import routes as firmware_routes
from gateway.firmware.service import Firmware
from gateway.firmware.unit_routes import unit_router
from gateway.grpc.audit import AuditService
from gateway.grpc.server import Service
from gateway.grpc.units import UnitsService
from gateway.grpc.wallets import WalletServices, WalletsService
from gateway.membership import Membership, join
from gateway.metering.directory import Directory
from gateway.metering.service import Metering
from gateway.notification import routes as notification_routes
from gateway.notification.push import PushSender, new_key
from gateway.notification.subscription import Subscriptions
from gateway.notification.teller import Teller
from gateway.operation import Operation
from gateway.report import routes as report_routes
from gateway.report.rehearsal import Rehearsal
from gateway.report.routes import Books
from gateway.rest import application
from gateway.rest.units import units_router
from gateway.settings import Settings
from gateway.store import projection
from gateway.store.database import Database
from gateway.timekeeping import Timekeeper
from gateway.transaction import verification_routes
from gateway.transaction.submission import Submitter

_PUSH_KEY = "push-key"


class Gateway:
    """A management unit: its services over one ledger and one database, and the REST application.

    ::

        async with await Gateway.open(settings) as gateway:
            ...  # gateway.app serves REST; gateway.metering, gateway.configuration, … are the services
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        database: Database,
        membership: Membership,
        keys: Keys,
        condominium: Condominium,
        hasher: PasswordHasher | None,
        push_key: bytes,
    ) -> None:
        """Use `open`."""
        self.settings = settings
        self.clock = clock
        self.database = database
        self.membership = membership
        self.ledger = membership.ledger
        self.condominium = condominium
        self.keys = keys
        self.submitter = Submitter(membership.ledger, membership.namespace, clock)
        self._closing = AsyncExitStack()
        self._running = AsyncExitStack()

        self.sessions = Sessions(database, clock, settings.access)
        self.audit = AuditLog(database, clock)
        self.access = Access(database, clock, self.sessions, Passwords(hasher), settings.access)

        reached = {
            "server": settings.units.server or settings.http.host,
            "port": settings.units.port or settings.http.port,
        }
        defaults = settings.units.model_copy(update=reached)
        self.configuration = Configuration(database, keys, self.submitter, defaults)
        self.tariffs = Tariffs(self.submitter, clock, settings.condominium.time_zone)

        self.directory = Directory(membership.ledger, membership.namespace, keys, clock)
        network = network_tag(membership.ledger.channel, condominium.code)
        self.metering = Metering(database, self.directory, keys, network, self.configuration, clock=clock)
        self.firmware = Firmware(
            database, self.metering.identification, clock, bytes.fromhex(settings.units.firmware_key)
        )
        self.operation = Operation(
            code=condominium.code,
            submitter=self.submitter,
            database=database,
            metering=self.metering,
            directory=self.directory,
            configuration=self.configuration,
            clock=clock,
            root=membership.root,
            switch_networks=settings.units.switch_networks,
            charging=settings.charging,
        )
        self.push = PushSender(
            push_key, settings.notification.contact, clock, settings.notification.push_origins
        )
        self.subscriptions = Subscriptions(database, clock)
        self.teller = self._teller()
        self.timekeeper: Timekeeper | None = None
        if isinstance(clock, SystemClock):
            self.timekeeper = Timekeeper(
                clock, self.operation, self.operation.alarms, shared=membership.shared
            )
        self.configuration.subscribe(self._forget)
        self.access.subscribe(self.operation.streams.stir)
        self.app = self._application()

    @classmethod
    async def open(
        cls, settings: Settings, clock: Clock | None = None, hasher: PasswordHasher | None = None
    ) -> Self:
        """Open the ledger and the database, and register the condominium at the first start. Nothing runs
        yet: `start` does that, and leaving the gateway as a context manager undoes both.

        Raises `StoreError`, `LedgerError`, `IdentityError`, `SecretError`, `CondominiumError` or
        `SettingsError`, each with a sentence that says what to do."""
        clock = clock or SystemClock()
        async with AsyncExitStack() as opening:
            _make_directory(settings)
            database = await Database.open(settings.database_url)
            opening.push_async_callback(database.close)
            if isinstance(clock, SimulatedClock):
                clock.watch(lambda: database.pending, database.change)
            membership = await join(settings, clock)
            opening.push_async_callback(membership.close)
            secrets = await SecretStore.open(database, settings.directory / "secrets.key")
            keys = await Keys.open(secrets)
            condominium = await ensure_registered(membership, settings.condominium, keys, clock)
            gateway = cls(
                settings,
                clock,
                database=database,
                membership=membership,
                keys=keys,
                condominium=condominium,
                hasher=hasher,
                push_key=await secrets.get_or_make(_PUSH_KEY, new_key),
            )
            if isinstance(clock, SimulatedClock):
                clock.watch(lambda: gateway.submitter.pending)
            gateway._closing = opening.pop_all()
            return gateway

    async def rebuild(self) -> list[str]:
        """Drop every projection and fill it again from the ledger; returns the tables' names.

        Instead of `start`, and with every other gateway on the database stopped: one that followed the
        ledger meanwhile would go on in the middle. Raises `LedgerError`, `StoreError`."""
        tables = await self.database.write(projection.rebuild)
        await self.operation.follower.start()
        await self.operation.follower.close()
        return tables

    async def start(self) -> Invited | None:
        """Start the services. Returns the first administrator's invitation where nobody can log in yet."""
        keeper = self.timekeeper
        await self.operation.start() if keeper is None else await self.operation.start(keeper.begin)
        self._running.push_async_callback(self.operation.close)
        if self.timekeeper is not None:
            self.timekeeper.start()
            self._running.push_async_callback(self.timekeeper.close)
        await self.teller.start()
        self._running.push_async_callback(self.teller.close)
        await self.metering.start()
        self._running.push_async_callback(self.metering.close)
        self._running.push_async_callback(self.operation.end_streams)
        return await self.access.invite_first_admin()

    async def stop(self) -> None:
        """Stop the services in the opposite order of their start: streams and held answers end, and what was
        taken is stored. Requests are still answered, from ledger and database."""
        await self._running.aclose()

    async def close(self) -> None:
        """Stop what runs and let go of ledger and database."""
        await self.stop()
        await self._closing.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def grpc_services(self) -> list[Service]:
        """What machine clients are served over gRPC."""
        operation = self.operation
        wallets = WalletServices(
            code=self.condominium.code,
            intents=operation.intents,
            book=operation.book,
            bus=operation.bus,
            wallets=operation.wallets,
            submitter=self.submitter,
            database=self.database,
            places=operation.streams.places,
        )
        audit = AuditService(self.ledger, streams=operation.streams.places, exports=operation.exports)
        return [UnitsService(self.metering), WalletsService(wallets), audit]

    def _teller(self) -> Teller:
        operation = self.operation
        return Teller(
            bus=operation.bus,
            clock=self.clock,
            subscriptions=self.subscriptions,
            push=self.push,
            view=operation.book.view,
            balance=self._balance,
            session_at=operation.session_at,
            under_way=operation.sessions_under_way,
        )

    def _application(self) -> FastAPI:
        origin = self.settings.origin
        accounts = AccountAuthenticator(self.sessions, self.audit, origin)
        return application.create(
            routers=[
                access_routes.router(self.access, self.sessions, self.clock, origin),
                audit_routes.router(self.audit),
                configuration_routes.router(
                    self.configuration, self.tariffs, self.membership, self.settings.units, self.clock
                ),
                enrolment_routes.router(self.configuration, self.condominium.code, self.settings.wallet_url),
                *self.operation.routers(),
                notification_routes.router(
                    subscriptions=self.subscriptions, push=self.push, teller=self.teller
                ),
                report_routes.router(self._books(), self.operation.catalogue),
                verification_routes.router(
                    self.membership, self.database, self.operation.streams, self.condominium.code
                ),
                firmware_routes.router(self.firmware, self.clock),
                units_router(self.metering),
                unit_router(self.firmware),
            ],
            authenticators=[accounts, self.operation.wallets],
            larger_bodies={firmware_routes.UPLOAD: firmware_routes.MAX_UPLOAD},
            middleware=[Middleware(Trail, audit=self.audit, authenticator=accounts)],
        )

    def _books(self) -> Books:
        readings, catalogue = self.metering.readings, self.operation.catalogue
        return Books(
            condominium=self.condominium,
            database=self.database,
            rehearsal=Rehearsal(self.database, readings, catalogue, self.condominium.code),
            tariffs=self.tariffs,
            zone=ZoneInfo(self.settings.condominium.time_zone),
            clock=self.clock,
        )

    async def _balance(self, wallet: str) -> int:
        answer = await self.submitter.evaluate("token.balance", [wallet.encode()])
        balance: int = json.loads(answer)["amount"]
        return balance

    def _forget(self, unit: int | None) -> None:
        if unit is not None:
            self.directory.forget(unit)


def _make_directory(settings: Settings) -> None:
    settings.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
