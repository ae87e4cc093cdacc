"""The condominium that a replay happens in: one gateway with a unit at each station of the file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

from nacl.bindings import crypto_sign_seed_keypair
from nacl.utils import random

from chaincode.session import Session
from chaincode.unit import ED25519
from demonstration.replay.ground import EmbeddedGround, Ground
from demonstration.replay.row import SOCKET_CURRENT, SOCKET_VOLTAGE
from firmware.simulator.electrical.outlet import Outlet
from firmware.simulator.installation import Installation
from firmware.simulator.unit.authentication import SignatureAuthentication
from firmware.simulator.unit.identity import Identity
from gateway.app import Gateway
from gateway.clock import Clock
from gateway.configuration.group import Group
from gateway.configuration.service import Enrolment
from gateway.configuration.tariff import Prices
from gateway.configuration.unit import Relay, UnitSettings
from gateway.settings import CondominiumSettings, LedgerSettings, Settings
from gateway.settings import UnitSettings as Defaults

GROUP = "garage"
TRANSMISSION = 900
"""Seconds between batches. Each holds one sample a minute."""
SAMPLING = 60
UNLIMITED = 10**9
"""W: a group's maximum load where nothing limits it."""
DAY_PRICE = 183_400
"""Millionths of a token per kWh."""
NIGHT_PRICE = 112_000
START_FEE = 20
"""Minor units."""
DECIMALS = 2
_DAY, _NIGHT = 8 * 60, 22 * 60
"""Minutes of the day (UTC) at which the bands begin."""


async def build(
    folder: Path, clock: Clock, stations: list[str], limit: int | None, ground: Ground | None = None
) -> tuple[Gateway, list[Installation]]:
    """A new condominium in `folder`, its gateway started, with one installation for each of `stations`.

    `limit` in W holds for all of them together; None for none. The ledger is a new embedded one where no
    `ground` is given."""
    ground = ground or EmbeddedGround()
    settings = _settings(folder, ground.code, ground.prepare(folder, clock))
    gateway = await Gateway.open(settings, clock)
    try:
        await gateway.start()
        await gateway.tariffs.publish(_prices(), None, 1)
        load = UNLIMITED if limit is None else limit
        await gateway.configuration.add_group(Group(code=GROUP, name="Garage", maximum_load=load, phases=1))
        units = (_unit(gateway, clock, number, name) for number, name in enumerate(stations))
        installations = await asyncio.gather(*units)
        await gateway.operation.fleet.load()
    except BaseException:
        await gateway.close()
        raise
    return gateway, installations


async def sessions(gateway: Gateway) -> AsyncIterator[Session]:
    """Every session that the ledger has."""
    bookmark = ""
    while True:
        request = json.dumps({"bookmark": bookmark}).encode()
        page = json.loads(await gateway.submitter.evaluate("audit.sessions", [request]))
        for each in page["sessions"]:
            yield Session.of(each)
        if not page["bookmark"]:
            return
        bookmark = page["bookmark"]


async def _unit(gateway: Gateway, clock: Clock, number: int, station: str) -> Installation:
    seed = random(32)
    enrolment = Enrolment(
        unit=number,
        key_class=ED25519,
        key=crypto_sign_seed_keypair(seed)[0].hex(),
        nominal_current=SOCKET_CURRENT,
        nominal_voltage=SOCKET_VOLTAGE,
        phases=1,
    )
    settings = UnitSettings(
        unit=number,
        name=station,
        location="",
        group=GROUP,
        relay=Relay.PILOT,
        transmission=TRANSMISSION,
        sampling=SAMPLING,
        maximum=SOCKET_CURRENT,
        fallback=0,
    )
    await gateway.configuration.enrol(enrolment, settings)
    signing_key = bytes.fromhex(gateway.condominium.signing_key)
    identity = Identity(number, SignatureAuthentication.from_seed(seed, signing_key))
    return Installation(Outlet(clock.now() / 1_000), identity)


def _settings(folder: Path, code: str, ledger: LedgerSettings) -> Settings:
    return Settings(
        directory=folder,
        condominium=CondominiumSettings(code=code, name="Garage", decimals=DECIMALS),
        ledger=ledger,
        units=Defaults(server="gateway.example", transmission=TRANSMISSION, sampling=SAMPLING),
    )


def _prices() -> Prices:
    week = [
        {"minute": day * 1_440 + minute, "band": band}
        for day in range(7)
        for minute, band in ((0, 1), (_DAY, 0), (_NIGHT, 1))
    ]
    return Prices(
        start_fee=START_FEE,
        bands=[
            {"name": "day", "energy_price": DAY_PRICE, "idle_price": 0},
            {"name": "night", "energy_price": NIGHT_PRICE, "idle_price": 0},
        ],
        week=week,
    )
