"""What is written into a unit when it is provisioned, and what its board can do."""

from __future__ import annotations

from dataclasses import dataclass

from firmware.simulator.unit.authentication import Authentication


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the unit is."""

    unit: int
    """Its number; 0 to 63 where dip switches set it (paper, section 4.1.3), at most 65,535."""
    authentication: Authentication
    salt: bytes = b""
    """The condominium's, under which tags are hashed; at most 64 bytes, empty without a reader."""


@dataclass(frozen=True, slots=True)
class Board:
    """What is soldered on."""

    piloted: bool = True
    """Whether a control pilot shows the car and sets its current."""
    asks_on_plug: bool = False
    """Whether plugging in is a start request (needs a pilot)."""
    minimum_on: int = 5_000
    """ms that the relay stays closed before a pause may open it; what protects opens it at once."""
    minimum_off: int = 5_000
    """ms that the relay stays open before it closes again: chargers dislike a flickering supply."""
    ring: int = 32
    """Unacknowledged batches that there is room for."""


ORDINARY = Board()
"""With a pilot, a relay, and room for 32 batches."""
