"""A file of charging sessions: which of its rows make sense, by themselves and beside each other."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from demonstration.replay.row import COLUMNS, Row, Senseless, read_row

OVERLAP = 60
"""Seconds by which a car may come before the one before it has gone: a station's plug sensor and its
payment log have clocks of their own. More than that is two cars on one cable."""
FARTHEST = 4 * 366 * 86_400
"""Seconds from the middle row's arrival to any other: a condominium's root certificate is valid for ten
years, and one mistyped year among the rows must not cost all the others."""
_GZIP = b"\x1f\x8b"


class DatasetError(Exception):
    """The file as a whole cannot be used; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that makes no sense."""

    number: int
    """1 for the first row below the header."""
    reason: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a file holds."""

    rows: tuple[Row, ...]
    """Those that make sense, by arrival."""
    refusals: tuple[Refusal, ...]
    """The others, by number."""

    @property
    def count(self) -> int:
        """All rows that were read."""
        return len(self.rows) + len(self.refusals)

    @property
    def energy(self) -> int:
        """Wh that the sensible rows delivered."""
        return sum(row.delivered for row in self.rows)


def load(path: Path, first: int | None = None) -> Dataset:
    """The first `first` rows (all for None) of a CSV file, gzipped or not.

    Raises DatasetError where the file cannot be read or its header lacks a column."""
    rows: list[Row] = []
    refusals: list[Refusal] = []
    for number, values in enumerate(_records(path), 1):
        if first is not None and number > first:
            break
        try:
            rows.append(_row(number, values))
        except Senseless as senseless:
            refusals.append(Refusal(number, str(senseless)))
    rows.sort(key=lambda row: (row.arrival, row.number))
    kept: list[Row] = []
    for row, reason in _beside_each_other(rows):
        if reason is None:
            kept.append(row)
        else:
            refusals.append(Refusal(row.number, reason))
    return Dataset(tuple(kept), tuple(sorted(refusals, key=lambda refusal: refusal.number)))


def _beside_each_other(rows: list[Row]) -> Iterator[tuple[Row, str | None]]:
    """Each row, by arrival, and why it does not fit the ones before it."""
    named: dict[str, int] = {}
    busy: dict[str, Row] = {}
    middle = rows[len(rows) // 2].arrival if rows else 0
    # The row that stands first in the file has a session's id; by arrival a copy could come before it.
    for row in sorted(rows, key=lambda row: row.number):
        named.setdefault(row.session, row.number)
    for row in rows:
        before = busy.get(row.station)
        if named[row.session] != row.number:
            yield row, f"session_id is that of row {named[row.session]}"
        elif abs(row.arrival - middle) > FARTHEST:
            yield row, "arrival is more than four years from the middle of the file"
        elif before is not None and row.arrival < before.departure - OVERLAP:
            yield row, f"row {before.number} is still at station {row.station[:40]}: one cable, one car"
        else:
            busy[row.station] = row
            yield row, None


def _row(number: int, values: list[str] | str) -> Row:
    if isinstance(values, str):
        raise Senseless(values)
    if any("\ufffd" in value for value in values):
        raise Senseless("is not UTF-8")
    return read_row(number, dict(zip(COLUMNS, values, strict=True)))


def _records(path: Path) -> Iterator[list[str] | str]:
    """Each row's values in the order of `COLUMNS`, or why it has none. Blank lines are no rows."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=False)
    try:
        header = [name.strip() for name in next(reader)]
    except (StopIteration, csv.Error):
        raise DatasetError(f"{path.name} is empty; it should begin with {', '.join(COLUMNS)}") from None
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise DatasetError(f"{path.name} lacks the column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
    places = [header.index(column) for column in COLUMNS]
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"is not CSV: {error}"
            continue
        if not values:
            continue
        if len(values) != len(header):
            yield f"has {len(values)} columns, the header {len(header)}"
        else:
            yield [values[place] for place in places]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise DatasetError(f"{path.name} is a damaged gzip file: {error}") from error
    return content.decode("utf-8-sig", "replace")
