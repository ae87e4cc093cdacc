"""Where a network switch is: `shelly://192.168.1.30`, `tasmota://192.168.1.31:8080/2`.

The gateway sends requests to these addresses, so they must not lead it anywhere else: an address is a literal
one on a network that the settings name (RFC 1918's by default), never a name that somebody could point
elsewhere, and answers that redirect are not followed (`gateway.switch.connection`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

MAX_LENGTH = 64
MAX_CHANNEL = 7
_FORM = re.compile(r"(?P<kind>[a-z]+)://(?P<host>[0-9.]+)(:(?P<port>[0-9]{1,5}))?(/(?P<channel>[0-9]))?")


class SwitchKind(StrEnum):
    """The protocols that the gateway speaks."""

    SHELLY = "shelly"
    """Shelly's second generation and later: JSON-RPC over HTTP."""
    TASMOTA = "tasmota"
    """Any switch that runs Tasmota: its commands over HTTP."""


@dataclass(frozen=True, slots=True)
class SwitchAddress:
    """One relay of one switch."""

    kind: SwitchKind
    host: ipaddress.IPv4Address
    port: int
    channel: int
    """From 0, whatever the maker counts from."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `kind://address[:port][/channel]`; port 80 and the first relay where they are absent.

        Raises ValueError with the rule that is broken."""
        kinds = " or ".join(f"{kind}://" for kind in SwitchKind)
        found = _FORM.fullmatch(text) if len(text) <= MAX_LENGTH else None
        if found is None or found["kind"] not in list(SwitchKind):
            raise ValueError(f"begins with {kinds}, then an IPv4 address, a :port and a /channel if need be")
        try:
            host = ipaddress.IPv4Address(found["host"])
        except ValueError:
            raise ValueError("has an IPv4 address such as 192.168.1.30, not a name") from None
        port, channel = int(found["port"] or 80), int(found["channel"] or 0)
        if not 0 < port <= 65_535:
            raise ValueError("has a port from 1 to 65535")
        if channel > MAX_CHANNEL:
            raise ValueError(f"has a channel from 0 to {MAX_CHANNEL}")
        return cls(SwitchKind(found["kind"]), host, port, channel)

    def check(self, networks: Iterable[str]) -> None:
        """Whether it lies on one of `networks` (such as `192.168.0.0/16`). Raises ValueError."""
        allowed = [ipaddress.IPv4Network(network) for network in networks]
        if not any(self.host in network for network in allowed):
            raise ValueError(f"is on one of {', '.join(map(str, allowed))} (setting units.switch_networks)")

    @property
    def base(self) -> str:
        """The switch's URL, without a path."""
        return f"http://{self.host}:{self.port}"
