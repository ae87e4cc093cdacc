"""Whose turn it is at a unit."""

from __future__ import annotations

import pytest

from gateway.clock import SimulatedClock
from gateway.monitor.floor import Floor
from gateway.monitor.session import LiveSession
from gateway.monitor.unit import UnitFacts
from tests.gateway.monitor.test_account import START, record, tariff
from tests.gateway.monitor.test_session import ENROLLED, FACTS, PATIENCE


class Fleet:
    """One unit."""

    def unit(self, number: int) -> UnitFacts | None:
        """See `Fleet`."""
        return FACTS

    def limit(self, group: str) -> int:
        """See `Fleet`."""
        return 10_000


@pytest.fixture
def floor() -> Floor:
    """Nobody is there yet."""
    return Floor(Fleet(), SimulatedClock(START * 1_000), lambda unit: False)


def live(identity: str) -> LiveSession:
    """A session that was opened at `START`."""
    return LiveSession(record(id=identity), tariff(), ENROLLED, FACTS, PATIENCE)


def test_who_was_told_to_begin_keeps_the_turn(floor: Floor) -> None:
    """Another that was opened in the same second is not put before it, whatever its id."""
    first, second = live("ff" * 32), live("00" * 32)
    floor.add(first)
    first.granted_at = START
    floor.add(second)
    assert floor.first_at(7) is first
    assert [each.id for each in floor.at(7)] == [first.id, second.id]


async def test_a_jump_of_the_clock_silences_nobody() -> None:
    """A unit that was heard of a moment ago still was."""
    clock = SimulatedClock(START * 1_000)
    floor = Floor(Fleet(), clock, lambda unit: False)
    floor.hear(7)
    await clock.advance(3_600)
    assert not floor.heard(7)
    floor.shift(3_600)
    assert floor.heard(7) and floor.last_heard(7) == START + 3_600
