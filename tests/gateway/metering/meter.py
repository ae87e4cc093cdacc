"""A unit's side of the protocol, and a gateway's surroundings, for tests of what lies between."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from nacl.bindings import crypto_sign_seed_keypair

from chaincode.signing import domain
from chaincode.signing.batch import NO_BATCH, NO_SESSION, Batch, Flag, Reason, Sample, batch_hash
from chaincode.signing.command import BODY_BYTES, Command, decode_command
from chaincode.signing.request import RequestKind, StartRequest
from chaincode.unit import ED25519, MAC
from gateway.clock import Clock, SimulatedClock
from gateway.metering.configuration import UnitConfiguration
from gateway.metering.directory import EnrolledUnit
from gateway.metering.received import Received, RequestReceived
from gateway.metering.refusal import MeteringAlarm
from gateway.metering.service import Metering
from gateway.store.database import Database

NETWORK = domain.network_tag("condocharge", "aurora")
START = 1_800_000_000
"""Unix seconds at which tests begin."""
SESSION = bytes(range(16))
SIGNING_PUBLIC, SIGNING_KEY = crypto_sign_seed_keypair(hashlib.sha256(b"signing").digest())
MEASURING = Flag.CLOSED | Flag.CONNECTED


@dataclass
class Meter:
    """A unit that makes batches one after another, each 60 s and 1 Wh after the one before."""

    number: int = 7
    unit_class: str = ED25519
    name: str = ""
    """Another name gives other keys."""
    network: bytes = NETWORK
    enrolled_at: int = START - 1_000
    boot: int = 1
    count: int = 1
    """The next batch's number."""
    register: int = 1_000_000
    time: int = START
    previous: bytes = NO_BATCH
    retired: list[bytes] = field(default_factory=list)
    active: bool = True

    @property
    def secret(self) -> bytes:
        """The key that it signs with, libsodium's 64 bytes."""
        return crypto_sign_seed_keypair(self._digest())[1]

    @property
    def public(self) -> bytes:
        """What its signatures are checked with."""
        return crypto_sign_seed_keypair(self._digest())[0]

    @property
    def mac_key(self) -> bytes:
        """What it shares with the gateway."""
        return self._digest()[:16]

    def _digest(self) -> bytes:
        return hashlib.sha256(f"unit {self.number} {self.name}".encode()).digest()

    def enrolled(self) -> EnrolledUnit:
        """It, as the ledger's record and the secret store have it."""
        return EnrolledUnit(
            number=self.number,
            unit_class=self.unit_class,
            key=self.public if self.unit_class == ED25519 else self.mac_key,
            enrolled_at=self.enrolled_at,
            active=self.active,
            retired_keys=tuple(self.retired),
        )

    def batch(self, **changes: object) -> Batch:
        """The next batch, not sent; `changes` to its fields."""
        batch = Batch(
            unit=self.number,
            network=self.network,
            boot=self.boot,
            number=self.count,
            time=self.time,
            register=self.register,
            session=NO_SESSION,
            previous=self.previous,
            period=10,
            flags=Flag(0),
            temperature=20,
            humidity=50,
            reason=Reason.NONE,
            samples=(Sample(6_000, 2_300),) * 6,
        )
        return replace(batch, **changes)  # type: ignore[arg-type]

    def seal(self, body: bytes, line: bytes = domain.BATCH) -> bytes:
        """A body with this unit's authentication."""
        if self.unit_class == MAC:
            return body + domain.mac(self.mac_key, line, body)
        return body + domain.sign(self.secret, line, body)

    def send(self, **changes: object) -> bytes:
        """The next batch's message; the one after it follows on."""
        batch = self.batch(**changes)
        message = self.seal(batch.encode())
        self.count = batch.number + 1
        self.register = batch.register + 1_000
        self.time = batch.time + 60
        self.previous = batch_hash(message)
        return message

    def restart(self) -> None:
        """Lose power: the boot count rises, the register and the numbers stay."""
        self.boot += 1
        self.previous = NO_BATCH

    def ask(self, number: int = 1, **changes: object) -> bytes:
        """A start request's message."""
        request = StartRequest(
            RequestKind.PLUGGED_IN, self.number, self.network, self.boot, number, self.time, bytes(16)
        )
        return self.seal(replace(request, **changes).encode(), domain.REQUEST)  # type: ignore[arg-type]

    def read(self, message: bytes) -> Command:
        """The command in `message`, which has to be authentic and for this unit."""
        body, tag = message[:BODY_BYTES], message[BODY_BYTES:]
        if self.unit_class == MAC:
            assert domain.authenticates(self.mac_key, domain.COMMAND, body, tag)
        else:
            assert domain.verifies(SIGNING_PUBLIC, domain.COMMAND, body, tag)
        command = decode_command(body)
        assert (command.unit, command.network) == (self.number, self.network)
        return command


class Place:
    """The keys, units and settings that a gateway is given, and a record of what it hands on."""

    def __init__(self, *meters: Meter) -> None:
        self.meters = {meter.number: meter for meter in meters}
        self.batches: list[Received] = []
        self.requests: list[RequestReceived] = []
        self.alarms: list[MeteringAlarm] = []
        self.configuration = UnitConfiguration(
            transmission=60,
            sampling=10,
            maximum=160,
            fallback=0,
            voltage=2_300,
            server="gateway.example",
            port=8_080,
            time_server="time.example",
        )

    def peek(self, number: int) -> EnrolledUnit | None:
        """`UnitDirectory.peek`."""
        meter = self.meters.get(number)
        return None if meter is None else meter.enrolled()

    async def find(self, number: int) -> EnrolledUnit | None:
        """`UnitDirectory.find`."""
        return self.peek(number)

    def signing_key(self) -> bytes:
        """`Keys.signing_key`."""
        return SIGNING_KEY

    async def mac_key(self, unit: int) -> bytes | None:
        """`Keys.mac_key`."""
        return self.meters[unit].mac_key

    async def unit_configuration(self, unit: int) -> UnitConfiguration | None:
        """`ConfigurationSource.unit_configuration`."""
        return self.configuration if unit in self.meters else None

    async def on_batch(self, received: Received) -> None:
        """Note a batch."""
        self.batches.append(received)

    async def on_request(self, received: RequestReceived) -> None:
        """Note a start request."""
        self.requests.append(received)

    async def on_alarm(self, alarm: MeteringAlarm) -> None:
        """Note an alarm."""
        self.alarms.append(alarm)

    def metering(self, database: Database, clock: Clock | None = None) -> Metering:
        """A metering service here, not started."""
        metering = Metering(database, self, self, NETWORK, self, clock=clock or SimulatedClock(START * 1_000))
        metering.intake.subscribe(self.on_batch)
        metering.requests.subscribe(self.on_request)
        metering.refusals.subscribe(self.on_alarm)
        return metering
