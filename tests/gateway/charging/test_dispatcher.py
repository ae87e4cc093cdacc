"""Commands follow plans: in time, stored first, and never for a session that is ending."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest

from chaincode.signing.command import CommandKind
from gateway.charging.dispatcher import Client, Dispatcher
from gateway.charging.fcfs import FirstComeFirstServed
from gateway.charging.grants import Grants
from gateway.charging.reason import Code, Why
from gateway.charging.scheduler import Connection, Grant, Outlook, Request
from gateway.clock import SimulatedClock
from gateway.store.database import Database
from gateway.store.errors import Full

NOW = 1_000
GROUP = "garage"


@dataclass
class Session:
    """A session that wants 10 A at its unit until somebody ends it."""

    id: str
    unit: int
    running: bool = True
    dark: bool = False
    until: int = 10**9
    grant: Grant | None = None
    granted_at: int | None = None
    why: Why = field(default_factory=lambda: Why(Code.QUEUED))
    outlook: Outlook | None = None

    def request(self, now: int) -> Request | None:
        """What it wants."""
        if not self.running:
            return None
        return Request(
            session=self.id,
            unit=self.unit,
            group=GROUP,
            arrival=self.unit,
            deadline=10**9,
            asked=10**9,
            connection=Connection(2_300, 1),
            least=10_000,
            most=10_000,
        )

    def power_until(self, now: int, current: int) -> int:
        """What its escrow allows."""
        return self.until

    def full_grant(self) -> int:
        """Four minutes."""
        return 240


class House:
    """A group of units, and the commands that went out."""

    def __init__(self, database: Database) -> None:
        self.clock = SimulatedClock(NOW * 1_000)
        self.clock.watch(lambda: database.pending)
        self.sessions: dict[str, Session] = {}
        self.sent: list[tuple[int, CommandKind, int]] = []
        self.most = 4_600
        self.changed: list[str] = []
        self.grants = Grants(database, self.clock)
        self.dispatcher = Dispatcher(
            scheduler=FirstComeFirstServed(),
            floor=self,
            grants=self.grants,
            commands=self,
            clock=self.clock,
            on_change=self.changed.append,
            may_be_on=lambda _: False,
        )

    def candidates(self, group: str) -> Iterable[Client]:
        """Everybody."""
        return list(self.sessions.values())

    def limit(self, group: str) -> int:
        """W."""
        return self.most

    def client(self, session: str) -> Client | None:
        """A session by its id."""
        return self.sessions.get(session)

    def send(self, unit: int, kind: CommandKind, session: bytes, grant: int = 0, current: int = 0) -> None:
        """Note a command."""
        self.sent.append((unit, kind, grant))

    def obeyed(self, unit: int) -> bool:
        """Always: units here do at once what they are told."""
        return True

    async def come(self, unit: int) -> Session:
        """A session is opened."""
        session = Session(f"{unit:02x}" * 32, unit)
        self.sessions[session.id] = session
        await self.plan()
        return session

    async def plan(self) -> None:
        """Plan, and let the commands go out."""
        self.dispatcher.plan(GROUP)
        await self.clock.settle()

    def take(self) -> Iterator[tuple[int, CommandKind, int]]:
        """The commands since the last time."""
        sent, self.sent = self.sent, []
        return iter(sent)


@pytest.fixture
def house(database: Database) -> House:
    """A supply for two."""
    return House(database)


async def test_power_goes_to_who_comes_and_the_third_is_told_to_wait(house: House) -> None:
    """Each is told once, and whoever watches learns of it."""
    sessions = [await house.come(unit) for unit in (1, 2, 3)]
    assert list(house.take()) == [(1, CommandKind.ON, 240), (2, CommandKind.ON, 240)]
    assert [each.why.code for each in sessions] == [Code.CHARGING, Code.CHARGING, Code.QUEUED]
    assert house.changed == [sessions[0].id, sessions[1].id, sessions[2].id]


async def test_a_grant_is_renewed_when_half_of_it_is_over(house: House) -> None:
    """On the unit's batches, not before, and at once where the last batch showed an open relay."""
    session = await house.come(1)
    list(house.take())
    await house.clock.advance(60)
    house.dispatcher.renew(session)
    assert list(house.take()) == []
    await house.clock.advance(60)
    house.dispatcher.renew(session)
    assert list(house.take()) == [(1, CommandKind.ON, 240)]
    session.dark = True
    house.dispatcher.renew(session)
    assert list(house.take()) == [(1, CommandKind.ON, 240)]


