"""Run the benchmarks: `python -m bench [NAME …]`, all of them without a name.

Each module `bench/measure_NAME.py` has `measure() -> list[Result]` and runs in a process of its own, one
after the other, so that none warms or disturbs another. Results are merged by id and what into
`bench/results.json`; a table of all closes the run, and stands in the README.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
README = FOLDER.parent / "README.md"
PREFIX = "measure_"
_BEGIN, _END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def names() -> list[str]:
    """The benchmarks there are."""
    return sorted(path.stem.removeprefix(PREFIX) for path in FOLDER.glob(f"{PREFIX}*.py"))


def merge(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`old` with each figure of `new` in place of the one with its id and what."""
    figures = {(row["id"], row["what"]): row for row in [*old, *new]}
    return [figures[key] for key in sorted(figures)]


def number(value: float) -> str:
    """A figure as people read it: three digits that count, or whole thousands."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def markdown(rows: list[dict[str, Any]]) -> str:
    """The tables as the README has them. What is named `PLACE: THING` stands place by place."""
    single = [row for row in rows if ": " not in row["what"]]
    lines = ["| | what | value | against | ratio | aimed at |", "|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(_cells(row))} |" for row in single]
    for name in dict.fromkeys(row["id"] for row in rows if row not in single):
        found = [row for row in rows if row["id"] == name and row not in single]
        lines += ["", *_side_by_side(name, found)]
    return "\n".join(lines) + "\n"


def _cells(row: dict[str, Any]) -> list[str]:
    against = row["reference"]
    if row["reference_value"] is not None:
        against += f": {number(row['reference_value'])}"
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    return [row["id"], row["what"], f"{number(row['value'])} {row['unit']}", against, ratio, row["target"]]


def _side_by_side(name: str, rows: list[dict[str, Any]]) -> list[str]:
    names = [row["what"].partition(": ") for row in rows]
    places = list(dict.fromkeys(place for place, _, _ in names))
    lines = [f"| {name} | {' | '.join(places)} |", "|---|" + "---|" * len(places)]
    for thing in dict.fromkeys(thing for _, _, thing in names):
        values = [_short(rows, f"{place}: {thing}") for place in places]
        lines.append(f"| {thing} | {' | '.join(values)} |")
    return lines


def _short(rows: list[dict[str, Any]], what: str) -> str:
    for row in rows:
        if row["what"] == what:
            of = "" if row["reference_value"] is None else f" of {number(row['reference_value'])}"
            return f"{number(row['value'])}{of} {row['unit']}"
    return ""


def into_readme(text: str, rows: list[dict[str, Any]]) -> str:
    """The README's text with the table of `rows` in its place."""
    head, rest = text.split(_BEGIN)
    return head + _BEGIN + markdown(rows) + _END + rest.split(_END)[1]


def show(rows: list[dict[str, Any]], console: Console) -> None:
    """Print a table of results."""
    table = Table("id", "what", "value", "reference", "ratio", "target")
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)


def main() -> int:
    """Run what the command line names. Returns the exit status: 1 where a benchmark failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, and write results.json.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--in-process", metavar="NAME", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.in_process:
        results = importlib.import_module(f"bench.{PREFIX}{arguments.in_process}").measure()
        sys.stdout.write(json.dumps([result.members() for result in results]))
        return 0
    unknown = set(arguments.names) - set(names())
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    console = Console()
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    failed = []
    for name in arguments.names or names():
        console.print(f"measuring {name} …")
        run = subprocess.run(
            [sys.executable, "-m", "bench", "--in-process", name],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if run.returncode:
            failed.append(name)
            continue
        rows = merge(rows, json.loads(run.stdout))
        RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
        README.write_text(into_readme(README.read_text(), rows))
    show(rows, console)
    if failed:
        console.print(f"failed: {', '.join(failed)}; their errors are above")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
