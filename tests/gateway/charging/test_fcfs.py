"""First come, first served: the limit holds, nobody is overtaken, nothing usable is left over."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.charging.fcfs import FirstComeFirstServed
from gateway.charging.reason import Code
from gateway.charging.scheduler import LEAST_CURRENT, Connection, Decision, Grant, Outlook, Request, Supply

SOCKET = Connection(voltage=2_300, phases=1)
SCHEDULER = FirstComeFirstServed()
GROUP = "garage"


def request(
    name: str,
    *,
    unit: int,
    arrival: int,
    most: int = 10_000,
    least: int | None = None,
    asked: int = 11_500_000,
) -> Request:
    """A session at a switch-only unit of 230 V, unless `least` makes the unit adjustable."""
    return Request(
        session=name,
        unit=unit,
        group=GROUP,
        arrival=arrival,
        deadline=100_000,
        asked=asked,
        connection=SOCKET,
        least=most if least is None else least,
        most=most,
    )


def grant(name: str, unit: int, current: int, until: int) -> Grant:
    """A grant that the unit may still act on."""
    return Grant(unit, GROUP, name, current, SOCKET.load(current), until)


def by_session(decisions: list[Decision]) -> dict[str, Decision]:
    """The decisions by their session."""
    return {decision.session: decision for decision in decisions}


def test_two_of_three_leafs_charge_and_the_third_waits_as_in_the_case_study() -> None:
    """Paper section 5: two cars at full power at the same time, the third queued until one is done."""
    leafs = [request(name, unit=i, arrival=i) for i, name in enumerate("abc")]
    plan = by_session(SCHEDULER.plan(100, [Supply(GROUP, 4_600)], leafs, []))
    assert [plan[name].current for name in "abc"] == [10_000, 10_000, 0]
    assert plan["c"].why.code is Code.QUEUED
    assert (plan["c"].why.position, plan["c"].why.wait) == (1, 18_000)  # 11.5 kWh at 2.3 kW
    assert plan["c"].why.text == "first in the queue, about 5 hours"


def test_the_next_in_the_queue_starts_when_one_is_done() -> None:
    """The grant of a session that has ended is gone, so its power goes to the first that waits."""
    waiting = [
        request("b", unit=1, arrival=1),
        request("d", unit=3, arrival=3),
        request("c", unit=2, arrival=2),
    ]
    plan = by_session(SCHEDULER.plan(9, [Supply(GROUP, 4_600)], waiting, [grant("b", 1, 10_000, 60)]))
    assert [plan[name].current for name in "bcd"] == [10_000, 10_000, 0]


def test_power_that_an_unheard_unit_may_still_draw_is_not_given_away() -> None:
    """A grant without a session counts until it has expired, and the one that waits is told so."""
    supply = [Supply(GROUP, 4_600)]
    waiting = [request("b", unit=1, arrival=1), request("c", unit=2, arrival=2)]
    held = [grant("gone", 0, 10_000, 160), grant("b", 1, 10_000, 300)]
    plan = by_session(SCHEDULER.plan(100, supply, waiting, held))
    assert (plan["b"].current, plan["c"].current) == (10_000, 0)
    assert (plan["c"].why.code, plan["c"].why.wait) == (Code.CLEARING, 60)
    plan = by_session(SCHEDULER.plan(160, supply, waiting, held[1:]))
    assert plan["c"].current == 10_000


def test_who_charges_and_who_waits_are_told_when_they_will_be_done() -> None:
    """Each of the queue begins where one before it is done, and takes as long as its own energy does."""
    queue = [request(name, unit=i, arrival=i) for i, name in enumerate("abc")]
    queue[2] = replace(queue[2], asked=4_600_000, delivered=2_300_000)
    plan = by_session(SCHEDULER.plan(100, [Supply(GROUP, 4_600)], queue, []))
    # 11.5 kWh at 2.3 kW are 18,000 s; the 2.3 kWh that the third still lacks are 3,600 s.
    assert plan["a"].outlook == plan["b"].outlook == Outlook(100, 18_100)
    assert plan["c"].outlook == Outlook(18_100, 21_700)


def test_nothing_is_expected_of_a_full_vehicle_and_nothing_after_the_deadline() -> None:
    """A full car has no finish to wait for; a slow one is cut off where its time ends."""
    full = replace(request("full", unit=0, arrival=0), full=True)
    short = replace(request("short", unit=1, arrival=1), deadline=700)
    plan = by_session(SCHEDULER.plan(100, [Supply(GROUP, 4_600)], [full, short], []))
    assert plan["full"].outlook is None
    assert plan["short"].outlook == Outlook(100, 700)


def test_nothing_is_promised_to_who_would_begin_after_the_deadline() -> None:
    """The one before is done at 18,100: whose time is up by then waits in vain, the next one does not."""
    queue = [request(name, unit=i, arrival=i) for i, name in enumerate("abc")]
    for deadline in (18_000, 18_100):
        queue[1] = replace(queue[1], deadline=deadline)
        plan = by_session(SCHEDULER.plan(100, [Supply(GROUP, 2_300)], queue, []))
        assert plan["b"].why.code is Code.QUEUED
        assert plan["b"].outlook is None
        assert plan["c"].outlook == Outlook(18_100, 36_100)


def test_who_waits_for_a_grant_to_run_out_is_expected_from_then_on() -> None:
    """The first in the queue begins when the silent unit can no longer draw."""
    held = [grant("gone", 0, 10_000, 160)]
    plan = by_session(SCHEDULER.plan(100, [Supply(GROUP, 2_300)], [request("b", unit=1, arrival=1)], held))
    assert plan["b"].outlook == Outlook(160, 18_160)


def test_what_is_left_over_goes_to_the_next_that_can_use_it() -> None:
    """An adjustable unit takes what is left from 6 A up, in whole tenths of an ampere."""
    queue = [request("a", unit=0, arrival=0, most=16_000, least=LEAST_CURRENT)]
    queue.append(request("b", unit=1, arrival=1, most=16_000, least=LEAST_CURRENT))
    plan = by_session(SCHEDULER.plan(0, [Supply(GROUP, 5_771)], queue, []))
    assert [plan[name].current for name in "ab"] == [16_000, 9_000]
    assert plan["b"].why.code is Code.SHARED
    plan = by_session(SCHEDULER.plan(0, [Supply(GROUP, 5_059)], queue, []))
    assert [plan[name].current for name in "ab"] == [16_000, 0]


def test_a_small_load_does_not_overtake_a_large_one() -> None:
    """The first in the queue waits for its 16 A; the second could begin with 6 A and does not."""
    queue = [request("a", unit=0, arrival=0, most=10_000), request("b", unit=1, arrival=1, most=16_000)]
    queue.append(request("c", unit=2, arrival=2, most=16_000, least=LEAST_CURRENT))
    plan = by_session(SCHEDULER.plan(0, [Supply(GROUP, 4_600)], queue, []))
    assert [plan[name].current for name in "abc"] == [10_000, 0, 0]
    assert [plan[name].why.position for name in "bc"] == [1, 2]


def test_a_unit_too_big_for_its_group_is_told_and_blocks_nobody() -> None:
    """A session that can never charge says so with both figures, and the queue goes on behind it."""
    queue = [request("a", unit=0, arrival=0, most=32_000), request("b", unit=1, arrival=1)]
    plan = by_session(SCHEDULER.plan(0, [Supply(GROUP, 4_600)], queue, []))
    assert plan["a"].why.code is Code.NEVER
    assert plan["a"].why.values == {"least": 7_360, "limit": 4_600}
    assert plan["b"].current == 10_000


def test_the_last_to_come_gives_way_when_the_limit_is_lowered() -> None:
    """Those that charge keep their power in the order of their arrival."""
    held = [grant(name, i, 10_000, 60) for i, name in enumerate("ab")]
    queue = [request(name, unit=i, arrival=i) for i, name in enumerate("ab")]
    plan = by_session(SCHEDULER.plan(0, [Supply(GROUP, 2_300)], queue, held))
    assert [plan[name].current for name in "ab"] == [10_000, 0]


def test_a_session_that_charges_is_not_interrupted_by_an_earlier_one_that_comes_back() -> None:
    """A unit that was away queues again in front of the others that wait, but takes nobody's power."""
    queue = [
        request("back", unit=0, arrival=0),
        request("b", unit=1, arrival=1),
        request("c", unit=2, arrival=2),
    ]
    held = [grant("b", 1, 10_000, 60)]
    plan = by_session(SCHEDULER.plan(0, [Supply(GROUP, 2_300)], queue, held))
    assert [plan[name].current for name in ("back", "b", "c")] == [0, 10_000, 0]
    assert [plan[name].why.position for name in ("back", "c")] == [1, 2]


