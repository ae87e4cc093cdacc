"""Publishing tariffs: the next number, and local time spelled out for a ledger that knows no time zones."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chaincode.errors import InvalidArgument, NotFound
from chaincode.fields import Fields, encode
from chaincode.tariff import Tariff, read
from gateway.clock import Clock
from gateway.transaction.submission import Submitter

AHEAD_DAYS = 10 * 366
"""How far ahead a time zone's changes are written into a tariff: two a year are twenty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a tariff says beside its number and its place in time; as in `chaincode.tariff`."""

    start_fee: int
    bands: list[dict[str, Any]]
    week: list[dict[str, int]]


class Tariffs:
    """The condominium's tariffs, as operators publish them."""

    def __init__(self, submitter: Submitter, clock: Clock, time_zone: str) -> None:
        self._submitter = submitter
        self._clock = clock
        self._time_zone = time_zone
        self._last = 0

    async def publish(self, prices: Prices, valid_from: int | None, number: int | None) -> Tariff:
        """Publish the next tariff, in force from `valid_from` (Unix seconds; None for now).

        With `number`, only that one is published: the same request twice is then the same tariff. Raises
        InvalidArgument, StateConflict."""
        start = self._clock.now() // 1000 if valid_from is None else valid_from
        chosen = await self.next_number() if number is None else number
        committed = await self._submitter.submit("tariff.publish", [self._request(prices, start, chosen)])
        return Tariff.decode(committed.result)

    def draft(self, prices: Prices, start: int) -> Tariff:
        """The tariff that these prices would make from `start` (Unix seconds) on, published nowhere.

        Raises InvalidArgument as publishing does."""
        return read(Fields.parse(self._request(prices, start, 1), "request"))

    def _request(self, prices: Prices, start: int, number: int) -> bytes:
        return encode(
            {
                "number": number,
                "valid_from": start,
                "start_fee": prices.start_fee,
                "bands": prices.bands,
                "week": prices.week,
                "offsets": offsets(self._time_zone, start),
            }
        )

    async def next_number(self) -> int:
        """One more than the last published tariff's number."""
        while True:
            try:
                await self._submitter.evaluate("tariff.get", [str(self._last + 1).encode()])
            except NotFound:
                return self._last + 1
            self._last += 1


def offsets(time_zone: str, start: int) -> list[dict[str, int]]:
    """The UTC offsets of `time_zone` from `start` (Unix seconds) on, each with the instant at which it
    begins, for some ten years. Raises InvalidArgument where there is no such time zone."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidArgument("time_zone", "is an IANA time zone such as Europe/Lisbon") from None
    found = [{"start": start, "seconds": _offset(zone, start)}]
    # Zones change at whole hours of UTC or at quarters of them; hours narrow it down, minutes find it.
    end = start + AHEAD_DAYS * 86_400
    for day in range(start, end, 86_400):
        if _offset(zone, min(day + 86_400, end)) != found[-1]["seconds"]:
            instant = _change(zone, day, min(day + 86_400, end))
            found.append({"start": instant, "seconds": _offset(zone, instant)})
    return found


def _change(zone: ZoneInfo, low: int, high: int) -> int:
    """The first second after `low` that has the offset of `high`."""
    wanted = _offset(zone, high)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == wanted:
            high = middle
        else:
            low = middle
    return high


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = datetime.datetime.fromtimestamp(instant, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
