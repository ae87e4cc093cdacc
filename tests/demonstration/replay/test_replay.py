"""The main job on real input: rows become sessions on the ledger, through the gateway's own services."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from demonstration.replay.command import replay

DATA = Path(__file__).parents[3] / "demonstration" / "data" / "acn-caltech-2019-05-08.csv.gz"
KEYS = (
    "rows", "refused", "sessions", "settled", "energy_wh_dataset", "energy_wh_ledger", "issued", "balances",
    "escrow", "income", "redeemed", "receipts_verified", "batches", "transactions", "blocks", "wall_s",
)  # fmt: skip
HEADER, *LINES = gzip.decompress(DATA.read_bytes()).decode().splitlines()


def run(tmp_path: Path, file: Path, *options: str) -> tuple[Result, dict[str, float]]:
    """The command's result and its report."""
    report = tmp_path / "report.json"
    result = CliRunner().invoke(replay, [str(file), "--report", str(report), *options])
    return result, json.loads(report.read_text()) if report.exists() else {}


def check_sums(report: dict[str, float]) -> None:
    """Tokens are accounted for to the last minor unit, and nothing is left in escrow."""
    assert report["issued"] == sum(report[t] for t in ("balances", "escrow", "income", "redeemed"))
    assert report["escrow"] == 0
    assert report["receipts_verified"] == report["sessions"]


def test_rows_become_settled_sessions(tmp_path: Path) -> None:
    """The first of the packaged file: each settled, with the energy of the file, its receipt verified."""
    result, report = run(tmp_path, DATA, "--first", "12")
    assert result.exit_code == 0, result.output
    assert tuple(report) == KEYS
    assert (report["rows"], report["refused"], report["sessions"], report["settled"]) == (12, 0, 12, 12)
    assert report["energy_wh_ledger"] == pytest.approx(report["energy_wh_dataset"], rel=0.01)
    assert report["income"] > 0
    assert report["balances"] > 0
    # A purchase, an opening, a start and a settlement each, and the condominium with its units before that.
    assert report["transactions"] >= 4 * 12 + 3
    assert report["batches"] > 4 * 12
    check_sums(report)
    assert "receipts verified" in result.output
    verified = f"{report['transactions']:,} transactions in {report['blocks']:,} blocks"
    assert re.search(rf"^ledger verified +{verified}$", result.output, re.MULTILINE)


@pytest.mark.slow
def test_senseless_rows_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    """A file that nobody has seen: good rows between rows of every bad kind, columns in another order."""
    good = [
        "2023-11-02 18:00:00+01:00,2023-11-02 21:30:00+01:00,9,7.25,P1,a,,",
        "2023-11-02 18:30:00+01:00,2023-11-02 18:35:00+01:00,,0.4,P2,b,,",
        "2023-11-02 21:30:05+01:00,2023-11-03 07:00:00+01:00,30,22.5,P1,c,2023-11-03 06:00:00+01:00,True",
        "2023-11-02 20:00:00+01:00,2023-11-02 22:00:00+01:00,5,0,P3,d,,False",
        # Thirty seconds before the car before it has gone, which is full to the last: two clocks.
        "2023-11-02 21:59:30+01:00,2023-11-02 23:00:00+01:00,5,7,P3,i,,False",
        "2021-02-28 12:00:00+01:00,2021-02-28 13:00:00+01:00,5,3,P3,j,,False",
    ]
    bad = [
        "2023-11-02 21:00:00+01:00,2023-11-02 23:30:00+01:00,9,7.25,P1,e,,",
        "2023-11-02 18:00:00+01:00,2023-11-02 17:30:00+01:00,9,7.25,P4,f,,",
        "2023-11-02 18:00:00+01:00,2023-11-02 18:30:00+01:00,9,725,P4,g,,",
        "2023-11-02 18:00:00+01:00,2023-11-02 18:30:00+01:00,9,-1,P4,h,,",
        "2023-11-02 18:00:00+01:00,2023-11-02 18:30:00+01:00,9,1,P4,a,,",
        "nonsense",
    ]
    file = tmp_path / "unseen.csv"
    file.write_text("\n".join([HEADER, *good, *bad]))
    result, report = run(tmp_path, file)
    assert result.exit_code == 0, result.output
    assert (report["rows"], report["refused"], report["settled"]) == (12, 6, 6)
    for number in range(7, 13):
        assert f"row {number}: " in result.output
    assert report["energy_wh_ledger"] == pytest.approx(7_250 + 400 + 22_500 + 7_000 + 3_000, rel=0.01)
    check_sums(report)


@pytest.mark.slow
def test_nothing_exceeds_a_limit(tmp_path: Path) -> None:
    """Cars wait for each other under 8 kW; what left before its turn has its tokens back."""
    result, report = run(tmp_path, DATA, "--first", "12", "--limit-kw", "8")
    assert result.exit_code == 0, result.output
    assert report["energy_wh_ledger"] < report["energy_wh_dataset"]
    assert 0 < report["settled"] <= report["sessions"] == 12
    said = next(line for line in result.output.splitlines() if line.startswith("at most"))
    highest = int(said.split()[2].replace(",", ""))
    assert 3_000 < highest <= 8_000
    check_sums(report)


@pytest.mark.slow
def test_a_limit_that_serves_nobody_costs_nobody(tmp_path: Path) -> None:
    """Under the 6 A that a pilot can offer, no car charges, and every wallet has all of its tokens."""
    result, report = run(tmp_path, DATA, "--first", "4", "--limit-kw", "1")
    assert result.exit_code == 0, result.output
    assert (report["settled"], report["income"], report["energy_wh_ledger"]) == (0, 0, 0)
    assert report["balances"] == report["issued"] > 0
    check_sums(report)


def test_what_cannot_be_played_is_a_sentence(tmp_path: Path) -> None:
    """No file, no rows, no such ledger."""
    result, _ = run(tmp_path, tmp_path / "nowhere.csv")
    assert result.exit_code == 1
    assert "cannot be read" in result.output
    file = tmp_path / "header.csv"
    file.write_text(HEADER + "\n")
    result, _ = run(tmp_path, file)
    assert result.exit_code == 1
    assert "nothing to replay" in result.output
    assert run(tmp_path, file, "--ledger", "paper")[0].exit_code == 2


@pytest.mark.slow
def test_a_month_with_senseless_rows_in_it(tmp_path: Path) -> None:
    """Four hundred rows from the middle of the file, every tenth of them spoilt in one of four ways."""
    lines = LINES[1_500:1_900]
    spoilt = 0
    for index in range(0, 400, 10):
        arrival, departure, *rest = lines[index].split(",")
        lines[index] = (
            ",".join((departure, arrival, *rest)),
            ",".join((arrival, departure, rest[0], "1e3", *rest[2:])),
            ",".join((arrival[:-6], departure, *rest)),
            lines[index + 1],
        )[index // 10 % 4]
        spoilt += 1
    file = tmp_path / "month.csv"
    file.write_text("\n".join([HEADER, *lines]))
    result, report = run(tmp_path, file)
    assert result.exit_code == 0, result.output
    assert (report["rows"], report["refused"], report["settled"]) == (400, spoilt, 400 - spoilt)
    assert report["energy_wh_ledger"] == pytest.approx(report["energy_wh_dataset"], rel=0.001)
    check_sums(report)