def test_groups_do_not_touch_each_other() -> None:
    """Each group has its own limit."""
    far = Request(
        session="far", unit=9, group="roof", arrival=9, deadline=9_000, asked=1, connection=SOCKET,
        least=10_000, most=10_000,
    )  # fmt: skip
    queue = [request("a", unit=0, arrival=0), request("b", unit=1, arrival=1), far]
    plan = SCHEDULER.plan(0, [Supply("roof", 2_300), Supply(GROUP, 2_300)], queue, [])
    assert [(d.session, d.current) for d in plan] == [("a", 10_000), ("b", 0), ("far", 10_000)]


def test_an_estimate_follows_what_the_vehicle_was_seen_to_take() -> None:
    """A car that takes half of its unit's current is done in twice the time."""
    slow = Request(
        session="a", unit=0, group=GROUP, arrival=0, deadline=100_000, asked=2_300_000, connection=SOCKET,
        least=10_000, most=10_000, draw=5_000,
    )  # fmt: skip
    plan = by_session(SCHEDULER.plan(0, [Supply(GROUP, 2_300)], [slow, request("b", unit=1, arrival=1)], []))
    assert plan["b"].why.wait == 7_200


requests = st.builds(
    lambda unit, arrival, most, adjustable, phases, voltage, asked, delivered: Request(
        session=f"s{unit:02}",
        unit=unit,
        group=GROUP,
        arrival=arrival,
        deadline=50_000,
        asked=asked + delivered,
        delivered=delivered,
        connection=Connection(voltage, phases),
        least=LEAST_CURRENT if adjustable else most,
        most=most,
    ),
    st.integers(0, 30),
    st.integers(0, 40),
    st.integers(60, 320).map(lambda tenths: tenths * 100),
    st.booleans(),
    st.sampled_from((1, 3)),
    st.sampled_from((1_200, 2_080, 2_300, 2_400)),
    st.integers(0, 40_000_000),
    st.integers(0, 40_000_000),
)
queues = st.lists(requests, max_size=12, unique_by=lambda r: r.unit)
limits = st.integers(0, 40_000)


