"""Stretches of time that reports are about, cut into days, weeks and months by the condominium's clock."""

from __future__ import annotations

import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import Query

from chaincode.errors import InvalidArgument

DAYS = 30
"""How far back a report goes that names no beginning."""
MOST_DAYS = 3_660
_MOST = 2**40
Since = Annotated[
    int | None, Query(ge=0, le=_MOST, description=f"Unix seconds; {DAYS} days before the end where absent.")
]
Until = Annotated[
    int | None, Query(ge=0, le=_MOST, description="Unix seconds, not included; now where absent.")
]


class Step(StrEnum):
    """How long one row of a report is."""

    DAY = "day"
    WEEK = "week"
    """From Monday on (ISO 8601)."""
    MONTH = "month"


class Span(NamedTuple):
    """From `since` on and before `until`, Unix seconds."""

    since: int
    until: int


def span(since: int | None, until: int | None, now: int) -> Span:
    """What a request asks for; `now` in Unix seconds. Raises InvalidArgument."""
    end = now + 1 if until is None else until
    start = max(0, end - DAYS * 86_400) if since is None else since
    if start >= end:
        raise InvalidArgument("since", "is before until")
    if end - start > MOST_DAYS * 86_400:
        raise InvalidArgument("since", f"is at most {MOST_DAYS} days before until")
    return Span(start, end)


def step_of(instant: int, step: Step, zone: ZoneInfo) -> datetime.date:
    """The first day of the step in which `instant` (Unix seconds) lies, by the clock of `zone`."""
    day = datetime.datetime.fromtimestamp(instant, zone).date()
    if step is Step.WEEK:
        return day - datetime.timedelta(days=day.weekday())
    return day.replace(day=1) if step is Step.MONTH else day
