"""Tariffs: immutable and numbered. A session is priced by the one that its intent named.

Prices are in millionths of a token, so 0.1834 per kWh is 183,400. Bands follow local time, but endorsers
with different time zone tables must not disagree: a tariff lists its UTC offsets with the instants from
which they hold, and its week as the minutes at which a band begins.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import ClassVar

from chaincode import creator
from chaincode.condominium import own
from chaincode.errors import InvalidArgument, NotFound, StateConflict
from chaincode.fields import Fields
from chaincode.record import Record
from chaincode.stub import Stub, composite_key

MINUTES_OF_WEEK = 7 * 1440
SIGNING_GRACE = 900
"""Seconds for which a tariff may still be named after its successor came into force: the time in which a
resident reads and signs."""
MAX_AHEAD = 400 * 86_400
"""Seconds that a tariff may come into force ahead: a slip of a digit must not bar every later one."""
MAX_PRICE = 10**12
_KIND = "tariff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band(Record):
    """Prices that hold together."""

    name: str
    energy_price: int
    """Millionths of a token per kWh."""
    idle_price: int
    """Millionths of a token per minute that a vehicle stays connected after charging ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Record):
    """A minute of the local week (0 is Monday 00:00) at which a band begins."""

    minute: int
    band: int
    """Index into the tariff's bands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset(Record):
    """What is added to UTC from an instant on."""

    start: int
    """Unix seconds."""
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff(Record):
    """One version of a condominium's prices."""

    nested: ClassVar[dict[str, type[Record]]] = {"bands": Band, "week": Change, "offsets": Offset}

    number: int
    valid_from: int
    """Unix seconds; in force until the next number's."""
    start_fee: int
    """Minor units, once for a session that delivered energy."""
    bands: tuple[Band, ...]
    week: tuple[Change, ...]
    """Empty where there is one band."""
    offsets: tuple[Offset, ...]

    def hash(self) -> str:
        """SHA-256 of the record, hexadecimal."""
        return sha256(self.encode()).hexdigest()

    def band_at(self, time: int) -> int:
        """The index of the band in force at `time` (Unix seconds)."""
        if not self.week:
            return 0
        position = bisect_right(self.offsets, time, key=_start) - 1
        minute = (time + self.offsets[max(position, 0)].seconds) // 60 + _MONDAY
        index = bisect_right(self.week, minute % MINUTES_OF_WEEK, key=_minute) - 1
        return self.week[index].band

    def boundaries(self, start: int, end: int) -> list[int]:
        """The instants after `start` and before `end` at which another band comes into force."""
        if not self.week or len(self.bands) == 1:
            return []
        instants: set[int] = set()
        since = start
        for position, offset in enumerate(self.offsets):
            last = position + 1 == len(self.offsets)
            until = end if last else min(end, self.offsets[position + 1].start)
            if since < until:
                instants.update(self._changes(offset.seconds, since, until))
                instants.add(until)
                since = until
        instants.discard(end)
        return [i for i in sorted(instants) if self.band_at(i - 1) != self.band_at(i)]

    def _changes(self, offset: int, since: int, until: int) -> list[int]:
        """The instants after `since` and before `until` at which a change of the week falls."""
        instants = []
        minute = (since + offset) // 60 + _MONDAY
        week = minute - minute % MINUTES_OF_WEEK
        while (week - _MONDAY) * 60 - offset < until:
            for change in self.week:
                instant = (week + change.minute - _MONDAY) * 60 - offset
                if since < instant < until:
                    instants.append(instant)
            week += MINUTES_OF_WEEK
        return instants


# 1 January 1970 was a Thursday: minute 0 of Unix time is minute 4,320 of a week that begins on Monday.
_MONDAY = 3 * 1440


def key_of(number: int) -> str:
    """Where a tariff is kept."""
    return composite_key(_KIND, f"{number:08d}")


async def publish(stub: Stub, request: bytes) -> bytes:
    """`tariff.publish`: the next number, for ever as it is. Twice the same is once.

    Request: number, valid_from, start_fee, bands [{name, energy_price, idle_price}], week [{minute, band}],
    offsets [{start, seconds}]."""
    condominium = await own(stub)
    creator.require(stub, condominium.msp_id, creator.ADMIN, creator.GATEWAY)
    tariff = read(Fields.parse(request, "request"))
    value = tariff.encode()
    before, stored = await stub.get_many([key_of(tariff.number - 1), key_of(tariff.number)])
    if stored is not None:
        if stored != value:
            raise StateConflict("number", f"{tariff.number} is published already and cannot be changed")
        return stored
    if tariff.number > 1:
        if before is None:
            raise StateConflict("number", "is one more than the last published tariff's")
        if Tariff.decode(before).valid_from >= tariff.valid_from:
            raise StateConflict("valid_from", "is later than the last published tariff's")
    if tariff.valid_from < stub.timestamp // 1000 - SIGNING_GRACE:
        raise StateConflict("valid_from", "is not in the past: tariffs are never retroactive")
    if tariff.valid_from > stub.timestamp // 1000 + MAX_AHEAD:
        raise StateConflict("valid_from", f"is at most {MAX_AHEAD // 86_400} days ahead, in Unix seconds")
    await stub.put(key_of(tariff.number), value)
    stub.set_event("tariff.published", value)
    return value


