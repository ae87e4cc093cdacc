"""Settlement: what a session's readings cost under its tariff. Pure: a receipt is checked offline with it.

Here a settlement is decided. Between two readings that a transaction carries lies a segment; its energy and
idle time belong to one band. A segment that crosses into another band without a reading at the boundary
belongs, whole, to the cheapest band that it touches: whoever settles has every reason to bring the reading.

Which readings count is in `chaincode.evidence`, when they count in
`chaincode.readings`, who may settle and when in `chaincode.ending`,
how the escrow is paid out in `chaincode.escrow`.
"""

from __future__ import annotations

from dataclasses import dataclass

from chaincode.meter import Reading
from chaincode.record import Record
from chaincode.signing.batch import Flag
from chaincode.tariff import Tariff

BOUNDARY_TOLERANCE = 5
"""Seconds by which a reading at a band's boundary may miss it."""
_IDLE = Flag.COMPLETE | Flag.CONNECTED
IDLE_POWER = 345_000
"""mW: half an ampere in three phases at 230 V. Where more was drawn between two readings the car charged."""
_MWH_PER_KWH = 10**6
_MILLIONTHS = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(Record):
    """What was used in one band: a charging period of a CDR (OCPI 2.2.1, section 10.4)."""

    band: int
    energy: int
    """mWh, as billed."""
    idle: int
    """Seconds connected after charging had ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement(Record):
    """How a session ended."""

    reason: str
    """OCPP's StoppedReason."""
    ended_at: int
    """Unix seconds: the last reading's time."""
    energy: int
    """mWh by the meter; what is billed is in the usage."""
    cost: int
    """Minor units, at most the escrow."""
    refund: int
    """Minor units."""


def add_segment(
    usage: tuple[Usage, ...], tariff: Tariff, before: Reading, after: Reading, limit: int | None
) -> tuple[Usage, ...]:
    """`usage` with what was used between two readings; `limit` is the most mWh that is billed in all."""
    idle = idle_seconds(before, after)
    energy = after.register - before.register
    if limit is not None:
        energy = min(energy, max(0, limit - sum(each.energy for each in usage)))
    if not energy and not idle:
        return usage
    band = _band(tariff, before.time, after.time, energy, idle)
    bands = {each.band: each for each in usage}
    known = bands.get(band, Usage(band=band, energy=0, idle=0))
    bands[band] = Usage(band=band, energy=known.energy + energy, idle=known.idle + idle)
    return tuple(bands[index] for index in sorted(bands))


def cost(tariff: Tariff, usage: tuple[Usage, ...], decimals: int, escrow: int) -> int:
    """What `usage` costs in minor units: rounded down, once, and never above the escrow."""
    if not any(each.energy for each in usage):
        return 0
    minor: int = price(tariff, usage) * 10**decimals // (60 * _MWH_PER_KWH * _MILLIONTHS)
    return min(escrow, tariff.start_fee + minor)


def price(tariff: Tariff, usage: tuple[Usage, ...]) -> int:
    """What `usage` costs without start fee or rounding, in sixtieths of 10 to the minus 12 of a token."""
    return sum(_price(tariff, each.band, each.energy, each.idle) for each in usage)


def idle_seconds(before: Reading, after: Reading) -> int:
    """Seconds connected after charging had ended: both readings say so, and no energy between denies it."""
    seconds = after.time - before.time
    drawn = (after.register - before.register) * 3_600
    quiet = before.flags & _IDLE == _IDLE and after.flags & _IDLE == _IDLE and drawn <= IDLE_POWER * seconds
    return seconds if quiet else 0


def _band(tariff: Tariff, start: int, end: int, energy: int, idle: int) -> int:
    inside = tariff.boundaries(start + BOUNDARY_TOLERANCE, end - BOUNDARY_TOLERANCE)
    if not inside:
        return tariff.band_at((start + end) // 2)
    touched = {tariff.band_at(start + BOUNDARY_TOLERANCE), *(tariff.band_at(instant) for instant in inside)}
    return min(sorted(touched), key=lambda band: _price(tariff, band, energy, idle))


def _price(tariff: Tariff, band: int, energy: int, idle: int) -> int:
    """In units of a sixtieth of 10 to the minus 12 of a token: exact, with no division."""
    prices = tariff.bands[band]
    return 60 * energy * prices.energy_price + idle * prices.idle_price * _MWH_PER_KWH
