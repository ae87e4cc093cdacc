"""The demonstration condominium, put together and kept in one folder: run again, it goes on where it was."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from client.pages import FOLDER as PAGES
from demonstration.building.resident import Resident
from demonstration.building.socket import Socket, UnitKey
from demonstration.building.visitor import park, pay
from gateway.access.service import FIRST_ADMIN
from gateway.app import Gateway
from gateway.configuration.group import Group
from gateway.configuration.service import Enrolment
from gateway.configuration.tariff import Prices
from gateway.configuration.unit import Relay, UnitSettings
from gateway.server import Ready, serve
from gateway.settings import Settings

GROUP = Group(code="garage", name="Garage", maximum_load=7_360, phases=1)
"""Two cars of 16 A at 230 V."""
CURRENT = 16_000
VOLTAGE = 2_300
TRANSMISSION = 5
SAMPLING = 1
RESIDENTS = ("maria", "joao")
"""Who come and go; each uses the socket in the same place of PLACES."""
_PAUSE = 2.0
_log = logging.getLogger(__name__)
PLACES = ((1, "by the lift", "ed25519"), (2, "by the stairs", "mac"), (3, "by the gate", "ed25519"))
PRICES = Prices(
    start_fee=10,
    bands=[
        {"name": "night", "energy_price": 112_000, "idle_price": 0},
        {"name": "day", "energy_price": 183_400, "idle_price": 0},
    ],
    week=[
        {"minute": day * 1_440 + minute, "band": band}
        for day in range(7)
        for minute, band in ((0, 0), (8 * 60, 1), (22 * 60, 0))
    ],
)


@dataclass(frozen=True, slots=True)
class Opened:
    """What to open, and how to log in at the console."""

    wallet: str
    console: str
    rest: str
    grpc: str
    username: str
    password: str
    root: Path
    """The condominium's root certificate."""


async def run(
    folder: Path,
    port: int,
    announce: Callable[[Opened], None],
    push_origins: Sequence[str] = (),
    residents: int = len(RESIDENTS),
) -> None:
    """Run the building until it is interrupted; wallet at `port`, console at the next one. `push_origins` are
    push services that are allowed although they are not public; so many of RESIDENTS come and go.

    Raises what `gateway.server.serve` raises."""
    settings = Settings.model_validate(
        {
            "directory": folder,
            "condominium": {"code": "aurora", "name": "Edifício Aurora", "currency": "EUR", "grace": 3_600}
            | {"time_zone": "Europe/Lisbon"},
            # Browsers give cookies and keys to localhost as to HTTPS; to an address they need not.
            "http": {"host": "localhost", "port": port + 1 if port else 0},
            "pages": {"folder": PAGES, "wallet_port": port},
            "grpc": {"port": port + 2 if port else 0},
            "units": {"transmission": TRANSMISSION, "sampling": SAMPLING},
            "notification": {"push_origins": tuple(push_origins)},
        }
    )
    names = RESIDENTS[:residents]
    await serve(
        settings, lambda _: None, lambda gateway, ready: _living(folder, gateway, ready, announce, names)
    )


@asynccontextmanager
async def _living(
    folder: Path, gateway: Gateway, ready: Ready, announce: Callable[[Opened], None], names: Sequence[str]
) -> AsyncIterator[None]:
    """The building with its sockets, residents and bank, while the gateway serves."""
    password = await _password(folder, gateway, ready)
    sockets = [
        Socket(
            number,
            place,
            UnitKey.kept(folder / f"unit-{number}.key", key_class),
            folder / f"unit-{number}.eeprom",
        )
        for number, place, key_class in PLACES
    ]
    await _furnish(gateway, sockets)
    address = ready.rest
    signing_key = bytes.fromhex(gateway.condominium.signing_key)
    residents = [
        Resident(name, socket, folder, Random())  # noqa: S311 - when a car comes is no secret
        for name, socket in zip(names, sockets, strict=False)
    ]
    async with asyncio.TaskGroup() as life:
        tasks = [
            *(life.create_task(_lasting(partial(each.run, address, signing_key))) for each in sockets),
            *(life.create_task(_lasting(partial(resident.run, address))) for resident in residents),
            life.create_task(_lasting(partial(pay, gateway))),
            life.create_task(_lasting(partial(park, gateway, sockets))),
        ]
        announce(
            Opened(
                ready.wallet or "",
                ready.rest,
                ready.rest,
                ready.grpc,
                FIRST_ADMIN,
                password,
                folder / "authority" / "root.pem",
            )
        )
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _lasting(live: Callable[[], Awaitable[None]]) -> None:
    """Live on after a mishap: one simulated resident's must not end the building."""
    while True:
        try:
            await live()
        except Exception:  # noqa: BLE001 - whatever it was, it is told and the building goes on
            _log.exception("something in the demonstration failed and begins anew")
        await asyncio.sleep(_PAUSE)


async def _password(folder: Path, gateway: Gateway, ready: Ready) -> str:
    """The administrator's password: chosen at the first start, kept beside the ledger."""
    file = folder / "password.txt"
    if ready.invitation is not None:
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(12))
        token = ready.invitation.rpartition("/")[2]
        await gateway.access.accept(token, file.read_text(), "127.0.0.1")
    return file.read_text()


async def _furnish(gateway: Gateway, sockets: list[Socket]) -> None:
    """Group, units and tariff, as far as they are not there from an earlier run."""
    configuration = gateway.configuration
    if not await configuration.groups():
        await configuration.add_group(GROUP)
    enrolled = {unit.unit for unit in await configuration.units()}
    for socket in sockets:
        if socket.number not in enrolled:
            enrolment = Enrolment(
                unit=socket.number,
                key_class=socket.key.key_class,
                key=socket.key.enrolled,
                nominal_current=CURRENT,
                nominal_voltage=VOLTAGE,
                phases=1,
            )
            await configuration.enrol(enrolment, _settings(socket))
    if await gateway.operation.catalogue.tariff_in_force() is None:
        await gateway.tariffs.publish(PRICES, None, None)


def _settings(socket: Socket) -> UnitSettings:
    return UnitSettings(
        unit=socket.number,
        name=f"Socket {socket.number}",
        location=socket.location,
        group=GROUP.code,
        relay=Relay.PILOT,
        transmission=TRANSMISSION,
        sampling=SAMPLING,
        maximum=CURRENT,
        fallback=0,
    )
