"""Places for what anybody may hold open: event streams and exports. Each address has some, all have many.

Without a limit one computer could hold so many that nobody else is served. The limits are far above what a
garage needs whose residents share one address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from ipaddress import IPv6Address, IPv6Network

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.rest.problem import ProblemError, problem

STREAMS = (1_024, 64)
"""Event streams, and those of one address."""
EXPORTS = (16, 4)
"""Exports of the whole ledger: each reads all of it."""


class Places:
    """A number of places, some of them for each address."""

    def __init__(self, altogether: int, each: int) -> None:
        """At most `altogether`, and `each` for one address."""
        self._altogether = altogether
        self._each = each
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, address: str) -> Iterator[None]:
        """A place for `address`, given back at the end. Raises `ProblemError` (429) where there is none."""
        address = _household(address)
        if self._taken[address] >= self._each:
            raise _full("address", f"has at most {self._each} of these open at a time; close one first")
        if self._taken.total() >= self._altogether:
            raise _full("gateway", f"serves at most {self._altogether} of these at a time; try again later")
        self._taken[address] += 1
        try:
            yield
        finally:
            self._taken[address] -= 1
            if not self._taken[address]:
                del self._taken[address]


class PlacedResponse(StreamingResponse):
    """A streamed answer that has a place while it lasts, and a problem body where there is none."""

    def __init__(
        self,
        body: AsyncGenerator[bytes, None],
        places: Places,
        media_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(body, media_type=media_type, headers=headers)
        self._body = body
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request of `scope`."""
        client = scope.get("client")
        try:
            # A reader that goes leaves the body where it was; only closing it ends what it waits for.
            async with aclosing(self._body):
                with self._places.taken(client[0] if client else ""):
                    await super().__call__(scope, receive, send)
        except ProblemError as error:
            refusal = problem(error.status, error.code, error.field, error.rule, headers=error.headers)
            await refusal(scope, receive, send)


def _household(address: str) -> str:
    """Whose address it is: one customer of a network has 2⁶⁴ of IPv6 or more (RFC 6177, section 2).

    A socket that serves both versions shows IPv4 as ::ffff:a.b.c.d: all of them are in one such network."""
    try:
        mapped = IPv6Address(address).ipv4_mapped
        return str(mapped or IPv6Network((address, 64), strict=False))
    except ValueError:
        return address


def _full(field: str, rule: str) -> ProblemError:
    return ProblemError(429, "too-many-requests", field, rule, headers={"Retry-After": "60"})
