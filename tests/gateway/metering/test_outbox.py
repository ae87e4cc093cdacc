"""A unit is told until it shows that it heard and obeys; nothing else takes a command back."""

from __future__ import annotations

import asyncio

import pytest

from chaincode.signing.batch import NO_SESSION, Flag
from chaincode.signing.command import CommandKind
from gateway.clock import SimulatedClock
from gateway.metering.counter import RESERVE, CommandCounters
from gateway.metering.service import Metering
from gateway.store.database import Database
from tests.gateway.metering.meter import MEASURING, SESSION, START, Meter, Place

OTHER_SESSION = bytes(range(16, 32))
CHARGING: dict[str, object] = {"session": SESSION, "flags": MEASURING}


async def test_nothing_wanted_is_an_acknowledgement(metering: Metering, meter: Meter) -> None:
    """It names the unit's boot and the highest number stored, and sets the clock."""
    meter.restart()
    meter.send()
    command = meter.read(await metering.exchange(meter.send()))
    assert command.kind is CommandKind.ACKNOWLEDGE
    assert (command.boot, command.acknowledged, command.session) == (2, 2, NO_SESSION)
    assert (command.issued, command.grant, command.current) == (START, 0, 0)


async def test_a_command_is_the_next_answer(metering: Metering, meter: Meter) -> None:
    """With its session, grant and current."""
    await metering.exchange(meter.send())
    metering.outbox.send(7, CommandKind.ON, SESSION, grant=180, current=160)
    command = meter.read(await metering.exchange(meter.send()))
    assert (command.kind, command.session) == (CommandKind.ON, SESSION)
    assert (command.grant, command.current, command.acknowledged) == (180, 160, 2)


async def test_a_lost_answer_is_given_again(metering: Metering, meter: Meter) -> None:
    """A unit that sends a batch again did not hear what acknowledged it."""
    metering.outbox.send(7, CommandKind.ON, SESSION, grant=180)
    message = meter.send()
    counters = []
    for _ in range(3):
        command = meter.read(await metering.exchange(message))
        assert command.kind is CommandKind.ON
        counters.append(command.counter)
    assert counters == sorted(set(counters))


async def test_a_lost_answer_with_a_new_batch_is_given_again(metering: Metering, meter: Meter) -> None:
    """The repeated batch in the body says so, although the newest one shows the relay closed already."""
    first = meter.send(**CHARGING)
    metering.outbox.send(7, CommandKind.ON, SESSION, grant=180)
    assert meter.read(await metering.exchange(first)).kind is CommandKind.ON
    second = meter.send(**CHARGING)
    assert meter.read(await metering.exchange(first + second)).kind is CommandKind.ON
    third = meter.send(**CHARGING)
    assert meter.read(await metering.exchange(third)).kind is CommandKind.ACKNOWLEDGE


@pytest.mark.parametrize(
    ("kind", "disobeys", "obeys"),
    [
        (CommandKind.ON, {"flags": Flag(0)}, {"session": SESSION, "flags": MEASURING}),
        (
            CommandKind.ON,
            {"session": OTHER_SESSION, "flags": MEASURING},
            {"session": SESSION, "flags": MEASURING},
        ),
        (
            CommandKind.OFF,
            {"session": SESSION, "flags": MEASURING},
            {"session": SESSION, "flags": Flag.CONNECTED},
        ),
        (
            CommandKind.END,
            {"session": SESSION, "flags": Flag.CONNECTED},
            {"session": SESSION, "flags": Flag.END},
        ),
        (CommandKind.END, {"session": SESSION, "flags": MEASURING}, {"session": NO_SESSION}),
    ],
)
async def test_a_command_stands_until_it_is_obeyed(
    metering: Metering, meter: Meter, kind: CommandKind, disobeys: dict[str, object], obeys: dict[str, object]
) -> None:
    """A unit that heard it and does something else is told again, until a batch shows that it obeys."""
    await metering.exchange(meter.send())
    metering.outbox.send(7, kind, SESSION, grant=180 if kind is CommandKind.ON else 0)
    for _ in range(3):
        assert meter.read(await metering.exchange(meter.send(time=START, **disobeys))).kind is kind
    assert meter.read(await metering.exchange(meter.send(**obeys))).kind is CommandKind.ACKNOWLEDGE
    assert meter.read(await metering.exchange(meter.send(**disobeys))).kind is CommandKind.ACKNOWLEDGE


async def test_what_a_unit_does_already_is_still_said(metering: Metering, meter: Meter) -> None:
    """A renewal reaches a unit whose relay is closed: its batches from before do not count as an answer."""
    await metering.exchange(meter.send(**CHARGING))
    metering.outbox.send(7, CommandKind.ON, SESSION, grant=180)
    assert meter.read(await metering.exchange(meter.send(**CHARGING))).kind is CommandKind.ON


async def test_the_latest_command_counts(metering: Metering, meter: Meter) -> None:
    """A later wish takes the place of one that was not heard."""
    await metering.exchange(meter.send())
    metering.outbox.send(7, CommandKind.ON, SESSION, grant=180)
    metering.outbox.send(7, CommandKind.END, SESSION)
    assert meter.read(await metering.exchange(meter.send(session=SESSION))).kind is CommandKind.END


async def test_a_late_grant_is_shorter(metering: Metering, clock: SimulatedClock, meter: Meter) -> None:
    """No relay stays closed longer than whoever sent the command knows; what is over is not said at all."""
    first, second, third = meter.send(), meter.send(), meter.send()
    metering.outbox.send(7, CommandKind.ON, SESSION, grant=180)
    await clock.advance(100)
    assert meter.read(await metering.exchange(first)).grant == 80
    await clock.advance(79)
    assert meter.read(await metering.exchange(second)).grant == 1
    await clock.advance(1)
    assert meter.read(await metering.exchange(third)).kind is CommandKind.ACKNOWLEDGE


async def test_a_command_names_the_start_that_the_unit_is_in(metering: Metering, meter: Meter) -> None:
    """After a power cut the same command goes out for the new boot count, though an old batch comes late."""
    late = meter.send()
    await metering.exchange(meter.send())
    metering.outbox.send(7, CommandKind.OFF, SESSION)
    meter.restart()
    for body in (meter.send(**CHARGING), late):
        command = meter.read(await metering.exchange(body))
        assert (command.kind, command.boot) == (CommandKind.OFF, 2)


async def _obey_by_the_clock(metering: Metering, meter: Meter, ahead: int) -> tuple[int, list[CommandKind]]:
    """Let a unit that is `ahead` seconds off, outside a session, send batches until it is right; it believes
    commands as the protocol says. Returns how many it took, and the kinds of those that it believed."""
    believed: list[CommandKind] = []
    for count in range(1, 200):
        clock = metering.clock.now() // 1_000 + ahead
        answer = await metering.exchange(meter.send(time=clock, register=0, flags=Flag(0), samples=()))
        command = meter.read(answer)
        if abs(command.issued - clock) <= 120:
            believed.append(command.kind)
            ahead += command.issued - clock
        if ahead == 0 and CommandKind.ON in believed:
            return count, believed
    raise AssertionError(f"still {ahead} s off")


@pytest.mark.parametrize("ahead", [3_600, -3_600])
async def test_a_unit_an_hour_off_gets_the_time_before_it_gets_power(
    metering: Metering, meter: Meter, ahead: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Step by step, with acknowledgements; the operator is told to look at the clock."""
    metering.outbox.send(meter.number, CommandKind.ON, SESSION, grant=60_000)
    batches, believed = await _obey_by_the_clock(metering, meter, ahead)
    assert believed[-1] is CommandKind.ON and believed.count(CommandKind.ON) == 1
    assert batches > 30
    assert "Check this computer's clock" in caplog.text


async def test_a_unit_an_hour_off_is_ended_in_its_own_time(metering: Metering, meter: Meter) -> None:
    """It is in a session, in which its clock is not set: END is believed at the third asking."""
    metering.outbox.send(meter.number, CommandKind.END, SESSION)
    now = metering.clock.now() // 1_000
    issued = []
    for step in range(4):
        batch = meter.send(time=now - 3_600 + step, session=SESSION, flags=MEASURING, register=step)
        command = meter.read(await metering.exchange(batch))
        assert command.kind is CommandKind.END
        issued.append(command.issued - (now - 3_600 + step))
    assert issued[0] == 3_600 and abs(issued[-1]) <= 120


async def test_a_late_batch_moves_no_clock(metering: Metering, meter: Meter) -> None:
    """What waited an hour in a unit that obeys says nothing of its clock."""
    now = metering.clock.now() // 1_000
    metering.outbox.send(meter.number, CommandKind.OFF, SESSION)
    for hours in (3, 2, 1):
        command = meter.read(await metering.exchange(meter.send(time=now - hours * 3_600, flags=Flag(0))))
        assert command.issued == now


@pytest.mark.parametrize("step", [3_600, -3_600])
async def test_after_a_gateways_clock_was_set_its_units_are_brought_after_it(
    metering: Metering, clock: SimulatedClock, meter: Meter, step: int
) -> None:
    """From the next batch on, though nothing was wanted of them that they could have refused."""
    await metering.exchange(meter.send(register=0, flags=Flag(0)))
    metering.outbox.shift(step)
    metering.outbox.send(meter.number, CommandKind.ON, SESSION, grant=60_000)
    batches, believed = await _obey_by_the_clock(metering, meter, -step)
    assert believed[0] is CommandKind.ACKNOWLEDGE and believed[-1] is CommandKind.ON
    assert batches <= abs(step) // 100 + 2


async def test_a_grant_lasts_as_long_though_the_clock_was_set(
    metering: Metering, clock: SimulatedClock, meter: Meter
) -> None:
    """What is left of it is given, and no more."""
    await metering.exchange(meter.send())
    metering.outbox.send(meter.number, CommandKind.ON, SESSION, grant=180)
    await clock.advance(3_600 + 60)
    metering.outbox.shift(3_600)
    command = meter.read(await metering.exchange(meter.send(time=clock.now() // 1_000)))
    assert (command.kind, command.grant) == (CommandKind.ON, 120)


async def test_counters_rise_over_restarts(database: Database, place: Place, meter: Meter) -> None:
    """A gateway that was killed goes on above every counter that it ever used, for each unit."""
    other = place.meters[8]
    last = {7: 0, 8: 0}
    for _ in range(3):
        metering = place.metering(database)
        await metering.start()
        for each in (meter, other, meter):
            command = each.read(await metering.exchange(each.send()))
            assert command.counter > last[each.number]
            last[each.number] = command.counter
        await metering.close()


async def test_a_reserve_runs_out(database: Database) -> None:
    """Counters go on one by one over the end of a reserve, also for callers at the same time."""
    counters = CommandCounters(database)
    taken = [await counters.take(7) for _ in range(RESERVE + 1)]
    assert taken == list(range(1, RESERVE + 2))
    counters.forget(7)
    several = await asyncio.gather(*(counters.take(7) for _ in range(5)))
    assert len(set(several)) == 5
    assert min(several) > taken[-1]


async def test_two_gateways_never_share_a_counter(any_database: Database, place: Place, meter: Meter) -> None:
    """A unit that goes from one gateway to another and back is always told higher counters."""
    gateways = [place.metering(any_database), place.metering(any_database)]
    for gateway in gateways:
        await gateway.start()
    last = 0
    for turn in (0, 0, 1, 1, 0, 1, 0, 0, 1):
        command = meter.read(await gateways[turn].exchange(meter.send()))
        assert command.counter > last
        last = command.counter
    for gateway in gateways:
        await gateway.close()


@pytest.mark.parametrize(
    ("kind", "session", "grant", "current"),
    [
        (CommandKind.ACKNOWLEDGE, NO_SESSION, 0, 0),
        (CommandKind.ON, SESSION, 0, 0),
        (CommandKind.ON, SESSION, 65_536, 0),
        (CommandKind.OFF, SESSION, 1, 0),
        (CommandKind.ON, SESSION[:15], 60, 0),
        (CommandKind.ON, SESSION, 60, 65_536),
        (CommandKind.ON, SESSION, 60, -1),
    ],
)
async def test_what_no_command_can_say(
    metering: Metering, kind: CommandKind, session: bytes, grant: int, current: int
) -> None:
    """Refused at once, and nothing is wanted."""
    with pytest.raises(ValueError, match=r"acknowledgement|session|grant|current"):
        metering.outbox.send(7, kind, session, grant, current)


class TestWaiting:
    """Answers that are held until there is something to say."""

    async def test_the_wait_ends_with_an_acknowledgement(
        self, metering: Metering, clock: SimulatedClock, meter: Meter
    ) -> None:
        """When the time is over and nothing was wanted."""
        asking = asyncio.create_task(metering.exchange(meter.send(), wait=25))
        await clock.advance(24.9)
        assert not asking.done()
        await clock.advance(0.1)
        assert meter.read(await asking).kind is CommandKind.ACKNOWLEDGE

    async def test_a_command_ends_the_wait(
        self, metering: Metering, clock: SimulatedClock, meter: Meter
    ) -> None:
        """At once, with no time passing."""
        asking = await self._waiting(metering, clock, meter)
        metering.outbox.send(7, CommandKind.ON, SESSION, grant=60)
        assert meter.read(await asking).kind is CommandKind.ON

    async def test_the_newest_request_waits(
        self, metering: Metering, clock: SimulatedClock, meter: Meter
    ) -> None:
        """An older one of the same unit is answered, and the command goes to the newer."""
        older = await self._waiting(metering, clock, meter)
        newer = asyncio.create_task(metering.exchange(meter.send(), wait=25))
        assert meter.read(await older).kind is CommandKind.ACKNOWLEDGE
        metering.outbox.send(7, CommandKind.ON, SESSION, grant=60)
        assert meter.read(await newer).kind is CommandKind.ON

    async def test_a_gateway_that_stops_holds_nobody(
        self, metering: Metering, clock: SimulatedClock, meter: Meter
    ) -> None:
        """Who asks again on being let go is answered at once: nothing would wake it any more."""
        asking = await self._waiting(metering, clock, meter)
        metering.outbox.end()
        assert meter.read(await asking).kind is CommandKind.ACKNOWLEDGE
        assert meter.read(await metering.exchange(meter.send(), wait=25)).kind is CommandKind.ACKNOWLEDGE

    async def test_a_recording_displaces_nobody(
        self, metering: Metering, clock: SimulatedClock, meter: Meter
    ) -> None:
        """Whoever replays a batch gets an answer at once, and the unit goes on waiting."""
        recorded = meter.send()
        await metering.exchange(recorded)
        unit = await self._waiting(metering, clock, meter)
        assert meter.read(await metering.exchange(recorded, wait=25)).kind is CommandKind.ACKNOWLEDGE
        assert not unit.done()
        metering.outbox.send(7, CommandKind.ON, SESSION, grant=60)
        assert meter.read(await unit).kind is CommandKind.ON

    async def test_a_recording_takes_no_command_away(self, metering: Metering, meter: Meter) -> None:
        """What was given to a replay is given to the unit as well."""
        recorded = meter.send()
        await metering.exchange(recorded)
        metering.outbox.send(7, CommandKind.ON, SESSION, grant=60)
        assert meter.read(await metering.exchange(recorded)).kind is CommandKind.ON
        assert meter.read(await metering.exchange(meter.send())).kind is CommandKind.ON

    async def test_a_caller_that_goes_leaves_nothing_behind(
        self, metering: Metering, clock: SimulatedClock, meter: Meter
    ) -> None:
        """A cancelled wait is forgotten; the next request gets the command."""
        asking = await self._waiting(metering, clock, meter)
        asking.cancel()
        await asyncio.wait([asking])
        metering.outbox.send(7, CommandKind.ON, SESSION, grant=60)
        assert meter.read(await metering.exchange(meter.send(), wait=25)).kind is CommandKind.ON
        assert clock.next is None

    async def _waiting(self, metering: Metering, clock: SimulatedClock, meter: Meter) -> asyncio.Task[bytes]:
        """A request that is being held."""
        asking = asyncio.create_task(metering.exchange(meter.send(), wait=25))
        await clock.settle()
        assert clock.next is not None
        assert not asking.done()
        return asking
