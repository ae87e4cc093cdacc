"""Units' settings: what the gateway and the unit need to know beside the ledger's record."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from chaincode.errors import InvalidArgument, NotFound
from chaincode.unit import Unit
from gateway.configuration.group import Group
from gateway.configuration.records import UNIT
from gateway.metering.configuration import UnitConfiguration
from gateway.settings import UnitSettings as Defaults
from gateway.switch.address import SwitchAddress

TRANSMISSION_RULE = "divides 60, or is whole minutes that divide an hour"
STEP = 100
"""mA: units are told currents in tenths of an ampere."""
MAX_SAMPLES = 120
"""In one batch (`chaincode.signing.batch`)."""


class Relay(StrEnum):
    """How the gateway's word reaches the socket."""

    SWITCH = "switch"
    """The unit's own relay: on or off."""
    PILOT = "pilot"
    """A control pilot (IEC 61851-1): any current from 6 A up."""
    NETWORK = "network"
    """A commercial network switch beside the unit, which the gateway commands. The unit itself is told of a
    relay, to which nothing is wired: its batches then say what the switch should do."""
    NONE = "always-on"
    """No switch at all, the paper's Sensor 0: sessions are metered, not controlled."""


UNSET = "0.0.0.0"  # noqa: S104 - nothing is bound
"""An address that is not set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSettings:
    """What an operator sets for one unit."""

    unit: int
    name: str
    location: str
    group: str
    relay: Relay
    switch: str = ""
    """The network switch's address (`gateway.switch.address`); empty with any other relay."""
    transmission: int
    """Seconds between batches: divides 60, or is whole minutes that divide an hour. Batches then end where
    tariff bands do, if those begin at such minutes; a batch across two bands counts in the cheaper one."""
    sampling: int
    """Seconds between samples: divides `transmission`."""
    maximum: int
    """mA in each phase above which the unit opens its relay, in steps of 100."""
    fallback: int
    """mA that is safe when no command is heard; 0 opens the relay."""
    dhcp: bool = True
    address: str = UNSET
    """Dotted IPv4; 0.0.0.0 with DHCP. Likewise the three below."""
    mask: str = UNSET
    router: str = UNSET
    resolver: str = UNSET
    server: str = ""
    """Host at which the unit reaches this gateway; empty for the gateway's own setting."""
    port: int = 0
    """0 for the gateway's own setting."""
    time_server: str = ""
    """Empty for the gateway's own setting."""


def is_transmission(seconds: int) -> bool:
    """Whether batches so far apart end at whole minutes, and at the whole hour."""
    return 60 % seconds == 0 or (seconds % 60 == 0 and 3_600 % seconds == 0)


def check(settings: UnitSettings, enrolled: Unit, group: Group, switch_networks: Iterable[str]) -> None:
    """Whether the settings fit each other, the unit's record on the ledger, and its group; switches lie on
    `switch_networks`.

    Raises InvalidArgument."""
    if not is_transmission(settings.transmission):
        rule = f"{TRANSMISSION_RULE}, so that batches end where tariff bands do"
        raise InvalidArgument("transmission", rule)
    if settings.transmission % settings.sampling or settings.transmission // settings.sampling > MAX_SAMPLES:
        raise InvalidArgument("sampling", f"divides transmission into at most {MAX_SAMPLES} samples")
    if settings.maximum % STEP or not 0 < settings.maximum <= enrolled.nominal_current:
        raise InvalidArgument(
            "maximum", f"is {STEP} to {enrolled.nominal_current} mA, the unit's nominal current, by {STEP}"
        )
    if settings.fallback % STEP or settings.fallback > settings.maximum:
        raise InvalidArgument("fallback", f"is 0 to {settings.maximum} mA, the unit's maximum, by {STEP}")
    if enrolled.phases > group.phases:
        raise InvalidArgument("group", f"has as many phases as the unit, {enrolled.phases}")
    _check_switch(settings, switch_networks)
    _check_network(settings)


def _check_switch(settings: UnitSettings, networks: Iterable[str]) -> None:
    if settings.relay is not Relay.NETWORK:
        if settings.switch:
            raise InvalidArgument("switch", f"is empty unless relay is {Relay.NETWORK}")
        return
    try:
        SwitchAddress.parse(settings.switch).check(networks)
    except ValueError as error:
        raise InvalidArgument("switch", str(error)) from None


def _check_network(settings: UnitSettings) -> None:
    names = ("address", "mask", "router", "resolver")
    if settings.dhcp:
        for name in names:
            if getattr(settings, name) != UNSET:
                raise InvalidArgument(name, "is 0.0.0.0 where addresses come by DHCP")
        return
    try:
        interface = ipaddress.IPv4Interface(f"{settings.address}/{settings.mask}")
    except ValueError:
        raise InvalidArgument("mask", "is a subnet mask such as 255.255.255.0") from None
    if interface.ip in (interface.network.network_address, interface.network.broadcast_address):
        raise InvalidArgument("address", "is a host's, neither the network's nor the broadcast one")
    if ipaddress.IPv4Address(settings.router) not in interface.network:
        raise InvalidArgument("router", "is in the unit's own network")


def all_units(connection: Connection) -> list[UnitSettings]:
    """Every unit's settings, by number."""
    return [
        UnitSettings(**(row._asdict() | {"relay": Relay(row.relay)}))
        for row in connection.execute(select(UNIT).order_by(UNIT.c.unit))
    ]


def find(connection: Connection, number: int) -> UnitSettings | None:
    """A unit's settings, None where there are none."""
    row = connection.execute(select(UNIT).where(UNIT.c.unit == number)).one_or_none()
    return None if row is None else UnitSettings(**(row._asdict() | {"relay": Relay(row.relay)}))


def by_number(connection: Connection, number: int) -> UnitSettings:
    """A unit's settings. Raises NotFound."""
    settings = find(connection, number)
    if settings is None:
        raise NotFound("unit", f"{number} has settings at this gateway")
    return settings


def put(connection: Connection, settings: UnitSettings) -> None:
    """Keep a unit's settings, in place of earlier ones."""
    values = asdict(settings)
    if not connection.execute(update(UNIT).where(UNIT.c.unit == settings.unit).values(**values)).rowcount:
        connection.execute(insert(UNIT).values(**values))


def told(settings: UnitSettings, enrolled: Unit, defaults: Defaults) -> UnitConfiguration:
    """What the unit itself is told."""
    return UnitConfiguration(
        transmission=settings.transmission,
        sampling=settings.sampling,
        maximum=settings.maximum // STEP,
        fallback=settings.fallback // STEP,
        voltage=enrolled.nominal_voltage,
        server=settings.server or defaults.server,
        port=settings.port or defaults.port,
        time_server=settings.time_server or defaults.time_server,
        dhcp=settings.dhcp,
        always_on=settings.relay is Relay.NONE,
        address=ipaddress.IPv4Address(settings.address).packed,
        mask=ipaddress.IPv4Address(settings.mask).packed,
        router=ipaddress.IPv4Address(settings.router).packed,
        resolver=ipaddress.IPv4Address(settings.resolver).packed,
    )