async def get(stub: Stub, number: bytes) -> bytes:
    """`tariff.get`: one tariff by its number in decimal."""
    if not number.isdigit() or len(number) > 8:
        raise InvalidArgument("number", "is a decimal number of at most 8 digits")
    value = await stub.get(key_of(int(number)))
    if value is None:
        raise NotFound("number", f"names a published tariff; there is no {int(number)}")
    return value


async def in_force(stub: Stub) -> bytes:
    """`tariff.in_force`: the tariff in force at the transaction's time."""
    now = stub.timestamp // 1000
    found: bytes | None = None
    async for entry in stub.range(composite_key(_KIND)):
        if Tariff.decode(entry.value).valid_from > now:
            break
        found = entry.value
    if found is None:
        raise NotFound("tariff", "is in force: publish one first")
    return found


def nameable(number: int, value: bytes | None, successor: bytes | None, now: int) -> Tariff:
    """The tariff that a new session names, where it may: in force, or just replaced.

    `value` and `successor` are what is stored for `number` and the number after it. Raises StateConflict."""
    if value is None:
        raise NotFound("tariff", f"{number} is published")
    tariff = Tariff.decode(value)
    if tariff.valid_from > now:
        raise StateConflict("tariff", f"{number} is not yet in force")
    if successor is not None and Tariff.decode(successor).valid_from + SIGNING_GRACE <= now:
        raise StateConflict("tariff", f"{number} has been replaced; sign the tariff in force")
    return tariff


def read(fields: Fields) -> Tariff:
    """A tariff from its members, and nothing else. Raises InvalidArgument."""
    tariff = Tariff(
        number=fields.integer("number", 1, 99_999_999),
        valid_from=fields.integer("valid_from"),
        start_fee=fields.integer("start_fee", 0, MAX_PRICE),
        bands=tuple(_band(each) for each in fields.objects("bands", 16)),
        week=tuple(_change(each) for each in fields.objects("week", 7 * 24)),
        offsets=tuple(_offset(each) for each in fields.objects("offsets", 64)),
    )
    fields.done()
    if not tariff.bands:
        raise InvalidArgument("bands", "holds at least one band")
    if len(tariff.bands) > 1 and not tariff.week:
        raise InvalidArgument("week", "says when each of several bands begins")
    if tariff.week and tariff.week[0].minute != 0:
        raise InvalidArgument("week", "begins with minute 0")
    if any(a.minute >= b.minute for a, b in pairwise(tariff.week)):
        raise InvalidArgument("week", "is in rising order of minutes")
    if any(change.band >= len(tariff.bands) for change in tariff.week):
        raise InvalidArgument("week", "names bands by their index in bands")
    if not tariff.offsets or tariff.offsets[0].start > tariff.valid_from:
        raise InvalidArgument("offsets", "begins at or before valid_from")
    if any(a.start >= b.start for a, b in pairwise(tariff.offsets)):
        raise InvalidArgument("offsets", "is in rising order of start")
    return tariff


def _band(fields: Fields) -> Band:
    band = Band(
        name=fields.text("name", longest=40),
        energy_price=fields.integer("energy_price", 0, MAX_PRICE),
        idle_price=fields.integer("idle_price", 0, MAX_PRICE),
    )
    fields.done()
    return band


def _change(fields: Fields) -> Change:
    change = Change(
        minute=fields.integer("minute", 0, MINUTES_OF_WEEK - 1), band=fields.integer("band", 0, 15)
    )
    fields.done()
    return change


def _offset(fields: Fields) -> Offset:
    offset = Offset(start=fields.integer("start"), seconds=fields.integer("seconds", -64_800, 64_800))
    fields.done()
    if offset.seconds % 60:
        raise InvalidArgument("offsets", "holds whole minutes, in seconds")
    return offset


def _start(offset: Offset) -> int:
    return offset.start


def _minute(change: Change) -> int:
    return change.minute
