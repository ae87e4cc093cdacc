"""What units say of the firmware that they run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from chaincode.signing.status import UnitStatus
from gateway.firmware.records import REPORT, ROLLOUT
from gateway.metering.directory import EnrolledUnit
from gateway.metering.refusal import RefusalKind, Refused

PATIENCE = 24 * 3_600 * 1_000
"""Milliseconds after which an update that a unit has not made wants somebody's eye."""


class State(StrEnum):
    """How far a unit is with what it is to run."""

    FREE = "free"
    """Nothing was ordered."""
    OFFERED = "offered"
    """It has not reported the version yet."""
    DONE = "done"
    FELL_BACK = "fell-back"
    """It tried, and runs the one before again."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """What a unit is to run."""

    board: str
    version: int
    falls: int
    ordered_at: int
    """Milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Report:
    """A unit's latest status, and what it is to run; versions as in an envelope."""

    unit: int
    board: str
    version: int
    updates: bool
    failed: int
    falls: int
    reported_at: int
    """Milliseconds since 1970."""
    rollout: Rollout | None

    @property
    def state(self) -> State:
        """How far it is."""
        if self.rollout is None:
            return State.FREE
        if self.version >= self.rollout.version:
            return State.DONE
        if self.failed == self.rollout.version and self.falls > self.rollout.falls:
            return State.FELL_BACK
        return State.OFFERED

    def overdue(self, now: int) -> bool:
        """Whether it was told to update `PATIENCE` ago and did not: whoever alters what it fetches on the
        wire keeps it where it is, and the unit itself has nobody to tell."""
        late = self.rollout is not None and now - self.rollout.ordered_at >= PATIENCE
        return late and self.state is State.OFFERED


def reports(connection: Connection, unit: int | None = None) -> list[Report]:
    """Every unit's report by number, or one's."""
    query = select(
        REPORT, ROLLOUT.c.board.label("to_board"), ROLLOUT.c.version.label("to"),
        ROLLOUT.c.falls.label("before"), ROLLOUT.c.ordered_at,
    ).join_from(REPORT, ROLLOUT, REPORT.c.unit == ROLLOUT.c.unit, isouter=True)  # fmt: skip
    if unit is not None:
        query = query.where(REPORT.c.unit == unit)
    return [_report(row) for row in connection.execute(query.order_by(REPORT.c.unit))]


def keep(connection: Connection, unit: EnrolledUnit, status: UnitStatus, now: int) -> None:
    """Store a status above the unit's latest one. Raises Refused."""
    known = connection.execute(select(REPORT).where(REPORT.c.unit == unit.number)).first()
    same = known is not None and known.enrolled_at == unit.enrolled_at
    if known is not None and same and (status.boot, status.number) <= (known.boot, known.number):
        sentence = f"is above {known.number} of start {known.boot}, the last one's"
        raise Refused(RefusalKind.OLD_REQUEST, "status.number", sentence)
    connection.execute(delete(REPORT).where(REPORT.c.unit == unit.number))
    if known is not None and not same:
        # What was ordered for the hardware before says nothing of this one.
        connection.execute(delete(ROLLOUT).where(ROLLOUT.c.unit == unit.number))
    connection.execute(
        insert(REPORT).values(
            unit=unit.number,
            enrolled_at=unit.enrolled_at,
            boot=status.boot,
            number=status.number,
            board=status.board,
            version=status.firmware,
            updates=status.updates,
            failed=status.failed,
            falls=status.falls,
            reported_at=now,
        )
    )


def _report(row: Row[Any]) -> Report:
    rollout = None
    if row.to is not None:
        rollout = Rollout(row.to_board, row.to, row.before, row.ordered_at)
    return Report(
        row.unit, row.board, row.version, row.updates, row.failed, row.falls, row.reported_at, rollout
    )
