"""A clock that was set: the operator is told, and its time is taken where nothing can be harmed by that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from chaincode.session import Session
from gateway import app, membership, timekeeping
from gateway.app import Gateway
from gateway.clock import Clock, SystemClock
from gateway.membership import Membership
from gateway.monitor.alarm import Alarms
from gateway.monitor.anomaly import Anomaly, Kind
from gateway.settings import Settings
from gateway.timekeeping import QUIET_S, Timekeeper
from gateway.transaction.steps import Steps
from tests.gateway import house as homes
from tests.gateway.garage import Car
from tests.gateway.test_clock import Machine
from tests.gateway.transaction.test_wallet_routes import funded, furnished, heard

__all__ = ["furnished"]

HOUR = 3_600
WAITS = 120
"""Seconds after which a test gives up: far more than it takes."""
_SECOND = 1_000_000_000


@dataclass
class Board:
    """Alarms that last, as an operator sees them."""

    lasting: dict[Kind, Anomaly] = field(default_factory=dict)
    noted: list[str] = field(default_factory=list)

    def raise_(self, anomaly: Anomaly, unit: int | None) -> None:
        """See `Alarms.raise_`."""
        self.lasting.setdefault(anomaly.kind, anomaly)

    def note(self, anomaly: Anomaly, unit: int | None) -> None:
        """See `Alarms.note`."""
        self.noted.append(anomaly.text)

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
    shifts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.timekeeper = self.keeper()

    def keeper(self, *, shared: bool = False) -> Timekeeper:
        """As a gateway that is started has one."""
        return Timekeeper(
            self.machine.clock,
            self,
            cast(Alarms, self.board),
            lambda: self.machine.uptime / _SECOND,
            shared=shared,
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
        assert ("Started again" in house.told) == (step > 0)
        house.set(-step)
        assert house.told == "" and house.shifts == []


def test_the_operator_reads_what_is_so_now() -> None:
    """The clock is set again, or an alarm of before a restart still lasts: the sentence is the latest."""
    house = House()
    house.board.raise_(Anomaly(Kind.CLOCK, "of before the restart"), None)
    house.set(HOUR)
    assert "3,600 s ahead" in house.told
    house.set(-3 * HOUR)
    assert "7,200 s back" in house.told
    house.timekeeper = house.keeper()
    house.timekeeper.begin(house.machine.clock.now() // 1_000 + HOUR)
    house.run(1)
    assert "behind what the gateway wrote down" in house.told


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
    assert "3,600 s back: the gateway goes by it from now on" in house.board.noted[-1]
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
    house.timekeeper.begin(before)
    house.run(10)
    assert house.machine.clock.now() == 1_000 * (before + 10)
    assert "behind what the gateway wrote down" in house.told
    house.set(HOUR + 500)
    assert house.shifts == [500] and house.told == ""
    assert house.machine.clock.now() == house.machine.shown // 1_000_000


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_on_a_ledger_that_others_share_the_computers_time_is_taken_at_once(step: int) -> None:
    """Though cars charge, as peers would refuse everything until then; at a start too."""
    house = House()
    house.timekeeper = house.keeper(shared=True)
    house.timekeeper.begin(house.machine.shown // _SECOND + HOUR)
    assert house.machine.clock.now() == house.machine.shown // 1_000_000
    house.set(step)
    house.run(5)
    assert house.machine.clock.now() == house.machine.shown // 1_000_000
    assert house.shifts == [step] and house.told == ""
    assert len(house.board.noted) == 1 and "the gateway follows" in house.board.noted[0]


async def test_a_look_that_fails_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one does what was due."""
    monkeypatch.setattr(timekeeping, "_LOOK_S", 0)
    house, failures = House(), iter([LookupError("once")])
    looked, clear = asyncio.Event(), house.board.clear

    def failing(kinds: Iterable[Kind], unit: int | None) -> None:
        for error in failures:
            raise error
        clear(kinds, unit)
        looked.set()

    monkeypatch.setattr(house.board, "clear", failing)
    house.timekeeper.start()
    await asyncio.wait_for(looked.wait(), WAITS)
    await house.timekeeper.close()


@pytest.mark.slow
async def test_a_gateway_on_a_shared_ledger_follows_while_cars_charge(
    furnished: homes.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole gateway, its ledger kept by others: an hour ahead, and the session goes on."""
    resident = await funded(furnished)
    assert (await resident.submit(resident.open_intent())).status_code == 201
    await furnished.gateway.close()

    async def join(settings: Settings, clock: Clock) -> Membership:
        return replace(await membership.join(settings, clock), shared=True)

    monkeypatch.setattr(app, "join", join)
    computer = [furnished.clock.now() * 1_000_000 - time.monotonic_ns()]
    clock = SystemClock(lambda: computer[0] + time.monotonic_ns())
    settings = furnished.gateway.settings
    async with asyncio.timeout(WAITS), await Gateway.open(settings, clock, homes.CHEAP) as gateway:
        await gateway.start()
        computer[0] += HOUR * _SECOND
        while clock.ahead():  # noqa: ASYNC110 - nobody is told of the time
            await asyncio.sleep(0.05)
        assert not gateway.operation.idle
        # The grant of before the start is shifted too.
        (live,) = gateway.operation.monitor.floor
        assert live.grant is not None and live.grant.until > clock.now() // 1_000


def test_a_restart_in_time_changes_nothing() -> None:
    """What was written down before is in the past."""
    house = House()
    house.timekeeper.begin(house.machine.shown // _SECOND - 5)
    house.run(10)
    assert house.shifts == [] and house.told == ""


@pytest.mark.slow
async def test_what_was_charged_is_paid_after_a_start_in_the_past(
    furnished: homes.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cars that were done and not settled when the gateway was killed, before its computer lost the time:
    each session is settled at once, to the milliwatt-hour, and the operator is told."""
    with monkeypatch.context() as killed:
        killed.setattr(Steps, "settle", _never)
        taken = await _charged(furnished)
        await furnished.gateway.close()
    end = furnished.clock.now() * 1_000_000 - time.monotonic_ns()
    clock = SystemClock(lambda: end - HOUR * _SECOND + time.monotonic_ns())
    settings = furnished.gateway.settings
    async with asyncio.timeout(WAITS), await Gateway.open(settings, clock, homes.CHEAP) as gateway:
        await gateway.start()
        while gateway.operation.sessions_under_way():  # noqa: ASYNC110 - the ledger's word, not this loop's
            await asyncio.sleep(0.05)
        found = {}
        for session in taken:
            record = Session.decode(await gateway.submitter.evaluate("audit.session", [session.encode()]))
            assert record.settlement is not None
            found[session] = record.settlement.energy
        assert found == taken
        await gateway.operation.alarms.close()
        # Nothing else: the ledger did not have to refuse anything first.
        (alarm,) = await gateway.operation.alarms.page()
        assert "behind what the gateway wrote down" in alarm.text


async def _charged(house: homes.House) -> dict[str, int]:
    """What two cars took until they were full, mWh, by session."""
    for number in (8, 9):
        await heard(house, number, Car(need=100_000 * number))
        resident = await funded(house, f"resident {number}")
        opened = await resident.submit(resident.open_intent(unit=number))
        assert opened.status_code == 201, opened.text
    await house.clock.advance(1_800)
    taken = {}
    for live in house.gateway.operation.monitor.floor:
        assert live.ended is not None
        taken[live.id] = live.account.energy
    assert sorted(taken.values()) == [800_000, 900_000]
    return taken


async def _never(*_: object) -> Session:
    """The ledger does not answer any more."""
    await asyncio.Event().wait()
    raise AssertionError
