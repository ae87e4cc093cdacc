"""A tariff's week: what a person says of it, and the changes that the ledger takes."""

from __future__ import annotations

from typing import Any

import pytest

from chaincode.tariff import MINUTES_OF_WEEK
from tests.client.web.console.computing import compute

pytestmark = pytest.mark.slow
DAY, NIGHT, SUNDAY = 0, 1, 2
RULES: list[dict[str, Any]] = [
    {"days": "all", "time": "08:00", "band": DAY},
    {"days": "all", "time": "22:00", "band": NIGHT},
    {"days": "6", "time": "08:00", "band": SUNDAY},
]


def _band_at(week: list[dict[str, int]], day: int, hour: int) -> int:
    minute = day * 1_440 + hour * 60
    return [change["band"] for change in week if change["minute"] <= minute][-1]


def test_the_week_begins_with_what_sunday_ended_with() -> None:
    """The night goes on over midnight; a later rule for one day goes over an earlier one for all."""
    [week] = compute("week.js", ("weekOf", [RULES]))
    assert week[0] == {"minute": 0, "band": NIGHT}
    assert [change["minute"] for change in week] == sorted({change["minute"] for change in week})
    assert all(change["minute"] < MINUTES_OF_WEEK for change in week)
    bands = [(_band_at(week, 0, 3), NIGHT), (_band_at(week, 2, 12), DAY), (_band_at(week, 6, 12), SUNDAY)]
    assert all(band == meant for band, meant in bands)


def test_nothing_is_said_twice() -> None:
    """A band that goes on begins once: the ledger bounds how many changes a week has."""
    rules = [*RULES[:2], {"days": "all", "time": "12:00", "band": DAY}]
    [week] = compute("week.js", ("weekOf", [rules]))
    assert len(week) == 1 + 7 * 2


def test_a_published_week_is_taken_apart_into_the_same_rules() -> None:
    """What the form shows of a tariff makes that tariff's week again."""
    [week] = compute("week.js", ("weekOf", [RULES]))
    [rules] = compute("week.js", ("rulesOf", [week]))
    assert compute("week.js", ("weekOf", [rules])) == [week]
