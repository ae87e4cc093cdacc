"""A clock that was set: the operator is told, and its time is taken where nothing can be harmed by that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from gateway.monitor.alarm import Alarms
from gateway.monitor.anomaly import Anomaly, Kind
from gateway.timekeeping import QUIET_S, Timekeeper
from tests.gateway.test_clock import Machine

HOUR = 3_600
_SECOND = 1_000_000_000


@dataclass
class Board:
    """Alarms that last, as an operator sees them."""

    lasting: dict[Kind, Anomaly] = field(default_factory=dict)

    def raise_(self, anomaly: Anomaly, unit: int | None) -> None:
        """See `Alarms.raise_`."""
        self.lasting.setdefault(anomaly.kind, anomaly)

    def clear(self, kinds: Iterable[Kind], unit: int | None) -> None:
        """See `Alarms.clear`."""
        for kind in kinds:
            self.lasting.pop(kind, None)


@dataclass
class House:
    """A gateway's affairs, and a timekeeper that looks each second."""

    machine: Machine = field(default_factory=Machine)
    board: Board = field(default_factory=Board)
    idle: bool = False
    newest: int = 0
    shifts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.timekeeper = Timekeeper(
            self.machine.clock, self, cast(Alarms, self.board), lambda: self.machine.uptime / _SECOND
        )

    def shift(self, seconds: int) -> None:
        """See `Affairs.shift`."""
        self.shifts.append(seconds)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds)):
            self.machine.run(1)
            self.timekeeper.look()

    def set(self, seconds: int) -> None:
        """Somebody sets the computer's clock."""
        self.machine.shown += seconds * _SECOND
        self.run(1)

    @property
    def told(self) -> str:
        """What the operator reads of the clock, nothing where it is right."""
        anomaly = self.board.lasting.get(Kind.CLOCK)
        return "" if anomaly is None else anomaly.text


def test_while_cars_charge_the_time_goes_on_as_it_was() -> None:
    """However long, in both directions; the operator is told, until the clock is right again."""
    for step, words in ((HOUR, "3,600 s ahead"), (-HOUR, "3,600 s back")):
        house = House()
        house.set(step)
        house.run(10 * HOUR)
        assert house.machine.clock.ahead() == 1_000 * step
        assert words in house.told
        house.set(-step)
        assert house.told == "" and house.shifts == []


def test_once_nobody_charges_the_computers_time_is_taken() -> None:
    """After a minute in which no session began, and all that lasts is told by how much the time was set."""
    house = House()
    house.set(-HOUR)
    house.run(100)
    house.idle = True
    house.run(QUIET_S - 2)
    house.idle = False
    house.run(1)
    house.idle = True
    house.run(QUIET_S - 1)
    assert house.shifts == [] and house.told
    house.run(2)
    assert house.shifts == [-HOUR] and house.told == ""
    assert house.machine.clock.now() == house.machine.shown // 1_000_000


def test_a_clock_that_is_set_back_within_the_minute_changed_nothing() -> None:
    """A mistake in an empty garage."""
    house = House(idle=True)
    house.set(HOUR)
    house.run(QUIET_S - 5)
    assert house.told
    house.set(-HOUR)
    house.run(QUIET_S * 2)
    assert house.shifts == [] and house.told == ""


def test_a_computer_that_starts_in_the_past_goes_on_where_it_was() -> None:
    """After a power cut, before the network's time came. The operator is told, and the time that comes is
    taken though cars charge."""
    house = House()
    before = house.machine.shown // _SECOND + HOUR
    house.newest = before
    house.timekeeper.begin()
    assert house.shifts == [HOUR]
    house.run(10)
    assert house.machine.clock.now() == 1_000 * (before + 10)
    assert "behind what the gateway wrote down" in house.told
    house.set(HOUR + 500)
    assert house.shifts == [HOUR, 500] and house.told == ""
    assert house.machine.clock.now() == house.machine.shown // 1_000_000


def test_a_restart_in_time_changes_nothing() -> None:
    """What was written down before is in the past."""
    house = House()
    house.newest = house.machine.shown // _SECOND - 5
    house.timekeeper.begin()
    house.run(10)
    assert house.shifts == [] and house.told == ""
