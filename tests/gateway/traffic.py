"""The load of a gateway that is killed: units with cars that stream signed batches, and residents who charge.

Nobody knows when the gateway dies. Everybody asks again until there is an answer, as a unit or a phone does,
and notes what was acknowledged.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
import httpx

from chaincode.session import ENDED
from chaincode.signing import domain
from chaincode.signing.command import BODY_BYTES, decode_command
from chaincode.signing.intent import Intent, OpenIntent, StopIntent, new_nonce
from chaincode.unit import ED25519, MAC
from client.wallet.key import WalletKey
from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car
from firmware.simulator.electrical.outlet import Outlet
from firmware.simulator.installation import Installation
from firmware.simulator.runtime import Runtime
from firmware.simulator.transport.grpc import GrpcTransport
from firmware.simulator.transport.http import HttpTransport
from firmware.simulator.transport.mailbox import Mailbox, Transport
from firmware.simulator.unit.authentication import MacAuthentication, SignatureAuthentication
from firmware.simulator.unit.identity import Board, Identity
from tests.gateway.house import PASSWORD
from tests.gateway.metering.meter import Meter
from tests.gateway.promises import Promises
from tests.gateway.victim import Victim

SOCKETS = {1: ED25519, 2: ED25519, 3: MAC, 4: ED25519, 5: MAC, 6: ED25519}
"""Units with sockets, in one group whose limit is four cars; the even ones speak gRPC."""
STREAMERS = {21: ED25519, 22: ED25519, 23: MAC, 24: MAC}
"""Units without a car that send batches as fast as they are taken; likewise."""
LIMIT = 4 * 3_680
TARIFF = {"start_fee": 25, "bands": [{"name": "all day", "energy_price": 1_000_000_000, "idle_price": 0}]}
"""A hundred minor units a second at 16 A, so that a few seconds of charging cost something."""
SUPPLY = 20_000
FULL_RING = 48
"""Batches that a streamer keeps unacknowledged before it makes no more."""
_BEAT = 0.05
_PAUSE = 0.1
_RECONNECT = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]


class Noted:
    """A unit's transport that notes which of the batches it carried were acknowledged."""

    def __init__(self, carrier: Transport, promises: Promises) -> None:
        self._carrier = carrier
        self._promises = promises

    async def configuration(self, unit: int, boot: int) -> bytes:
        """As the carrier."""
        return await self._carrier.configuration(unit, boot)

    async def run(self, unit: int, mailbox: Mailbox) -> None:
        """As the carrier."""
        deliver = mailbox.deliver

        def hear(message: bytes) -> None:
            acknowledged = decode_command(message[:BODY_BYTES]).acknowledged
            # What a full ring has dropped before was never promised.
            for batch in mailbox.unsent():
                if _number(batch) <= acknowledged:
                    self._promises.batches[unit, _number(batch)] = batch
            deliver(message)

        mailbox.deliver = hear
        await self._carrier.run(unit, mailbox)


@dataclass
class Streamer:
    """A unit without a car that always has something to say."""

    meter: Meter
    waiting: dict[int, bytes] = field(default_factory=dict)

    async def run(self, transport: Transport) -> None:
        """Make batches and have them carried, until cancelled."""
        mailbox = Mailbox(lambda: list(self.waiting.values()), self._hear)
        carrying = asyncio.ensure_future(transport.run(self.meter.number, mailbox))
        try:
            while True:
                if len(self.waiting) < FULL_RING:
                    message = self.meter.send(time=int(time.time()), register=1_000_000, samples=())
                    self.waiting[_number(message)] = mailbox.latest = message
                    mailbox.fresh.set()
                await asyncio.sleep(_BEAT)
        finally:
            carrying.cancel()

    def _hear(self, message: bytes) -> None:
        acknowledged = decode_command(message[:BODY_BYTES]).acknowledged
        self.waiting = {number: each for number, each in self.waiting.items() if number > acknowledged}


