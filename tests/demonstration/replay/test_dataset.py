"""Files of charging sessions: what makes sense in them."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demonstration.replay.dataset import Dataset, DatasetError, load
from demonstration.replay.row import COLUMNS

DATA = Path(__file__).parents[3] / "demonstration" / "data" / "acn-caltech-2019-05-08.csv.gz"
HEADER = ",".join(COLUMNS)
GOOD = (
    "2019-05-01 08:00:00-07:00,2019-05-01 12:00:00-07:00,10.0,8.5,CA-1,first,2019-05-01 11:00:00-07:00,True"
)


def read(tmp_path: Path, *lines: str, header: str = HEADER) -> Dataset:
    """The dataset of a file with these lines."""
    file = tmp_path / "sessions.csv"
    file.write_text("\n".join((header, *lines, "")))
    return load(file)


def changed(**columns: str) -> str:
    """A good row with other values; columns by the first word of their name."""
    values = dict(zip(COLUMNS, GOOD.split(","), strict=True)) | {"session_id": "other", "station_id": "CA-2"}
    for word, value in columns.items():
        values[next(name for name in COLUMNS if name.startswith(word))] = value
    return ",".join(values.values())


def test_the_packaged_data_makes_sense() -> None:
    """All 3,527 rows, 29.5 MWh, by arrival."""
    dataset = load(DATA)
    assert dataset.count == 3_527
    assert dataset.refusals == ()
    assert dataset.energy == 29_532_772
    assert list(dataset.rows) == sorted(dataset.rows, key=lambda row: row.arrival)


def test_a_row_is_read_exactly(tmp_path: Path) -> None:
    """Times with their offset, energy to the Wh."""
    (row,) = read(tmp_path, GOOD).rows
    assert (row.number, row.arrival, row.departure) == (1, 1_556_722_800, 1_556_737_200)
    assert (row.requested, row.delivered, row.station, row.session) == (10_000, 8_500, "CA-1", "first")
    assert row.leave == 1_556_733_600


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"arrival": "2019-05-01 13:00:00-07:00"}, "departure is before arrival"),
        ({"arrival": "2019-05-01 12:00:00-07:00"}, "departure is at the moment of arrival"),
        ({"arrival": "2019-05-01 11:59:30-07:00"}, "lasts 30 s"),
        ({"departure": "2019-05-09 08:00:00-07:00"}, "lasts 8.0 days"),
        ({"arrival": "2019-05-01 08:00:00"}, "arrival has no offset"),
        ({"arrival": "yesterday"}, "arrival is not a time: 'yesterday'"),
        ({"departure": ""}, "departure is not a time"),
        ({"departure": "2019-13-01 08:00:00-07:00"}, "departure is not a time"),
        ({"arrival": "1969-05-01 08:00:00-07:00"}, "arrival is before 1970"),
        ({"delivered": "-1"}, "is negative"),
        ({"delivered": "nan"}, "is not finite"),
        ({"delivered": "inf"}, "is not finite"),
        ({"delivered": "lots"}, "is not a number"),
        ({"delivered": ""}, "is not a number"),
        ({"delivered": "1e99"}, "more than any car holds"),
        ({"delivered": "29.5"}, "delivers 29500 Wh in 14400 s"),
        ({"requested": "-3"}, "requested_energy (kWh) is negative"),
        ({"requested": "x"}, "requested_energy (kWh) is not a number"),
        ({"station": " "}, "station_id is empty"),
        ({"session": ""}, "session_id is empty"),
        ({"session": "first"}, "session_id is that of row 1"),
        ({"claimed": "perhaps"}, "claimed is neither"),
        ({"estimated": "soon"}, "estimated_departure is not a time"),
        ({"station": "CA-1"}, "row 1 is still at station CA-1"),
    ],
)
def test_senseless_rows_are_refused_by_number_and_reason(
    tmp_path: Path, columns: dict[str, str], reason: str
) -> None:
    """One bad row between two good ones: it is named, and they stay."""
    last = changed(session="third", station="CA-3")
    dataset = read(tmp_path, GOOD, changed(**columns), last)
    (refusal,) = dataset.refusals
    assert refusal.number == 2
    assert reason in refusal.reason
    assert [row.number for row in dataset.rows] == [1, 3]


@pytest.mark.parametrize("line", ["a,b,c", GOOD + ",more", '"unclosed', "\x00,,,,,,,"])
def test_broken_lines_are_refused(tmp_path: Path, line: str) -> None:
    """Too few columns, too many, quotes and binary rubbish."""
    dataset = read(tmp_path, GOOD, line)
    assert [refusal.number for refusal in dataset.refusals] == [2]
    assert len(dataset.rows) == 1


@pytest.mark.parametrize(
    "columns",
    [
        {"requested": ""},
        {"estimated": ""},
        {"estimated": "2019-05-01 07:00:00-07:00"},
        {"claimed": ""},
        {"delivered": "0"},
        {"delivered": "8.5e0"},
        {"arrival": "2019-05-01T15:00:00Z"},
    ],
)
def test_what_can_be_missing_may_be_missing(tmp_path: Path, columns: dict[str, str]) -> None:
    """Guesses and requests are not needed, and a car may take nothing."""
    assert read(tmp_path, changed(**columns)).refusals == ()


def test_cars_may_follow_each_other_closely(tmp_path: Path) -> None:
    """Up to a minute of overlap is two clocks; more is two cars on one cable."""
    rows = [
        changed(session="1", arrival="2019-05-01 06:00:00-07:00", departure="2019-05-01 08:00:20-07:00"),
        changed(session="2"),
        changed(session="3", arrival="2019-05-01 11:58:00-07:00", departure="2019-05-01 18:00:00-07:00"),
    ]
    dataset = read(tmp_path, *rows)
    assert [(r.number, r.reason) for r in dataset.refusals] == [
        (3, "row 2 is still at station CA-2: one cable, one car")
    ]


def test_a_mistyped_year_costs_one_row(tmp_path: Path) -> None:
    """However far it is from the others, before or after them."""
    rows = [
        GOOD,
        changed(),
        GOOD.replace("2019", "2079").replace("first", "x"),
        changed(session="y", station="Z"),
    ]
    for year in ("1979", "2091"):
        wrong = GOOD.replace("2019", year).replace("first", "w")
        dataset = read(tmp_path, wrong, *rows)
        assert [refusal.number for refusal in dataset.refusals] == [1, 4]
        assert all("four years" in refusal.reason for refusal in dataset.refusals)


def test_only_the_first_rows(tmp_path: Path) -> None:
    """As many as were asked for, good or bad."""
    file = tmp_path / "sessions.csv"
    file.write_text("\n".join((HEADER, "rubbish", GOOD, changed())))
    dataset = load(file, first=2)
    assert (dataset.count, len(dataset.rows)) == (2, 1)


def test_columns_may_stand_in_any_order_and_more_may_be_there(tmp_path: Path) -> None:
    """They are found by name."""
    names = ["remark", *reversed(COLUMNS)]
    values = ["x", *reversed(GOOD.split(","))]
    assert read(tmp_path, ",".join(values), header=",".join(names)).rows == read(tmp_path, GOOD).rows


def test_files_that_cannot_be_used_say_so(tmp_path: Path) -> None:
    """Missing, empty, another form, or a gzip file that was cut off."""
    with pytest.raises(DatasetError, match="cannot be read"):
        load(tmp_path / "nowhere.csv")
    with pytest.raises(DatasetError, match="lacks the column 'departure'"):
        read(tmp_path, header="arrival,station_id")
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(DatasetError, match="is empty"):
        load(empty)
    damaged = tmp_path / "damaged.csv.gz"
    damaged.write_bytes(gzip.compress(HEADER.encode() * 99)[:-20])
    with pytest.raises(DatasetError, match="damaged"):
        load(damaged)


@given(st.binary(max_size=300))
def test_no_content_breaks_it(content: bytes) -> None:
    """Whatever stands below the header is a row or a refusal."""

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "any.csv"
        file.write_bytes(HEADER.encode() + b"\n" + content)
        dataset = load(file)
    assert dataset.count >= 0
