"""The configuration that a unit asks for at first power-up (paper, section 4.1.3; docs/protocol.md)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from firmware.simulator.unit.authentication import CONFIGURATION, Authentication
from firmware.simulator.unit.refusal import Refusal

VERSION = 1
DHCP = 1
ALWAYS_ON = 2
_FORMAT = struct.Struct("<BBH8sIIHHHHHH4s4s4s4s40s40s")
BODY_BYTES = _FORMAT.size


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration's fields, as far as a simulated unit has use for them."""

    always_on: bool
    unit: int
    network: bytes
    boot: int
    issued: int
    transmission: int
    """Seconds between batches."""
    sampling: int
    """Seconds between samples."""
    maximum: int
    """Tenths of an ampere."""
    fallback: int
    """Tenths of an ampere; 0 opens the relay."""
    voltage: int
    """Tenths of a volt."""
    port: int
    server: str
    time_server: str
    dhcp: bool
    address: bytes
    mask: bytes
    router: bytes
    resolver: bytes


def open_configuration(message: bytes, authentication: Authentication, unit: int, boot: int) -> Configuration:
    """The configuration in `message`, if it answers what unit `unit` asked in its start number `boot`.

    Raises Refusal."""
    configuration = stored_configuration(message, authentication)
    if configuration.unit != unit:
        raise Refusal("unit")
    if configuration.boot != boot:
        raise Refusal("boot")
    return configuration


def stored_configuration(message: bytes, authentication: Authentication) -> Configuration:
    """The configuration in a message that was accepted at some earlier start. Raises Refusal."""
    if len(message) != BODY_BYTES + authentication.length:
        raise Refusal("length")
    body = message[:BODY_BYTES]
    if not authentication.accepts(CONFIGURATION, body, message[BODY_BYTES:]):
        raise Refusal("authentication")
    (version, options, unit, network, boot, issued, transmission, sampling, maximum, fallback, voltage, port,
     address, mask, router, resolver, server, time_server) = _FORMAT.unpack(body)  # fmt: skip
    if version != VERSION:
        raise Refusal("version")
    if options & ~(DHCP | ALWAYS_ON):
        raise Refusal("options")
    return Configuration(
        always_on=bool(options & ALWAYS_ON),
        unit=unit,
        network=network,
        boot=boot,
        issued=issued,
        # A period of nought would never end; one second is as fast as a unit goes.
        transmission=max(1, transmission),
        sampling=max(1, sampling),
        maximum=maximum,
        fallback=fallback,
        voltage=voltage,
        port=port,
        server=server.rstrip(b"\0").decode("ascii", "replace"),
        time_server=time_server.rstrip(b"\0").decode("ascii", "replace"),
        dhcp=bool(options & DHCP),
        address=address,
        mask=mask,
        router=router,
        resolver=resolver,
    )
