"""What a replay found, as numbers and as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from chaincode.session import SETTLED, Session
from demonstration.replay.dataset import Dataset
from demonstration.replay.visit import Visit

TOLERANCE = 0.01
"""Part by which a session's energy on the ledger may differ from the file's, where no limit is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The replay's figures. Energy in Wh, money in minor units."""

    rows: int
    """Read from the file."""
    refused: int
    """Of those, rows that make no sense."""
    sessions: int
    """Opened on the ledger."""
    settled: int
    energy_wh_dataset: int
    """Of the rows that make sense."""
    energy_wh_ledger: int
    """By the meters' registers, as settled."""
    issued: int
    balances: int
    escrow: int
    income: int
    redeemed: int
    receipts_verified: int
    batches: int
    """Signed by units and stored by the gateway."""
    transactions: int
    """On the ledger, every one verified at the end, as are the blocks."""
    blocks: int
    wall_s: float
    """Seconds from the command to the last check."""

    def members(self) -> dict[str, int | float]:
        """The report as JSON has it."""
        return asdict(self)

    def faults(self, ended: int, *, limited: bool) -> list[str]:
        """What should not be, as sentences. `ended` sessions have a receipt; where the supply is `limited`
        a car may leave before its turn has come, and its session is cancelled."""
        found = []
        parts = self.balances + self.escrow + self.income + self.redeemed
        if self.issued != parts:
            found.append(f"{self.issued} minor units were issued, and {parts} are accounted for")
        if ended != self.sessions:
            found.append(f"{self.sessions - ended} of {self.sessions} sessions have not ended")
        if self.settled != self.sessions and not limited:
            found.append(f"{self.sessions - self.settled} of {self.sessions} sessions are not settled")
        if self.sessions != self.rows - self.refused:
            found.append(
                f"{self.rows - self.refused} rows make sense, and {self.sessions} sessions were opened"
            )
        if self.receipts_verified != ended:
            found.append(f"{self.receipts_verified} of {ended} receipts verify")
        if self.escrow:
            found.append(f"{self.escrow} minor units are still in escrow")
        return found


def energy_faults(visits: Sequence[Visit], records: dict[str, Session]) -> list[str]:
    """The rows whose energy on the ledger is not what the file says, within the tolerance."""
    found = []
    for visit in visits:
        record = records.get(visit.session)
        if record is None or record.settlement is None:
            continue
        metered = record.settlement.energy / 1_000
        row = visit.row
        # A Wh is what the file itself is rounded to.
        if abs(metered - row.delivered) > max(1.0, TOLERANCE * row.delivered):
            found.append(f"row {row.number}: {metered:.0f} Wh on the ledger, {row.delivered} Wh in the file")
    return found


def count_settled(records: dict[str, Session]) -> int:
    """How many sessions were settled."""
    return sum(record.state == SETTLED for record in records.values())


def ledger_energy(records: dict[str, Session]) -> int:
    """Wh that were settled, all together."""
    return round(sum(r.settlement.energy for r in records.values() if r.settlement is not None) / 1_000)


def table(dataset: Dataset, report: Report) -> list[tuple[str, str]]:
    """The closing table: names and values for people."""
    ratio = report.energy_wh_ledger / report.energy_wh_dataset if report.energy_wh_dataset else 1.0
    return [
        ("rows", f"{report.rows:,}, {report.refused:,} refused"),
        ("stations", f"{len({row.station for row in dataset.rows}):,}"),
        ("sessions", f"{report.sessions:,}, {report.settled:,} settled"),
        (
            "energy",
            f"{report.energy_wh_ledger / 1e3:,.1f} of {report.energy_wh_dataset / 1e3:,.1f} kWh, {ratio:.4%}",
        ),
        ("tokens issued", _money(report.issued)),
        ("= balances", _money(report.balances)),
        ("+ escrow", _money(report.escrow)),
        ("+ income", _money(report.income)),
        ("+ redeemed", _money(report.redeemed)),
        ("receipts verified", f"{report.receipts_verified:,}"),
        ("signed batches", f"{report.batches:,}"),
        ("ledger verified", f"{report.transactions:,} transactions in {report.blocks:,} blocks"),
        (
            "time",
            f"{report.wall_s:.1f} s, {report.sessions / max(report.wall_s, 1e-9):.1f} sessions a second",
        ),
    ]


def _money(minor: int) -> str:
    return f"{minor / 100:,.2f}"
