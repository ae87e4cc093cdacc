"""What a unit may still be acting on is remembered, on the safe side."""

from __future__ import annotations

from gateway.charging.grants import IN_FLIGHT, Grants
from gateway.clock import SimulatedClock
from gateway.store.database import Database

START = 1_000


def give(grants: Grants, *, session: str = "aa", current: int = 16_000, seconds: int = 240) -> None:
    """An ON for unit 7 at 230 V."""
    grants.give(
        unit=7, group="garage", session=session, current=current, load=current * 230 // 1_000, seconds=seconds
    )


async def test_a_grant_counts_until_it_must_have_expired(database: Database) -> None:
    """Its own time, and the time for which its command may have been under way."""
    clock = SimulatedClock(START * 1_000)
    grants = Grants(database, clock)
    give(grants)
    await clock.advance(240 + IN_FLIGHT - 1)
    assert len(grants.in_group("garage")) == 1
    await clock.advance(1)
    assert grants.in_group("garage") == []


async def test_a_lower_grant_does_not_hide_a_higher_one(database: Database) -> None:
    """The unit may not have heard of the lower one: the greater load counts until that grant has expired."""
    clock = SimulatedClock(START * 1_000)
    grants = Grants(database, clock)
    give(grants, current=16_000, seconds=100)
    await clock.advance(50)
    give(grants, current=6_000, seconds=240)
    held = grants.of(7)
    newest = grants.newest(7)
    assert held is not None
    assert newest is not None
    assert (held.load, held.until) == (3_680, START + 50 + 240 + IN_FLIGHT)
    assert newest.current == 6_000
    await clock.advance(50 + IN_FLIGHT)
    held = grants.of(7)
    assert held is not None
    assert held.load == 1_380


async def test_a_grant_lasts_as_long_though_the_clock_was_set(database: Database) -> None:
    """Else a jump ahead would give away power that a unit still takes."""
    clock = SimulatedClock(START * 1_000)
    grants = Grants(database, clock)
    give(grants)
    await clock.advance(3_600 + 100)
    grants.shift(3_600)
    assert grants.outstanding
    await clock.advance(140 + IN_FLIGHT - 1)
    assert grants.outstanding
    await clock.advance(1)
    assert not grants.outstanding


async def test_after_a_restart_a_grant_counts_as_if_given_just_now(database: Database) -> None:
    """For the longest that any ON of it was."""
    clock = SimulatedClock(START * 1_000)
    grants = Grants(database, clock)
    give(grants, seconds=100)
    give(grants, seconds=240)
    await grants.save()
    await clock.advance(10_000)
    again = Grants(database, clock)
    await again.load()
    held = again.of(7)
    assert held is not None
    assert (held.session, held.load, held.until) == ("aa", 3_680, START + 10_000 + 240 + IN_FLIGHT)


async def test_a_renewal_is_not_written_again(database: Database) -> None:
    """Only a wider grant is; and one that is over is taken away."""
    clock = SimulatedClock(START * 1_000)
    grants = Grants(database, clock)
    give(grants)
    assert grants.unsaved
    await grants.save()
    for _ in range(5):
        await clock.advance(120)
        give(grants)
        assert not grants.unsaved
    give(grants, current=20_000)
    assert grants.unsaved
    grants.drop(7)
    await grants.save()
    again = Grants(database, clock)
    await again.load()
    assert again.of(7) is None
