"""Periods and their steps."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest

from chaincode.errors import InvalidArgument
from gateway.report.period import DAYS, MOST_DAYS, Step, span, step_of

NOW = 1_760_000_400
LISBON = ZoneInfo("Europe/Lisbon")


def test_what_is_not_said_is_the_last_month() -> None:
    """The present second is part of it."""
    assert span(None, None, NOW) == (NOW + 1 - DAYS * 86_400, NOW + 1)


@pytest.mark.parametrize(("since", "until"), [(5, 5), (6, 5), (0, (MOST_DAYS + 1) * 86_400)])
def test_a_span_that_is_none_is_refused(since: int, until: int) -> None:
    """Empty, backwards or longer than anybody's records."""
    with pytest.raises(InvalidArgument, match="since"):
        span(since, until, NOW)


def test_days_are_the_condominiums() -> None:
    """Half an hour before midnight in UTC is the next day in Lisbon's summer, and in no other season."""
    summer = int(datetime.datetime(2025, 7, 1, 23, 30, tzinfo=datetime.UTC).timestamp())
    winter = int(datetime.datetime(2025, 12, 1, 23, 30, tzinfo=datetime.UTC).timestamp())
    assert step_of(summer, Step.DAY, LISBON) == datetime.date(2025, 7, 2)
    assert step_of(winter, Step.DAY, LISBON) == datetime.date(2025, 12, 1)


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    """1 July 2025 was a Tuesday."""
    instant = int(datetime.datetime(2025, 7, 1, 12, tzinfo=datetime.UTC).timestamp())
    assert step_of(instant, Step.WEEK, LISBON) == datetime.date(2025, 6, 30)
    assert step_of(instant, Step.MONTH, LISBON) == datetime.date(2025, 7, 1)
