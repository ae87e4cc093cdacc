"""The paper's figures 19 to 25, computed from sessions whose figures are known."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client.web.console.computing import compute

pytestmark = pytest.mark.slow
HOUR = 3_600


def _session(
    wallet: str, started: float | None, ended: float | None, energy: int | None, **more: Any
) -> dict[str, Any]:
    """A session as the report has it; times in hours."""
    return {
        "session": wallet,
        "unit": 1,
        "wallet": wallet,
        "opened": 0,
        "started": None if started is None else started * HOUR,
        "ended": None if ended is None else ended * HOUR,
        "energy": energy,
    } | more


def test_a_session_counts_once_it_delivered_energy() -> None:
    """Cancelled, empty and running ones are no charging events; the others come in their order."""
    sessions = [
        _session("b", 5, 9, 8_000),
        _session("a", 1, 3, 6_000),
        _session("c", None, 4, None),
        _session("d", 1, 2, 0),
        _session("e", 1, None, 500),
    ]
    [found] = compute("figures.js", ("charges", [sessions]))
    assert [(each["wallet"], each["hours"], each["energyKwh"], each["powerKw"]) for each in found] == [
        ("a", 2, 6, 3),
        ("b", 4, 8, 2),
    ]


def test_simultaneous_charging_steps_at_each_start_and_end() -> None:
    """One that begins in the second in which another ends adds no step of its own."""
    sessions = [_session("a", 0, 4, 1), _session("b", 2, 3, 1), _session("c", 4, 5, 1)]
    [steps] = compute("figures.js", ("simultaneous", [sessions]))
    assert [time // HOUR for time in steps["times"]] == [0, 2, 3, 4, 5]
    assert steps["counts"] == [1, 2, 1, 1, 0]
    assert compute("figures.js", ("shareOfTime", [steps, 2]), ("shareOfTime", [steps, 3])) == [0.2, 0]


def test_a_distribution_loses_nothing_and_ends_open() -> None:
    """Six hours are "six or less"; whatever is longer than the last boundary is counted together."""
    values = [0.5, 2, 2.1, 6, 6.01, 40]
    bins, share = compute("figures.js", ("distribution", [values, 2, 4]), ("shareWithin", [values, 6]))
    assert [(each["from"], each["to"], each["count"]) for each in bins] == [
        (0, 2, 2),
        (2, 4, 1),
        (4, 6, 1),
        (6, None, 2),
    ]
    assert share == pytest.approx(4 / 6)


def test_pauses_are_a_wallets_own() -> None:
    """Another wallet's session in between does not shorten them."""
    sessions = [
        _session("a", 0, 2, 1),
        _session("b", 3, 4, 1),
        _session("a", 12, 13, 1),
        _session("b", 28, 29, 1),
        _session("a", 23, 24, 1),
    ]
    charged = sorted(sessions, key=lambda each: each["started"])
    assert compute("figures.js", ("pauses", [charged])) == [[10, 10, 24]]


def test_windows_are_cut_at_the_days_ends() -> None:
    """Waiting goes up to the first reading; what still goes on ends now; a cancelled one has only waited."""
    day = 24 * HOUR
    sessions = [
        _session("a", 1, 3, 1, unit=2, opened=0),
        _session("b", 23, 26, 1, unit=1, opened=22 * HOUR),
        _session("c", None, 6, None, unit=1, opened=5 * HOUR),
        _session("d", 10, None, None, unit=3, opened=10 * HOUR),
    ]
    [rows] = compute("figures.js", ("windows", [sessions, 0, day, 12 * HOUR]))
    pieces = {
        row["unit"]: [(each["kind"], each["from"] / HOUR, each["to"] / HOUR) for each in row["pieces"]]
        for row in rows
    }
    assert pieces == {
        1: [("waited", 22, 23), ("charged", 23, 24), ("waited", 5, 6)],
        2: [("waited", 0, 1), ("charged", 1, 3)],
        3: [("charged", 10, 12)],
    }
