"""What a unit and its transport hand each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(slots=True)
class Mailbox:
    """One unit's messages, on the board's side of whatever carries them."""

    unsent: Callable[[], list[bytes]]
    """Batches that the gateway has not acknowledged, oldest first."""
    deliver: Callable[[bytes], None]
    """Gives the unit a command that arrived."""
    latest: bytes = b""
    """The newest batch, acknowledged or not: repeated, it asks for commands without saying anything new."""
    fresh: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is a batch or a request that was not there before."""
    requests: list[bytes] = field(default_factory=list)
    """Start requests that wait; each is sent once, as it is of no use later."""
    statuses: list[bytes] = field(default_factory=list)
    """What the unit tells of its firmware; a transport without a way for it leaves it here."""


class Transport(Protocol):
    """Carries messages until it is cancelled, over whatever failures."""

    async def configuration(self, unit: int, boot: int) -> bytes:
        """Ask for a unit's configuration; comes back when there is an answer, sound or not."""

    async def run(self, unit: int, mailbox: Mailbox) -> None:
        """Carry the messages of `unit`; never returns."""


class Backoff:
    """Seconds between attempts: doubling from one to a minute."""

    __slots__ = ("_next", "_scale")

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale
        self._next = 1.0

    def reset(self) -> None:
        """It worked."""
        self._next = 1.0

    async def wait(self) -> None:
        """It did not: sleep before the next attempt."""
        seconds = self._next * self._scale
        self._next = min(60.0, self._next * 2)
        await asyncio.sleep(seconds)
