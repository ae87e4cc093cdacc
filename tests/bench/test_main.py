"""The benchmarks' runner: merging figures, and what a figure says."""

from __future__ import annotations

import json

from bench.__main__ import README, RESULTS, into_readme, markdown, merge
from bench.result import Result


def _row(identity: str, what: str, value: float) -> dict[str, object]:
    return Result(
        id=identity, what=what, value=value, unit="1/s", reference="x", reference_value=2.0
    ).members()


def test_a_new_figure_replaces_the_old_one_of_its_name() -> None:
    """Figures are kept by id and what; others stay."""
    old = [_row("P2", "a", 1), _row("P3", "b", 1)]
    merged = merge(old, [_row("P2", "a", 4), _row("P1", "c", 1)])
    assert [(row["id"], row["value"]) for row in merged] == [("P1", 1), ("P2", 4), ("P3", 1)]


def test_the_ratio_is_against_the_reference_of_the_same_run() -> None:
    """Value over reference, and none where a figure stands alone."""
    assert _row("P2", "a", 1)["ratio"] == 0.5
    alone = Result(id="P8", what="w", value=1, unit="s", reference="")
    assert alone.members()["ratio"] is None


def test_what_was_measured_at_several_places_stands_side_by_side() -> None:
    """One line for each thing, a column for each place, nothing where a place has no such figure."""
    rows = [_row("P2", "a", 1_234.5), *(_row("part", what, 1) for what in ("x: flash", "x: key", "y: flash"))]
    assert markdown(rows).splitlines()[2:] == [
        "| P2 | a | 1,234 1/s | x: 2 | 617.25 |  |",
        "",
        "| part | x | y |",
        "|---|---|---|",
        "| flash | 1 of 2 1/s | 1 of 2 1/s |",
        "| key | 1 of 2 1/s |  |",
    ]


def test_the_readme_shows_the_figures_that_were_measured() -> None:
    """The table in the README is the one of results.json."""
    text = README.read_text()
    assert into_readme(text, json.loads(RESULTS.read_text())) == text
