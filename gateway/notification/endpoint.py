"""Where push messages may go: a browser names the address, which could lie in the condominium's own network.

An endpoint is HTTPS at a host whose every address is public. The address that was judged is the one that is
connected to: a name that is answered otherwise a moment later gains nothing. Push services of the
condominium's own network are named in the settings, by origin.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from chaincode.errors import InvalidArgument

LONGEST = 1_000
"""Characters; browsers' endpoints have about 200."""
_LOOK_UP = 5.0
"""Seconds for one look-up."""
_LOOK_UPS = ThreadPoolExecutor(2, "look-up")
"""Threads of their own: whoever names a host decides how long its look-up lasts, and the loop's threads check
passwords."""
_UNICAST = IPv6Network("2000::/3")
"""All that is given out of IPv6 so far (RFC 4291, section 2.4; IANA's registry)."""
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64's well-known prefix: its last 32 bits are an IPv4 address (RFC 6052, section 2.1)."""


class Forbidden(Exception):
    """The endpoint leads where no push message may go, or nowhere."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An endpoint that was judged, and how to connect to it."""

    url: str
    """With the address in place of the host's name."""
    host: str
    """As the Host header names it, with the port where it is not HTTPS's own."""
    server_name: str
    """Whose certificate is asked for."""
    origin: str


def check(endpoint: str, own: Collection[str]) -> None:
    """Whether an endpoint has the form that is allowed; `own` are the origins of the settings.

    Raises InvalidArgument. Where its name leads is judged when something is sent: that may change."""
    rule = "is an https address without user, port or fragment"
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidArgument("endpoint", rule) from None
    printable = endpoint.isascii() and endpoint.isprintable() and len(endpoint) <= LONGEST
    if not printable or not host or parts.username is not None or parts.fragment:
        raise InvalidArgument("endpoint", rule)
    if f"{parts.scheme}://{parts.netloc}" in own:
        return
    if parts.scheme != "https" or port is not None:
        raise InvalidArgument("endpoint", rule)
    literal = _literal(host)
    if literal is not None and not _is_public(literal):
        raise InvalidArgument("endpoint", "names a public host")


async def resolve(endpoint: str, own: Collection[str]) -> Destination:
    """Where to send to.

    Raises `Forbidden` where any address of the host is not public, TimeoutError where its look-up is slow."""
    try:
        check(endpoint, own)
    except InvalidArgument as error:
        raise Forbidden(str(error)) from None
    parts = urlsplit(endpoint)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.wait_for(
            asyncio.get_running_loop().run_in_executor(_LOOK_UPS, look_up), _LOOK_UP
        )
    except socket.gaierror as error:
        raise Forbidden(f"{host} has no address: {error.strerror}") from None
    addresses = [ip_address(entry[4][0]) for entry in found]
    origin = f"{parts.scheme}://{parts.netloc}"
    if origin not in own:
        inside = [address for address in addresses if not _is_public(address)]
        if inside or not addresses:
            raise Forbidden(f"{host} is at {', '.join(map(str, inside))}, which is not public")
    address = addresses[0]
    literal = f"[{address}]" if address.version == 6 else str(address)
    query = f"?{parts.query}" if parts.query else ""
    url = f"{parts.scheme}://{literal}:{port}{parts.path or '/'}{query}"
    return Destination(url, parts.netloc, host, origin)


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    # An IPv4 address can hide in an IPv6 one: mapped, or behind 6to4 or Teredo.
    if isinstance(address, IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if any(each is not None and not _is_public(each) for each in inner):
            return False
        if address in _TRANSLATED:
            return _is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast
