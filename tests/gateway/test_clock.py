"""The simulated clock runs what it should, in order, and nothing early."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.clock import STEP_S, Clock, SimulatedClock, SystemClock


async def test_timers_run_in_the_order_of_their_instants() -> None:
    """Whatever order they were set in; those of one instant as they were set."""
    clock = SimulatedClock(1_000)
    seen: list[tuple[int, str]] = []
    for when, name in ((5_000, "c"), (2_000, "a"), (5_000, "d"), (3_000, "b"), (9_000, "late")):
        clock.call_at(when, lambda name=name: seen.append((clock.now(), name)))  # type: ignore[misc]
    await clock.advance_to(6_000)
    assert seen == [(2_000, "a"), (3_000, "b"), (5_000, "c"), (5_000, "d")]
    assert clock.now() == 6_000
    assert clock.next == 9_000


async def test_a_sleeper_that_sleeps_again_is_woken_in_the_same_advance() -> None:
    """A loop of sleeps sees each of its instants, though one advance covers them all."""
    clock = SimulatedClock()
    seen: list[int] = []

    async def ticks() -> None:
        for _ in range(4):
            await clock.sleep(60)
            seen.append(clock.now())

    task = asyncio.ensure_future(ticks())
    await clock.advance(300)
    assert seen == [60_000, 120_000, 180_000, 240_000]
    assert task.done()


async def test_time_waits_for_chains_of_tasks() -> None:
    """What a timer sets off through several tasks is done before the next timer."""
    clock = SimulatedClock()
    seen: list[str] = []

    async def relay(depth: int) -> None:
        if depth:
            await asyncio.ensure_future(relay(depth - 1))
        else:
            seen.append(f"relayed at {clock.now()}")

    async def first() -> None:
        await clock.sleep(1)
        await relay(50)

    clock.call_at(2_000, lambda: seen.append("second"))
    task = asyncio.ensure_future(first())
    await clock.advance(3)
    assert seen == ["relayed at 1000", "second"]
    await task


async def test_time_waits_for_work_in_threads() -> None:
    """While a watched counter is above zero the clock stands."""
    clock = SimulatedClock()
    under_way = 0
    seen: list[int] = []
    tasks: list[asyncio.Task[None]] = []
    clock.watch(lambda: under_way)

    async def slow() -> None:
        nonlocal under_way
        under_way += 1
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.02)
        under_way -= 1
        seen.append(clock.now())

    clock.call_at(1_000, lambda: tasks.append(asyncio.ensure_future(slow())))
    clock.call_at(2_000, lambda: seen.append(clock.now()))
    await clock.advance(5)
    assert seen == [1_000, 2_000]


async def test_a_coroutine_timer_runs_to_its_end_first() -> None:
    """An asynchronous callback is awaited, and what it raises comes out of the advance."""
    clock = SimulatedClock()

    async def fails() -> None:
        await asyncio.sleep(0)
        raise LookupError("the timer's own")

    clock.call_at(10, fails)
    with pytest.raises(LookupError, match="own"):
        await clock.advance_to(20)


async def test_a_cancelled_timer_does_not_run() -> None:
    """Neither when cancelled before its instant nor by another timer of that instant."""
    clock = SimulatedClock()
    seen: list[str] = []
    second = clock.call_at(10, lambda: seen.append("second"))
    third = clock.call_at(10, lambda: seen.append("third"))
    second.cancel()
    clock.call_at(5, third.cancel)
    await clock.advance_to(20)
    assert seen == []


async def test_a_past_timer_runs_at_the_next_advance() -> None:
    """Its instant is now, not the past: time never runs backwards."""
    clock = SimulatedClock(1_000)
    seen: list[int] = []
    clock.call_at(10, lambda: seen.append(clock.now()))
    await clock.advance_to(1_000)
    assert seen == [1_000]
    with pytest.raises(ValueError, match="cannot go back"):
        await clock.advance_to(999)


async def test_a_cancelled_sleeper_leaves_no_timer() -> None:
    """The heap does not fill with those who gave up."""
    clock = SimulatedClock()
    task = asyncio.ensure_future(clock.sleep(60))
    await asyncio.sleep(0)
    assert clock.next == 60_000
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.next is None


@pytest.mark.parametrize("make", [SystemClock, SimulatedClock])
async def test_both_clocks_run_both_kinds_of_callback(make: type[SystemClock | SimulatedClock]) -> None:
    """Plain functions and coroutine functions, on the machine's clock too."""
    clock: Clock = make()
    done = asyncio.Event()
    seen: list[str] = []

    async def later() -> None:
        await asyncio.sleep(0)
        seen.append("coroutine")
        done.set()

    clock.call_at(clock.now(), lambda: seen.append("function"))
    clock.call_at(clock.now() + 2, later)
    clock.call_at(clock.now(), lambda: seen.append("cancelled")).cancel()
    if isinstance(clock, SimulatedClock):
        await clock.advance(1)
    await asyncio.wait_for(done.wait(), 10)
    assert seen == ["function", "coroutine"]
    await clock.sleep(-1)


