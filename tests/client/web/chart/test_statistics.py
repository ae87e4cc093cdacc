"""The charts' figures, computed by Node.js and compared with Python's own statistics."""

from __future__ import annotations

import json
import statistics
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tools.web import node

pytestmark = pytest.mark.slow
CHART = Path(__file__).resolve().parents[4] / "client" / "web" / "shared" / "chart"
RANDOM = Random(7)
POWER = [RANDOM.gauss(2300, 400) for _ in range(200)]
HEAT = [value / 100 + RANDOM.gauss(0, 5) for value in POWER]


def _call(*calls: tuple[str, list[Any]]) -> list[Any]:
    """What the charts' modules answer to each call."""
    text = "".join(json.dumps({"call": name, "arguments": given}) + "\n" for name, given in calls)
    modules = [str(CHART / name) for name in ("statistics.js", "ticks.js")]
    command = [str(node()), str(Path(__file__).with_name("figures.mjs")), *modules]
    answer = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in answer.splitlines()]


def test_mean_deviation_extremes_and_correlation_are_pythons() -> None:
    """The same figures as the standard library's, to the last digits that floats hold."""
    summary, correlation = _call(("summary", [POWER]), ("correlation", [POWER, HEAT]))
    assert summary == {
        "count": len(POWER),
        "mean": pytest.approx(statistics.fmean(POWER)),
        "deviation": pytest.approx(statistics.pstdev(POWER)),
        "least": min(POWER),
        "greatest": max(POWER),
    }
    assert correlation == pytest.approx(statistics.correlation(POWER, HEAT))


def test_what_was_not_measured_does_not_count() -> None:
    """Pairs with a null are left out; nothing to compare gives null, not zero."""
    holed = [None if index % 3 == 0 else value for index, value in enumerate(HEAT)]
    kept = [(power, heat) for power, heat in zip(POWER, holed, strict=True) if heat is not None]
    some, still, few, nothing = _call(
        ("correlation", [POWER, holed]),
        ("correlation", [POWER, [21] * len(POWER)]),
        ("correlation", [[1, 2], [2, 1]]),
        ("summary", [[]]),
    )
    assert some == pytest.approx(statistics.correlation(*map(list, zip(*kept, strict=True))))
    assert (still, few) == (None, None)
    assert nothing == {"count": 0, "mean": None, "deviation": None, "least": None, "greatest": None}


@pytest.mark.parametrize("greatest", [0, 0.004, 0.9, 1, 3.7, 10, 99, 7_360, 63_000])
def test_an_axis_reaches_over_its_greatest_value_in_few_round_steps(greatest: float) -> None:
    """From zero, evenly, at most seven steps, and its labels differ."""
    (steps,) = _call(("ticks", [greatest]))
    (digits,) = _call(("digits", [steps]))
    assert steps[0] == 0
    assert steps[-1] >= greatest * 0.999
    assert 2 <= len(steps) <= 7
    labels = [f"{step:.{digits}f}" for step in steps]
    assert len(set(labels)) == len(labels)
