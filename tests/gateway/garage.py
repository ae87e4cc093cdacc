"""A whole gateway heart for tests: embedded ledger with the real rules, metering, monitor, units with cars.

Everything runs in one event loop on a simulated clock; a `Garage` can be stopped at any moment, as if it had
been killed, and opened again on the same files.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nacl.bindings import crypto_sign_seed_keypair
from nacl.signing import SigningKey

from chaincode.condominium import namespace_of
from chaincode.contract import dispatch
from chaincode.session import Session
from chaincode.signing import domain
from chaincode.signing.batch import NO_BATCH, NO_SESSION, Batch, Flag, Reason, Sample, batch_hash
from chaincode.signing.command import BODY_BYTES, CommandKind, decode_command
from chaincode.signing.intent import OpenIntent, StopIntent, intent_id, new_nonce
from chaincode.unit import ED25519, MAC
from gateway.charging.fcfs import FirstComeFirstServed
from gateway.charging.grants import Grants
from gateway.clock import Callback, SimulatedClock, Timer
from gateway.metering.configuration import UnitConfiguration
from gateway.metering.directory import Directory
from gateway.metering.outbox import Outbox
from gateway.metering.service import Metering
from gateway.monitor.alarm import Alarms
from gateway.monitor.monitor import ChargeMonitor
from gateway.monitor.session import Patience
from gateway.monitor.unit import UnitFacts
from gateway.notification.bus import Bus
from gateway.store.database import Database
from gateway.switch.switches import Switches
from gateway.transaction.catalogue import Catalogue
from gateway.transaction.steps import Steps
from gateway.transaction.submission import Submitter
from network.authority import Authority
from network.embedded.ledger import EmbeddedLedger
from network.organisation import Organisation
from tests.chaincode.world import PartyWallet

CHANNEL = "condominiums"
CODE = "aurora"
BIRTH = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
START = 1_760_000_400
"""Unix seconds at which garages open; a whole minute."""
VOLTAGE = 2_300
GROUP = "garage"
NOTHING = Flag(0)
_AUTHORITY = Authority.create(CODE, BIRTH)
_GATEWAY, _ADMIN, _LEDGER = (_AUTHORITY.issue(name, name, BIRTH) for name in ("gateway", "admin", "ledger"))
ORGANISATION = Organisation(_AUTHORITY.msp_id, _AUTHORITY.root)


def secret_of(name: str) -> bytes:
    """A key pair in libsodium's 64 bytes, always the same for a name."""
    return crypto_sign_seed_keypair(hashlib.sha256(name.encode()).digest())[1]


SIGNING = secret_of("condominium")


@dataclass
class Car:
    """A vehicle that takes `current` mA until it has had `need` mWh."""

    current: int = 10_000
    need: int = 10**9
    had: int = 0