async def test_a_failing_timer_on_the_machines_clock_is_reported() -> None:
    """What a coroutine raises reaches the loop's exception handler instead of vanishing."""
    heard = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: heard.set_result(context["exception"])
    )

    async def fails() -> None:
        raise LookupError("lost")

    clock = SystemClock()
    clock.call_at(clock.now(), fails)
    assert isinstance(await asyncio.wait_for(heard, 10), LookupError)


class Machine:
    """A computer: what its clock shows, and how long it has run; both in nanoseconds."""

    def __init__(self) -> None:
        self.shown = 1_767_225_600 * _SECOND
        self.uptime = 5 * _SECOND
        self.clock = SystemClock(lambda: self.shown, lambda: self.uptime)

    def run(self, seconds: int) -> None:
        """Let time pass."""
        self.shown += seconds * _SECOND
        self.uptime += seconds * _SECOND


_SECOND = 1_000_000_000


@pytest.mark.parametrize("step", [STEP_S - 1, 1 - STEP_S])
def test_a_clock_that_is_put_right_a_little_is_followed(step: int) -> None:
    """As NTP does; however often, once an hour."""
    machine = Machine()
    for _ in range(100):
        machine.run(3_600)
        machine.shown += step * _SECOND
        assert machine.clock.now() == machine.shown // 1_000_000
        assert machine.clock.ahead() == 0


@pytest.mark.parametrize("step", [STEP_S - 1, 1 - STEP_S])
def test_many_small_steps_are_a_large_one(step: int) -> None:
    """Who moves the computer's clock a little each half minute gains no more than one step in an hour; what
    is left is followed when the hour is over."""
    machine = Machine()
    before = machine.clock.now()
    for _ in range(100):
        machine.shown += step * _SECOND
        machine.run(30)
        machine.clock.now()
    gained = machine.clock.now() - before - 3_000_000
    assert 0 < gained * (1 if step > 0 else -1) <= 2 * STEP_S * 1_000
    assert machine.clock.ahead() == 100 * step * 1_000 - gained
    machine = Machine()
    for _ in range(2):
        machine.shown += step * _SECOND
        machine.run(1)
        machine.clock.now()
    assert machine.clock.ahead() == step * 1_000
    machine.run(3_600)
    assert machine.clock.ahead() == 0
    assert machine.clock.now() == machine.shown // 1_000_000


def test_what_is_read_a_moment_late_is_no_step() -> None:
    """The two clocks are not read at one instant: what that adds, it takes again."""
    machine = Machine()
    for _ in range(50_000):
        machine.shown += _SECOND // 50
        assert machine.clock.ahead() == 0
        machine.shown -= _SECOND // 50
        assert machine.clock.ahead() == 0


@pytest.mark.parametrize("step", [3_600, -3_600, STEP_S, -STEP_S])
def test_a_clock_that_jumps_is_not_followed(step: int) -> None:
    """Time goes on as it did, and it is said by how much the computer's differs, until that is put right."""
    machine = Machine()
    before = machine.clock.now()
    machine.shown += step * _SECOND
    machine.run(30)
    assert machine.clock.now() == before + 30_000
    assert machine.clock.ahead() == step * 1_000
    machine.shown -= step * _SECOND
    machine.run(30)
    assert machine.clock.now() == before + 60_000 == machine.shown // 1_000_000
    assert machine.clock.ahead() == 0


def test_a_jump_can_be_followed_after_all() -> None:
    """Then it is the time, and nothing differs."""
    machine = Machine()
    machine.shown += 3_600 * _SECOND
    assert machine.clock.ahead() == 3_600_000
    machine.clock.follow()
    assert machine.clock.now() == machine.shown // 1_000_000
    assert machine.clock.ahead() == 0