@dataclass
class Resident:
    """Has a wallet, comes to a socket, charges, and goes; again and again."""

    traffic: Traffic
    chance: random.Random
    key: WalletKey = field(default_factory=WalletKey.generate)
    bought: int = 0
    """Minor units of which the payments were acknowledged."""
    sessions: list[str] = field(default_factory=list)
    """Those whose opening was acknowledged."""
    charging: bool = False

    @property
    def wallet(self) -> str:
        """The wallet's id."""
        return self.key.wallet.hex()

    async def run(self) -> None:
        """Charge until there is no more to be done; ends with no session under way."""
        while not self.traffic.ending:
            await self._fund()
            self.charging = True
            await self._charge(self.chance.choice(list(SOCKETS)))
            self.charging = False

    async def _charge(self, unit: int) -> None:
        place = self.traffic.places[unit]
        mine = place.outlet.car is None and self.chance.random() < 0.9
        if mine:
            missing = self.chance.choice((4.0, 4_000.0))
            place.outlet.car = car = Car(Battery(40_000, 40_000 - missing), taper=2.0, efficiency=0.95)
            self.traffic.runtimes[unit].poke()
        session = await self._sign(
            OpenIntent,
            condominium="riverside",
            unit=unit,
            tariff=1,
            issuer="riverside",
            amount=self.chance.choice((200, 1_500)),
            duration=3_600,
            energy=self.chance.choice((None, None, 3)),
        )
        self.sessions.append(session)
        await asyncio.sleep(self.chance.uniform(0, 6))
        if mine and self.chance.random() < 0.3:
            self._unplug(unit, car)
        await self._sign(StopIntent, session=session)
        while not await self._over(session):  # noqa: ASYNC110 - the answer comes from a gateway
            await asyncio.sleep(_PAUSE)
        if mine:
            self._unplug(unit, car)

    async def _over(self, session: str) -> bool:
        state = (await self.traffic.ask("GET", f"/v1/sessions/{session}"))["state"]
        return state in ENDED

    def _unplug(self, unit: int, car: Car) -> None:
        place = self.traffic.places[unit]
        if place.outlet.car is car:
            place.outlet.car = None
            self.traffic.runtimes[unit].poke()

    async def _fund(self) -> None:
        """Ask for tokens and have the payment confirmed, where there are too few for some sessions."""
        path = f"/v1/wallets/{self.wallet}"
        if (await self.traffic.ask("GET", path, key=self.key))["balance"] >= 5_000:
            return
        purchase = await self.traffic.ask("POST", f"{path}/purchases", {"amount": SUPPLY}, key=self.key)
        reference = purchase["reference"]
        self.traffic.promises.purchases[reference] = SUPPLY
        paid = await self.traffic.ask("POST", f"/v1/purchases/{reference}/payment", {})
        assert paid["state"] == "paid", paid
        self.traffic.promises.transactions.add(paid["transaction"])
        self.bought += SUPPLY

    async def _sign(self, kind: type[Intent], **members: Any) -> str:
        """Sign an intent and have it relayed; returns its id."""
        intent = kind(
            network=self.traffic.network,
            wallet=self.wallet,
            nonce=new_nonce(),
            expires=self.traffic.now() + 7_200,
            **members,
        )
        signed = self.key.sign(intent)
        body = {"body": _base64url(signed.body), "signature": _base64url(signed.signature)}
        answer = await self.traffic.ask("POST", "/v1/intents", body)
        assert answer["id"] == signed.id
        self.traffic.promises.transactions.add(answer["transaction"])
        return signed.id


