"""A unit's configuration, as the gateway answers its question at first power-up (paper §4.1.3).

Little-endian, fixed width (docs/protocol.md, "Configuration"):

====== ===== ============ ==================================================================
offset bytes field        meaning
====== ===== ============ ==================================================================
0      1     version      1
1      1     options      bit 0 addresses by DHCP, bit 1 the unit has no relay ("always on")
2      2     unit         the unit's number
4      8     network      as in a batch
12     4     boot         the boot count that the unit named when it asked: an old answer is refused
16     4     issued       Unix seconds
20     2     transmission seconds between batches
22     2     sampling     seconds between samples
24     2     maximum      current in 0.1 A above which the unit opens its relay
26     2     fallback     current in 0.1 A that is safe when no command is heard; 0 opens the relay
28     2     voltage      nominal, 0.1 V
30     2     port         of the server
32     4     address      the unit's own IPv4 address, zeros with DHCP
36     4     mask         subnet mask
40     4     router       default gateway
44     4     resolver     DNS server
48     40    server       host name or dotted address, NUL-padded
88     40    time_server  likewise, SNTP (RFC 4330)
then   64/16 authentication, as for a command
====== ===== ============ ==================================================================
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from chaincode.errors import InvalidArgument
from chaincode.signing import domain

VERSION = 1
DHCP = 1
ALWAYS_ON = 2
HOST_BYTES = 40
_FORMAT = struct.Struct("<BBH8sIIHHHHHH4s4s4s4s40s40s")
BODY_BYTES = _FORMAT.size


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration as its fields; units and ranges as in the module's table."""

    unit: int
    network: bytes
    boot: int
    issued: int
    transmission: int
    sampling: int
    maximum: int
    fallback: int
    voltage: int
    port: int
    server: str
    time_server: str
    dhcp: bool = True
    always_on: bool = False
    address: bytes = bytes(4)
    mask: bytes = bytes(4)
    router: bytes = bytes(4)
    resolver: bytes = bytes(4)

    def encode(self) -> bytes:
        """The configuration's bytes without authentication. Raises InvalidArgument for a long name."""
        return _FORMAT.pack(
            VERSION,
            DHCP * self.dhcp | ALWAYS_ON * self.always_on,
            self.unit,
            self.network,
            self.boot,
            self.issued,
            self.transmission,
            self.sampling,
            self.maximum,
            self.fallback,
            self.voltage,
            self.port,
            self.address,
            self.mask,
            self.router,
            self.resolver,
            _host("server", self.server),
            _host("time_server", self.time_server),
        )


def decode_configuration(body: bytes) -> Configuration:
    """The fields of a configuration's bytes (without authentication), as a unit reads them: the gateway only
    writes it, and what is tested of it is read back with this. Raises InvalidArgument."""
    if len(body) != BODY_BYTES:
        raise InvalidArgument("configuration", f"has {BODY_BYTES} bytes")
    (version, options, unit, network, boot, issued, transmission, sampling, maximum, fallback, voltage, port,
     address, mask, router, resolver, server, time_server) = _FORMAT.unpack(body)  # fmt: skip
    if version != VERSION:
        raise InvalidArgument("configuration.version", f"is {VERSION}")
    if options & ~(DHCP | ALWAYS_ON):
        raise InvalidArgument("configuration.options", "has no unknown bits")
    return Configuration(
        unit=unit,
        network=network,
        boot=boot,
        issued=issued,
        transmission=transmission,
        sampling=sampling,
        maximum=maximum,
        fallback=fallback,
        voltage=voltage,
        port=port,
        server=server.rstrip(b"\0").decode("ascii", "replace"),
        time_server=time_server.rstrip(b"\0").decode("ascii", "replace"),
        dhcp=bool(options & DHCP),
        always_on=bool(options & ALWAYS_ON),
        address=address,
        mask=mask,
        router=router,
        resolver=resolver,
    )


def sign_configuration(configuration: Configuration, secret: bytes) -> bytes:
    """The message for a unit of class `ed25519`, by the condominium's signing key."""
    body = configuration.encode()
    return body + domain.sign(secret, domain.CONFIGURATION, body)


def seal_configuration(configuration: Configuration, key: bytes) -> bytes:
    """The message for a unit of class `mac`."""
    body = configuration.encode()
    return body + domain.mac(key, domain.CONFIGURATION, body)


def _host(field: str, name: str) -> bytes:
    if not name.isascii() or not 0 < len(name) < HOST_BYTES:
        raise InvalidArgument(
            f"configuration.{field}", f"is an ASCII name of 1 to {HOST_BYTES - 1} characters"
        )
    return name.encode()
