"""Residents who charge: transactions of real sessions, signed beforehand, for measuring a ledger.

Each resident has a unit and a wallet of their own. A round is one session each: open, start, settle.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from nacl.signing import SigningKey

from chaincode.condominium import namespace_of
from chaincode.signing import domain
from chaincode.signing.batch import NO_BATCH, SESSION_BYTES, Batch, Flag, Reason, Sample, sign_batch
from chaincode.signing.intent import OpenIntent, intent_id, new_nonce
from network.ledger import Committed, Ledger

CODE = "aurora"
NAMESPACE = namespace_of(CODE)
SESSION_SECONDS = 1_800
SESSION_MWH = 3_000_000
_SAMPLES = (Sample(26_000, 2_310),) * 12
Call = tuple[str, Sequence[bytes]]
"""A function and its arguments."""


class Clock:
    """The ledger's time, which each resident's task sets for itself: nobody waits for the others."""

    def __init__(self, start: int) -> None:
        """`start` in Unix seconds."""
        self.start = start
        self._now = ContextVar("now", default=start)

    def __call__(self) -> int:
        """Milliseconds since 1970."""
        return self._now.get() * 1000

    def set(self, seconds: int) -> None:
        """Set this task's time."""
        self._now.set(seconds)


@dataclass(frozen=True, slots=True)
class Session:
    """The transactions of one session, and when it begins (Unix seconds)."""

    opened: int
    open: Call
    start: Call
    settle: Call


@dataclass
class Resident:
    """One wallet that charges at one unit."""

    unit: int
    channel: str
    opened: int
    """When the next session begins, Unix seconds."""
    wallet: SigningKey = field(default_factory=SigningKey.generate)
    meter: SigningKey = field(default_factory=SigningKey.generate)
    register: int = 0
    number: int = 0
    issuer: str = CODE
    """Whose tokens pay; another condominium's make the resident a visitor."""

    def session(self) -> Session:
        """The next session."""
        opened = self.opened
        self.opened += SESSION_SECONDS + 60
        intent = OpenIntent(
            network=self.channel,
            wallet=bytes(self.wallet.verify_key).hex(),
            nonce=new_nonce(),
            expires=opened + 600,
            condominium=CODE,
            unit=self.unit,
            tariff=1,
            issuer=self.issuer,
            amount=200,
            duration=SESSION_SECONDS,
        )
        body = intent.encode()
        session = intent_id(body).encode()
        first = self._batch(session, opened, Flag.BEGIN)
        self.register += SESSION_MWH
        last = self._batch(session, opened + SESSION_SECONDS, Flag.END)
        return Session(
            opened,
            ("session.open", (body, domain.sign(_secret(self.wallet), domain.INTENT, body))),
            ("session.start", (session, first)),
            ("session.settle", (session, b"StoppedByEV", last)),
        )

    def _batch(self, session: bytes, time: int, flag: Flag) -> bytes:
        self.number += 1
        batch = Batch(
            unit=self.unit,
            network=domain.network_tag(self.channel, CODE),
            boot=1,
            number=self.number,
            time=time,
            register=self.register,
            session=bytes.fromhex(session.decode())[:SESSION_BYTES],
            previous=NO_BATCH,
            period=60,
            flags=flag | Flag.CLOSED | Flag.CONNECTED,
            temperature=21,
            humidity=40,
            reason=Reason.NONE,
            samples=(),
        )
        if flag is Flag.END:
            batch = replace(batch, samples=_SAMPLES)
        return sign_batch(batch, _secret(self.meter))


def _secret(key: SigningKey) -> bytes:
    return bytes(key) + bytes(key.verify_key)


class Load:
    """Residents of one condominium on one ledger."""

    def __init__(self, admin: Ledger, gateway: Ledger, clock: Clock, residents: int) -> None:
        self._admin = admin
        self._gateway = gateway
        self._clock = clock
        self.residents = [
            Resident(number, gateway.channel, clock.start) for number in range(1, residents + 1)
        ]

    async def prepare(self) -> None:
        """Register the condominium, publish a tariff, enrol the units and sell tokens."""
        signing = bytes(SigningKey.generate().verify_key).hex()
        await self._request(
            self._admin,
            "condominium.register",
            code=CODE,
            name="Aurora",
            currency="EUR",
            decimals=2,
            grace=3_600,
            signing_key=signing,
        )
        await self._request(
            self._gateway,
            "tariff.publish",
            number=1,
            valid_from=self._clock.start,
            start_fee=0,
            bands=[{"name": "all day", "energy_price": 200_000, "idle_price": 0}],
            week=[],
            offsets=[{"start": 0, "seconds": 0}],
        )
        await asyncio.gather(*(self._enrol(resident) for resident in self.residents))

    async def _enrol(self, resident: Resident) -> None:
        await self._request(
            self._gateway,
            "unit.enrol",
            unit=resident.unit,
            key=bytes(resident.meter.verify_key).hex(),
            nominal_current=32_000,
            nominal_voltage=2_300,
            phases=1,
            **{"class": "ed25519"},
        )
        await self._request(
            self._gateway,
            "token.issue",
            reference=f"transfer-{resident.unit}",
            wallet=bytes(resident.wallet.verify_key).hex(),
            amount=1_000_000,
        )

    async def _request(self, ledger: Ledger, function: str, **members: Any) -> Committed:
        return await ledger.submit(NAMESPACE, function, [json.dumps(members).encode()])

    def sign(self, rounds: int) -> list[list[Session]]:
        """Each resident's next sessions, one after the other, signed."""
        return [[resident.session() for _ in range(rounds)] for resident in self.residents]

    async def run(self, signed: list[list[Session]]) -> int:
        """Submit every session of every resident, all residents at once; how many transactions that were."""
        await asyncio.gather(*(self._charge(sessions) for sessions in signed))
        return sum(3 * len(sessions) for sessions in signed)

    async def _charge(self, sessions: list[Session]) -> None:
        for session in sessions:
            self._clock.set(session.opened)
            await self._gateway.submit(NAMESPACE, *session.open)
            await self._gateway.submit(NAMESPACE, *session.start)
            self._clock.set(session.opened + SESSION_SECONDS)
            await self._gateway.submit(NAMESPACE, *session.settle)