@dataclass
class Socket:
    """A unit with a socket: obeys commands, meters each minute, and keeps its state over a restart.

    It stands for the firmware in tests of the gateway, with a simple electrical world: the register rises by
    the car's current at 230 V for each second that the relay is closed."""

    number: int
    unit_class: str = ED25519
    transmission: int = 60
    network: bytes = field(default_factory=lambda: domain.network_tag(CHANNEL, CODE))
    boot: int = 1
    count: int = 0
    register: int = 5_000_000
    time: int = START
    session: bytes = NO_SESSION
    begun: set[bytes] = field(default_factory=set)
    closed: bool = False
    until: int = 0
    limit: int = 32_000
    car: Car | None = None
    unsent: list[bytes] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    previous: bytes = NO_BATCH
    counter: int = -1
    reachable: bool = True
    sending: bool = False
    heard: list[tuple[CommandKind, int, int]] = field(default_factory=list)
    """Commands obeyed: kind, grant, current in 0.1 A."""
    supply: Callable[[int], bool] | None = None
    """Whether the network switch beside it is on at a time (Unix seconds), where it has one."""
    garage: Garage | None = None
    rested: int = 0
    drawn: bool = False

    @property
    def secret(self) -> bytes:
        """What it signs with."""
        return secret_of(f"unit {self.number}")

    @property
    def mac_key(self) -> bytes:
        """What it shares with the gateway."""
        return self.secret[:16]

    @property
    def current(self) -> int:
        """mA that flow now."""
        car = self.car
        on = self.closed if self.supply is None else self.supply(self.time)
        if not on or car is None or car.had >= car.need:
            return 0
        return min(car.current, self.limit)

    def run(self, now: int) -> None:
        """Let the world go on to `now` (Unix seconds), sampling each whole minute."""
        while self.time < now:
            if self.closed and self.time >= self.until:
                self.closed = False
            self._second()
            if self.time % 60 == 0:
                self.samples.append(Sample(self.current, VOLTAGE))
                resting = self.closed and self.drawn and self.current < 500
                self.rested = self.rested + 60 if resting else 0
        if self.closed and self.time >= self.until:
            self.closed = False

    def _second(self) -> None:
        energy = 0
        current = self.current
        if self.car is not None and current:
            self.drawn = True
            # mWh of a second, kept exact over an hour: 230 V times mA over 3,600 s.
            before = current * 230 * (self.time % 3_600) // 3_600
            energy = min(
                current * 230 * (self.time % 3_600 + 1) // 3_600 - before, self.car.need - self.car.had
            )
            self.car.had += energy
        self.register += energy
        self.time += 1

    def batch(self, flags: Flag = NOTHING, reason: Reason = Reason.NONE, *, samples: bool = True) -> None:
        """Sign a batch of what was sampled and put it with the unsent ones."""
        taken, self.samples = (tuple(self.samples[-120:]), []) if samples else ((), self.samples)
        if self.closed:
            flags |= Flag.CLOSED
        if self.car is not None:
            flags |= Flag.CONNECTED
        if self.rested >= 180:
            flags |= Flag.COMPLETE
        self.count += 1
        batch = Batch(
            unit=self.number,
            network=self.network,
            boot=self.boot,
            number=self.count,
            time=self.time,
            register=self.register,
            session=self.session,
            previous=self.previous,
            period=60,
            flags=flags,
            temperature=25,
            humidity=50,
            reason=reason,
            samples=taken,
        )
        body = batch.encode()
        if self.unit_class == MAC:
            message = body + domain.mac(self.mac_key, domain.BATCH, body)
        else:
            message = body + domain.sign(self.secret, domain.BATCH, body)
        self.previous = batch_hash(message)
        self.unsent.append(message)

    def obey(self, message: bytes, now: int) -> None:
        """Do what a command says."""
        command = decode_command(message[:BODY_BYTES])
        if (command.boot, command.unit) != (self.boot, self.number) or command.counter <= self.counter:
            return
        self.counter = command.counter
        self.run(now)
        if command.kind is CommandKind.ACKNOWLEDGE:
            return
        self.heard.append((command.kind, command.grant, command.current))
        if command.kind is CommandKind.ON:
            self._close(command.session, command.grant, command.current)
        elif command.kind is CommandKind.OFF:
            self.closed = False
        elif self.session == command.session:
            self.end(Reason.COMMAND)

    def _close(self, session: bytes, grant: int, current: int) -> None:
        fresh = session not in self.begun
        if self.session != session:
            self.session, self.drawn, self.rested, self.samples = session, False, 0, []
        self.closed, self.until = True, self.time + grant
        self.limit = current * 100 if current else 32_000
        if fresh:
            self.begun.add(session)
            self.batch(Flag.BEGIN, samples=False)
            self.send()

    def end(self, reason: Reason) -> None:
        """Open the relay, and close the session with a last batch."""
        self.closed = False
        self.batch(Flag.END, reason)
        self.session = NO_SESSION
        self.send()

    def power_cut(self) -> None:
        """Lose power and come back: open relay, risen boot count, the register and session kept."""
        self.boot += 1
        self.counter = -1
        self.closed = False
        self.previous = NO_BATCH
        self.samples = []

    def unplug(self) -> None:
        """Take the car away."""
        self.car = None

    def wake(self) -> None:
        """There is a command to fetch (`outbox.Connection`)."""
        if self.garage is not None and self.reachable:
            self.garage.spawn(self._fetch())

    def displace(self) -> None:
        """A newer connection has the commands; this one is all there is."""

    async def _fetch(self) -> None:
        garage = self.garage
        if garage is None or not self.reachable:
            return
        message = await garage.metering.outbox.compose(self.number, self)
        self.obey(message, garage.now)

    def send(self) -> None:
        """Send what is unsent, if the network lets it."""
        if self.garage is not None and self.reachable and self.unsent:
            self.garage.spawn(self._send())

    async def _send(self) -> None:
        if self.sending:
            return
        self.sending = True
        try:
            while (garage := self.garage) is not None and self.reachable and self.unsent:
                messages = self.unsent[:32]
                accepted = await garage.metering.intake.receive(b"".join(messages))
                self.unsent = [each for each in self.unsent if each not in messages]
                outbox = garage.metering.outbox
                outbox.attach(self.number, self, accepted.fresh)
                if outbox.pending(self.number, self):
                    await self._fetch()
        finally:
            self.sending = False

    def go_on_alone(self, now: int) -> None:
        """Go on to `now` with no gateway to talk to: batches are made in time and wait."""
        while (following := (self.time // self.transmission + 1) * self.transmission) <= now:
            self.run(following)
            self.batch()
        self.run(now)

    def transmit(self) -> None:
        """A transmission period is over: a batch, and the next one in time."""
        garage = self.garage
        if garage is None:
            return
        self.run(garage.now)
        self.batch()
        self.send()
        following = (garage.now // self.transmission + 1) * self.transmission
        garage.clock.call_at(following * 1_000, lambda: self.transmit() if self.garage is garage else None)


class MortalClock:
    """The simulated clock as one process sees it: when that is killed, its timers are gone."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self.dead = False
        self.behind = 0
        """Milliseconds by which the process' time is behind the world's."""

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self._clock.now() - self.behind

    def ahead(self) -> int:
        """As the simulated clock."""
        return self._clock.ahead()

    async def sleep(self, seconds: float) -> None:
        """Wait; in a dead process for ever."""
        await self._clock.sleep(seconds)

    def call_at(self, when: int, callback: Callback) -> Timer:
        """Run `callback` at `when` if the process still lives."""
        return self._clock.call_at(when + self.behind, lambda: None if self.dead else callback())

    def watch(self, pending: Callable[[], int]) -> None:
        """See `SimulatedClock.watch`."""
        self._clock.watch(lambda: 0 if self.dead else pending())


class Garage:
    """A gateway's heart over files in a directory. `open` it, kill it with `abandon`, open it again."""

    def __init__(
        self, directory: Path, sockets: list[Socket], clock: SimulatedClock, options: dict[str, Any]
    ) -> None:
        self.directory = directory
        self.world = clock
        self.sockets = {socket.number: socket for socket in sockets}
        self.clock = MortalClock(clock)
        self.options = options
        self.tasks: set[asyncio.Task[None]] = set()
        self.errors: list[BaseException] = []
        self.ledger: EmbeddedLedger
        self.database: Database
        self.metering: Metering
        self.monitor: ChargeMonitor
        self.bus = Bus()

    @property
    def now(self) -> int:
        """Unix seconds."""
        return self.clock.now() // 1_000

    @classmethod
    async def open(
        cls,
        directory: Path,
        sockets: list[Socket],
        clock: SimulatedClock | None = None,
        **options: Any,
    ) -> Garage:
        """Open the ledger, database and services; a ledger that is new is furnished first.

        Options: limit (W), tariff (members of the request), patience, adjustable, url (of the database),
        switches (addresses by unit)."""
        garage = cls(directory, sockets, clock or SimulatedClock(START * 1_000), options)
        path = directory / "ledger.sqlite"
        fresh = not path.exists()
        garage.ledger = await EmbeddedLedger.open(
            path,
            channel=CHANNEL,
            identity=_GATEWAY,
            signer=_LEDGER,
            organisations=[ORGANISATION],
            dispatch=dispatch,
            now=garage.clock.now,
        )
        if fresh:
            await garage._furnish()
        garage.database = await Database.open(options.get("url", f"sqlite:///{directory / 'gateway.sqlite'}"))
        garage.clock.watch(lambda: garage.database.pending)
        await garage._compose()
        return garage

    async def _compose(self) -> None:
        self.submitter = Submitter(self.ledger, namespace_of(CODE), self.clock)
        self.clock.watch(lambda: self.submitter.pending)
        self.catalogue = Catalogue(self.submitter)
        network = domain.network_tag(CHANNEL, CODE)
        directory = Directory(self.ledger, namespace_of(CODE), self, self.clock)
        self.metering = Metering(self.database, directory, self, network, self, clock=self.clock)
        self.alarms = Alarms(self.database, self.bus, self.clock)
        self.switchboard = Switches(
            commands=self.outbox,
            sockets=self,
            networks=["127.0.0.0/8"],
            alarms=self.alarms,
            clock=self.clock,
        )
        self.clock.watch(lambda: self.switchboard.pending)
        self.monitor = ChargeMonitor(
            fleet=self,
            scheduler=FirstComeFirstServed(),
            commands=self.switchboard,
            grants=Grants(self.database, self.clock),
            readings=self.metering.readings,
            steps=Steps(self.submitter),
            catalogue=self.catalogue,
            alarms=self.alarms,
            bus=self.bus,
            clock=self.clock,
            patience=self.options.get("patience", Patience()),
            switches=self.switchboard,
        )
        self.switchboard.subscribe(self.monitor.reconsider)
        self.metering.intake.subscribe(self.monitor.on_batch)
        await self.metering.start()
        await self.monitor.start(await self.open_sessions())
        self.switchboard.refresh()
        for socket in self.sockets.values():
            socket.garage = self
            socket.transmit()
        await self.world.settle()

    @property
    def outbox(self) -> Outbox:
        """Where commands go."""
        return self.metering.outbox

    async def open_sessions(self) -> list[Session]:
        """The sessions that the ledger has not ended."""
        page = json.loads(await self.submitter.evaluate("audit.sessions", [b"{}"]))
        records = [Session.of(each) for each in page["sessions"]]
        return [record for record in records if record.state in ("opened", "started")]

    def unit(self, number: int) -> UnitFacts | None:
        """`Fleet.unit`."""
        socket = self.sockets.get(number)
        if socket is None:
            return None
        return UnitFacts(
            number=number,
            group=GROUP,
            voltage=VOLTAGE,
            phases=1,
            nominal_current=32_000,
            maximum_current=self.options.get("maximum", 16_000),
            adjustable=self.options.get("adjustable", False),
            transmission=socket.transmission,
        )

    def switches(self) -> dict[int, str]:
        """`Sockets.switches`."""
        return dict(self.options.get("switches", {}))

    def limit(self, group: str) -> int:
        """`Fleet.limit`."""
        return int(self.options.get("limit", 100_000))

    def signing_key(self) -> bytes:
        """`Keys.signing_key`."""
        return SIGNING

    async def mac_key(self, unit: int) -> bytes | None:
        """`Keys.mac_key`."""
        return self.sockets[unit].mac_key if unit in self.sockets else None

    async def unit_configuration(self, unit: int) -> UnitConfiguration | None:
        """`ConfigurationSource.unit_configuration`: units here are configured already."""
        return None

    async def _furnish(self) -> None:
        admin = self.ledger.as_identity(_ADMIN)
        namespace = namespace_of(CODE)

        async def submit(function: str, request: dict[str, Any]) -> None:
            await admin.submit(namespace, function, [json.dumps(request).encode()])

        await submit(
            "condominium.register",
            {
                "code": CODE,
                "name": "Aurora",
                "currency": "EUR",
                "decimals": 2,
                "grace": 3_600,
                "signing_key": SIGNING[32:].hex(),
            },
        )
        tariff = {
            "number": 1,
            "valid_from": self.now,
            "start_fee": 0,
            "bands": [{"name": "all day", "energy_price": 200_000, "idle_price": 0}],
            "week": [],
            "offsets": [{"start": 0, "seconds": 0}],
        }
        await submit("tariff.publish", tariff | self.options.get("tariff", {}))
        for socket in self.sockets.values():
            request = {
                "unit": socket.number,
                "class": socket.unit_class,
                "nominal_current": 32_000,
                "nominal_voltage": VOLTAGE,
                "phases": 1,
            }
            key = {} if socket.unit_class == MAC else {"key": socket.secret[32:].hex()}
            await submit("unit.enrol", request | key)

    async def fund(self, wallet: PartyWallet, amount: int = 10_000) -> None:
        """Sell tokens to a wallet."""
        request = {"reference": f"p-{new_nonce()}", "wallet": wallet.id, "amount": amount}
        await self.submitter.submit("token.issue", [json.dumps(request).encode()])

    async def plug_in(self, unit: int, wallet: PartyWallet, car: Car | None = None, **changes: Any) -> str:
        """Put a car to a unit and open a session for it; returns the session's id."""
        self.sockets[unit].car = car or Car()
        return await self.open_session(unit, wallet, **changes)

    async def open_session(self, unit: int, wallet: PartyWallet, **changes: Any) -> str:
        """Open a session as the gateway does when an intent comes."""
        members: dict[str, Any] = {
            "network": CHANNEL,
            "wallet": wallet.id,
            "nonce": new_nonce(),
            "expires": self.now + 600,
            "condominium": CODE,
            "unit": unit,
            "tariff": 1,
            "issuer": CODE,
            "amount": 500,
            "duration": 9 * 3_600,
        }
        body, signature = wallet.sign(OpenIntent(**(members | changes)))
        committed = await self.submitter.submit("session.open", [body, signature])
        await self.monitor.relayed(Session.decode(committed.result))
        return intent_id(body)

    async def stop(self, wallet: PartyWallet, session: str) -> None:
        """The resident stops a session."""
        intent = StopIntent(
            network=CHANNEL, wallet=wallet.id, nonce=new_nonce(), expires=self.now + 600, session=session
        )
        body, signature = wallet.sign(intent)
        committed = await self.submitter.submit("session.stop", [body, signature])
        await self.monitor.relayed(Session.decode(committed.result))

    async def session(self, session: str) -> Session:
        """A session as the ledger has it."""
        return Session.decode(await self.submitter.evaluate("audit.session", [session.encode()]))

    async def balance(self, wallet: PartyWallet) -> int:
        """What a wallet holds."""
        answer = await self.submitter.evaluate("token.balance", [wallet.id.encode()])
        return int(json.loads(answer)["amount"])

    async def run(self, seconds: int) -> None:
        """Let time pass. Raises what went wrong in a unit meanwhile."""
        await self.world.advance(seconds)
        if self.errors:
            raise self.errors[0]

    def spawn(self, work: Any) -> None:
        """Run a coroutine in the background."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.errors.append(error)

    async def abandon(self) -> None:
        """Stop as if killed: nothing that is under way is finished, nothing is tidied up.

        What had reached a thread that writes is written or not, as it would be with SIGKILL."""
        self.clock.dead = True
        for socket in self.sockets.values():
            socket.garage = None
            socket.sending = False
        mine = asyncio.current_task()
        # The ledger is another process' file; what waits in its queue may be committed or not.
        running = [t for t in asyncio.all_tasks() if t is not mine and not _is_ledgers(t)]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        await self.database.close()
        await self.ledger.close()

    async def close(self) -> None:
        """Stop in good order."""
        for socket in self.sockets.values():
            socket.garage = None
        for task in list(self.tasks):
            task.cancel()
        await self.switchboard.close()
        await self.monitor.close()
        await self.metering.close()
        await self.database.close()
        await self.ledger.close()


def _is_ledgers(task: asyncio.Task[Any]) -> bool:
    coroutine = task.get_coro()
    return inspect.iscoroutine(coroutine) and "network/embedded" in coroutine.cr_code.co_filename


def wallet(name: str = "resident") -> PartyWallet:
    """A wallet with a key of its own."""
    return PartyWallet(SigningKey(hashlib.sha256(name.encode()).digest()))