@st.composite
def situations(draw: st.DrawFn) -> tuple[int, list[Request], list[Grant]]:
    """A limit, a queue, and outstanding grants: of sessions in the queue and of ones that are gone."""
    queue = draw(queues)
    grants = []
    for r in queue:
        if draw(st.booleans()):
            current = draw(st.integers(r.least // 100, r.most // 100)) * 100
            name = r.session if draw(st.booleans()) else "gone"
            grants.append(
                Grant(r.unit, GROUP, name, current, r.connection.load(current), draw(st.integers(1, 300)))
            )
    return draw(limits), queue, grants


@given(situations())
def test_the_limit_is_never_exceeded(situation: tuple[int, list[Request], list[Grant]]) -> None:
    """Neither by what is decided, nor by that and what earlier grants still allow."""
    limit, queue, grants = situation
    plan = SCHEDULER.plan(0, [Supply(GROUP, limit)], queue, grants)
    held = {g.unit: g.load for g in grants}
    decided = {d.unit: r.connection.load(d.current) for r, d in zip(queue, plan, strict=True)}
    assert sum(decided.values()) <= limit
    exposed = sum(max(held.get(unit, 0), decided.get(unit, 0)) for unit in held | decided)
    assert exposed <= max(limit, sum(held.values()))


@given(situations())
def test_a_session_gets_a_current_that_its_unit_can_set_or_none(
    situation: tuple[int, list[Request], list[Grant]],
) -> None:
    """Nothing, or from its least to its most."""
    limit, queue, grants = situation
    for r, d in zip(queue, SCHEDULER.plan(0, [Supply(GROUP, limit)], queue, grants), strict=True):
        assert d.current == 0 or r.least <= d.current <= r.most
        assert (d.session, d.unit) == (r.session, r.unit)
        assert d.why.code in (
            (Code.CHARGING, Code.SHARED) if d.current else (Code.QUEUED, Code.CLEARING, Code.NEVER)
        )


@given(situations())
def test_nobody_that_waits_is_overtaken(situation: tuple[int, list[Request], list[Grant]]) -> None:
    """No session begins while one that was opened earlier and could charge there still waits."""
    limit, queue, grants = situation
    plan = by_session(SCHEDULER.plan(0, [Supply(GROUP, limit)], queue, grants))
    charging = {g.session for g in grants}
    fresh = [r for r in queue if r.session not in charging and plan[r.session].why.code is not Code.NEVER]
    fresh.sort(key=lambda r: (r.arrival, r.session))
    served = [plan[r.session].current > 0 for r in fresh]
    assert served == sorted(served, reverse=True)


@given(queues, limits)
def test_nothing_is_left_over_that_the_first_in_the_queue_could_use(queue: list[Request], limit: int) -> None:
    """Work-conserving: with no grants of before, what is left is less than the first waiting one's least."""
    plan = by_session(SCHEDULER.plan(0, [Supply(GROUP, limit)], queue, []))
    used = sum(r.connection.load(plan[r.session].current) for r in queue)
    waiting = [r for r in queue if plan[r.session].why.code is Code.QUEUED]
    if waiting:
        first = min(waiting, key=lambda r: (r.arrival, r.session))
        assert limit - used < first.connection.load(first.least)
    for r in queue:
        if 0 < plan[r.session].current < r.most:
            assert limit - used < r.connection.load(100)


@given(situations(), st.randoms())
def test_equal_situations_give_equal_plans(
    situation: tuple[int, list[Request], list[Grant]], shuffler: object
) -> None:
    """The order in which the sessions are listed does not matter."""
    limit, queue, grants = situation
    mixed = list(queue)
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]
    supply = [Supply(GROUP, limit)]
    assert by_session(SCHEDULER.plan(0, supply, queue, grants)) == by_session(
        SCHEDULER.plan(0, supply, mixed, grants)
    )


@given(queues, limits)
def test_everybody_who_can_charge_here_is_served_in_the_end(queue: list[Request], limit: int) -> None:
    """No starvation: with sessions ending one at a time, each waiting one gets its turn, in order."""
    supply = [Supply(GROUP, limit)]
    remaining = list(queue)
    served: set[str] = set()
    grants: list[Grant] = []
    for now in range(len(queue) + 1):
        plan = by_session(SCHEDULER.plan(now, supply, remaining, grants))
        loads = {r.session: (r, plan[r.session].current) for r in remaining if plan[r.session].current}
        served |= loads.keys()
        grants = [
            Grant(r.unit, GROUP, name, current, r.connection.load(current), now + 300)
            for name, (r, current) in sorted(loads.items())
        ]
        if grants:
            ended = grants.pop(0)
            remaining = [r for r in remaining if r.session != ended.session]
    assert served == {r.session for r in queue if r.connection.load(r.least) <= limit}
