"""One shared socket: a simulated unit that speaks to the gateway over HTTP, and the car plugged in there."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from nacl.bindings import crypto_sign_seed_keypair

from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car
from firmware.simulator.electrical.outlet import Outlet
from firmware.simulator.installation import Installation
from firmware.simulator.runtime import Runtime
from firmware.simulator.transport.http import HttpTransport
from firmware.simulator.unit.authentication import (
    Authentication,
    MacAuthentication,
    SignatureAuthentication,
)
from firmware.simulator.unit.eeprom import Eeprom
from firmware.simulator.unit.identity import Identity

CAPACITY = 40_000.0
"""Wh of a simulated car's battery."""
TAPER = 20.0
"""Wh missing at which its current begins to fall: a demonstration has no half-hour for a real taper."""


@dataclass(frozen=True, slots=True)
class UnitKey:
    """A unit's secret: the seed of its signing key, or its MAC key."""

    key_class: str
    secret: bytes

    @classmethod
    def kept(cls, file: Path, key_class: str) -> UnitKey:
        """The secret in `file`, made there at the first start."""
        if not file.exists():
            file.touch(mode=0o600)
            file.write_bytes(secrets.token_bytes(32 if key_class == "ed25519" else 16))
        return cls(key_class, file.read_bytes())

    @property
    def enrolled(self) -> str:
        """What the condominium is told at enrolment, hexadecimal."""
        if self.key_class == "ed25519":
            return crypto_sign_seed_keypair(self.secret)[0].hex()
        return self.secret.hex()

    def authentication(self, signing_key: bytes) -> Authentication:
        """How the unit vouches for itself."""
        if self.key_class == "ed25519":
            return SignatureAuthentication.from_seed(self.secret, signing_key)
        return MacAuthentication(self.secret)


@dataclass
class Socket:
    """A socket with its unit; `run` until cancelled."""

    number: int
    location: str
    key: UnitKey
    memory: Path
    """The unit's EEPROM: its energy register goes on where it was."""
    installation: Installation = field(init=False)
    runtime: Runtime | None = field(init=False, default=None)

    async def run(self, address: str, signing_key: bytes) -> None:
        """Power the unit up and keep it talking to the gateway at `address`."""
        identity = Identity(self.number, self.key.authentication(signing_key))
        self.installation = Installation(Outlet(time.time()), identity, Eeprom(file=self.memory))
        async with httpx.AsyncClient(base_url=address) as client:
            self.runtime = Runtime(self.installation, HttpTransport(client), time.time)
            await self.runtime.run()

    @property
    def car(self) -> Car | None:
        """The car that is plugged in."""
        return self.installation.outlet.car if self.runtime is not None else None

    def plug_in(self, missing: float, rated: float = 16.0) -> None:
        """A car arrives that lacks `missing` Wh and draws at most `rated` A."""
        battery = Battery(CAPACITY, CAPACITY - missing)
        self._connect(Car(battery, rated=rated, taper=TAPER, efficiency=0.95))

    def unplug(self) -> None:
        """The car leaves."""
        self._connect(None)

    def _connect(self, car: Car | None) -> None:
        if self.runtime is None:
            raise RuntimeError("the unit has not been started")
        self.installation.outlet.car = car
        self.runtime.poke()