async def test_a_batch_brings_the_outlook_up_to_date(house: House) -> None:
    """A session that has taken nothing for a minute is done a minute later."""
    session = await house.come(1)
    planned = session.outlook
    await house.clock.advance(60)
    house.dispatcher.renew(session)
    assert planned is not None
    assert session.outlook == Outlook(planned.begins + 60, planned.done + 60)


async def test_a_grant_ends_where_the_money_does(house: House) -> None:
    """Shorter than a full one, and none at all where nothing is left."""
    session = Session("aa" * 32, 1, until=NOW + 33)
    house.sessions[session.id] = session
    await house.plan()
    assert list(house.take()) == [(1, CommandKind.ON, 33)]
    await house.clock.advance(33)
    house.dispatcher.renew(session)
    assert list(house.take()) == []


async def test_who_waits_begins_when_the_relay_before_is_open(house: House) -> None:
    """The last batch frees the power at once."""
    first, _, third = [await house.come(unit) for unit in (1, 2, 3)]
    list(house.take())
    house.dispatcher.end(first, 1)
    first.running = False
    await house.plan()
    assert list(house.take()) == [(1, CommandKind.END, 0)]
    assert third.why.code is Code.CLEARING
    house.dispatcher.released(1, GROUP)
    await house.clock.settle()
    assert list(house.take()) == [(3, CommandKind.ON, 240)]


async def test_who_waits_begins_when_a_silent_units_grant_has_run_out(house: House) -> None:
    """Without any message: the clock says so."""
    first, _, third = [await house.come(unit) for unit in (1, 2, 3)]
    list(house.take())
    del house.sessions[first.id]
    await house.plan()
    await house.clock.advance(240 + 119)
    assert third.why.code is Code.CLEARING
    house.dispatcher.renew(house.sessions["02" * 32])
    await house.clock.advance(1)
    assert (3, CommandKind.ON, 240) in list(house.take())


async def test_a_paused_unit_frees_its_power_when_it_shows_an_open_relay(house: House) -> None:
    """OFF by itself proves nothing; a batch made after it does."""
    _, second = [await house.come(unit) for unit in (1, 2)]
    list(house.take())
    house.most = 2_300
    await house.plan()
    assert list(house.take()) == [(2, CommandKind.OFF, 0)]
    assert house.grants.of(2) is not None
    house.dispatcher.opened(second, 2, GROUP, NOW - 1)
    assert house.grants.of(2) is not None
    house.dispatcher.opened(second, 2, GROUP, NOW + 1)
    assert house.grants.of(2) is None


async def test_no_power_is_given_that_is_not_on_record(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the disk full nothing goes out; when there is room again, it does."""
    save = house.grants.save
    full = True

    async def failing() -> None:
        if full:
            raise Full("the disk is full")
        await save()

    monkeypatch.setattr(house.grants, "save", failing)
    await house.come(1)
    assert list(house.take()) == []
    full = False
    await house.clock.advance(2)
    assert list(house.take()) == [(1, CommandKind.ON, 240)]


async def test_a_session_that_ends_while_its_grant_is_stored_is_not_switched_on(house: House) -> None:
    """END went out meanwhile: an ON after it would begin the session anew."""
    session = Session("aa" * 32, 1)
    house.sessions[session.id] = session
    save = house.grants.save

    async def interrupted() -> None:
        await save()
        session.running = False
        house.dispatcher.end(session, 1)

    house.grants.save = interrupted  # type: ignore[method-assign]
    await house.plan()
    assert list(house.take()) == [(1, CommandKind.END, 0)]