class Traffic:
    """Everybody at one gateway."""

    def __init__(self, victim: Victim, promises: Promises, client: httpx.AsyncClient) -> None:
        self._victim = victim
        self._client = client
        self.promises = promises
        self.network = ""
        self.ending = False
        """Set when residents are to come no more."""
        self.ahead = 0
        """Seconds by which the residents' phones are ahead of the units' clocks."""
        self.places: dict[int, Installation] = {}
        self.runtimes: dict[int, Runtime] = {}
        self.residents: list[Resident] = []
        self.meters = {
            number: Meter(number=number, unit_class=unit_class)
            for number, unit_class in (SOCKETS | STREAMERS).items()
        }
        self._tasks: list[asyncio.Task[None]] = []
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{victim.grpc_port}", options=_RECONNECT)

    def now(self) -> int:
        """Unix seconds as the residents' phones show them."""
        return int(time.time()) + self.ahead

    async def ask(
        self, method: str, path: str, members: dict[str, Any] | None = None, key: WalletKey | None = None
    ) -> Any:
        """The answer to a request, however often it has to be sent until one comes."""
        body = b"" if members is None else json.dumps(members).encode()
        headers = {"content-type": "application/json"}
        while True:
            if key is not None:
                query = key.sign_query(
                    method=method, target=path, network=self.network, body=body, at=self.now()
                )
                headers["authorization"] = query.encode()
            try:
                answer = await self._client.request(method, path, content=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(_PAUSE)
                continue
            if answer.status_code == 503:
                await asyncio.sleep(_PAUSE)
                continue
            if answer.status_code == 401 and answer.json()["field"] == "authorization.time":
                # The phone's clock is wrong, as it was told: it will be set right.
                await asyncio.sleep(_PAUSE)
                continue
            assert answer.is_success, (method, path, answer.text)
            return answer.json() if answer.content else None

    async def furnish(self) -> None:
        """Become the administrator; make a group, a tariff and the units."""
        invitation = next(line for line in self._victim.said.splitlines() if "#" in line)
        token = invitation.rsplit("/", 1)[1].strip()
        await self.ask("POST", "/v1/invitations/accept", {"token": token, "password": PASSWORD})
        login = await self.ask("POST", "/v1/login", {"username": "admin", "password": PASSWORD})
        self._client.headers["authorization"] = f"Bearer {login['token']}"
        group = {"code": "garage", "name": "Garage", "maximum_load": LIMIT, "phases": 1}
        await self.ask("POST", "/v1/groups", group)
        await self.ask("POST", "/v1/tariffs", TARIFF)
        for meter in self.meters.values():
            await self.ask("POST", "/v1/units", _enrolment(meter))
        house = await self.ask("GET", "/v1/condominium")
        self.network = house["network"]
        tag = domain.network_tag(self.network, house["code"])
        for number in STREAMERS:
            self.meters[number].network = tag
        for number in SOCKETS:
            self._place(number, bytes.fromhex(house["signing_key"]))

    def start(self, chance: random.Random, residents: int) -> None:
        """Let everybody live."""
        self.residents = [Resident(self, random.Random(chance.random())) for _ in range(residents)]
        lives = [
            *(runtime.run() for runtime in self.runtimes.values()),
            *(Streamer(self.meters[number]).run(self._transport(number)) for number in STREAMERS),
        ]
        self._tasks = [asyncio.ensure_future(life) for life in lives]
        self._coming = [asyncio.ensure_future(resident.run()) for resident in self.residents]

    def check(self) -> None:
        """Raise what ended a unit's or a resident's life."""
        for task in (*self._tasks, *self._coming):
            if task.done() and task.exception() is not None:
                task.result()

    async def end(self, patience: float) -> None:
        """Let the residents finish: each has `patience` seconds to have its session over."""
        self.ending = True
        _, stuck = await asyncio.wait(self._coming, timeout=patience)
        assert not stuck, [resident.sessions[-1] for resident in self.residents if resident.charging]
        self.check()

    async def close(self) -> None:
        """Leave no task behind."""
        for task in (*self._tasks, *self._coming):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._coming, return_exceptions=True)
        await self._channel.close(None)

    def _place(self, number: int, signing_key: bytes) -> None:
        meter = self.meters[number]
        authentication = (
            MacAuthentication(meter.mac_key)
            if meter.unit_class == MAC
            else SignatureAuthentication(meter.secret, signing_key)
        )
        board = Board(minimum_on=0, minimum_off=0)
        place = Installation(Outlet(time.time()), Identity(number, authentication), board=board)
        self.places[number] = place
        self.runtimes[number] = Runtime(place, self._transport(number), time.time)

    def _transport(self, number: int) -> Transport:
        if number % 2 == 0:
            return Noted(GrpcTransport(self._channel, backoff=_PAUSE, resend=5), self.promises)
        return Noted(HttpTransport(self._client, wait=2, backoff=_PAUSE), self.promises)


def _enrolment(meter: Meter) -> dict[str, Any]:
    key = meter.public if meter.unit_class == ED25519 else meter.mac_key
    return {
        "unit": meter.number,
        "class": meter.unit_class,
        "key": key.hex(),
        "nominal_current": 16_000,
        "nominal_voltage": 2_300,
        "phases": 1,
        "settings": {"name": f"Unit {meter.number}", "group": "garage", "transmission": 5, "sampling": 1},
    }


def _number(message: bytes) -> int:
    """A batch's number (`chaincode.signing.batch`)."""
    return int.from_bytes(message[16:20], "little")


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
