"""Sheets: what a spreadsheet reads is what was written, and nothing of it is calculated."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal

import pytest

from gateway.rest.sheet import amount, sheet


def _read(lines: Iterator[str]) -> list[list[str]]:
    text = "".join(lines)
    assert text[0] == "\ufeff"
    return list(csv.reader(io.StringIO(text[1:])))


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_text_becomes_a_formula(begins: str) -> None:
    """Whatever a spreadsheet would calculate begins with an apostrophe, inside quotes or not."""
    [_, [cell]] = _read(sheet(["name"], [[f'{begins}HYPERLINK("http://x","y")']]))
    assert cell[0] == "'"


@pytest.mark.parametrize("between", [";", "; ", "\t", "\n", "\r\n", ';"', ',";'])
@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "＝"])
def test_no_text_becomes_a_formula_where_semicolons_part_cells(between: str, begins: str) -> None:
    """Nothing that any separator leaves at the start of a cell is calculated, quoted by us or not."""
    [_, row] = sheet(["path"], [[f"/v1/account/sessions/x{between}{begins}cmd|' /C calc'!A0"]])
    assert f"'{begins}cmd" in row
    parts = re.split(r'[;,\t\r\n"\s]+', row)
    assert not any(part.startswith(begins) for part in parts)


def test_numbers_stay_numbers() -> None:
    """A negative amount is not a text that begins with a hyphen."""
    lines = sheet(["a", "b", "c"], [[-3, Decimal("-1.50"), None]])
    assert _read(lines)[1] == ["-3", "-1.50", ""]


def test_what_separates_cells_is_quoted() -> None:
    """Commas, quotes and line ends inside a cell stay inside it; lines end as RFC 4180 says."""
    lines = list(sheet(["a"], [['one, "two"\nthree']]))
    assert _read(iter(lines)) == [["a"], ['one, "two"\nthree']]
    assert all(line.endswith("\r\n") for line in lines)


@pytest.mark.parametrize(("minor", "decimals", "shown"), [(1234, 2, "12.34"), (-5, 2, "-0.05"), (7, 0, "7")])
def test_money_is_written_exactly(minor: int, decimals: int, shown: str) -> None:
    """With as many decimals as the token has, and no exponent."""
    assert f"{amount(minor, decimals):f}" == shown
