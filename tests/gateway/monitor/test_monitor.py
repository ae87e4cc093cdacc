"""Whole sessions through monitor, scheduler, metering and the real rules on the embedded ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from chaincode.session import Session
from chaincode.signing.batch import Reason
from chaincode.signing.command import CommandKind
from chaincode.unit import MAC
from gateway.charging.reason import Code
from gateway.clock import SimulatedClock
from gateway.monitor.anomaly import Kind
from gateway.monitor.session import Patience
from gateway.monitor.stopped import StoppedReason
from tests.gateway.garage import GROUP, START, Car, Garage, Socket, wallet

HOUR = 3_600


@pytest.fixture
async def garage(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Garage]:
    """Three units of 16 A behind a supply for two."""
    opened = await Garage.open(tmp_path, [Socket(n) for n in (1, 2, 3)], limit=2 * 3_680)
    yield opened
    await opened.close()


def closed(garage: Garage) -> list[int]:
    """The units whose relays are closed."""
    return [number for number, socket in garage.sockets.items() if socket.closed]


async def settled(garage: Garage, session: str) -> Session:
    """A session that has to be settled by now."""
    record = await garage.session(session)
    assert record.state == "settled"
    assert record.settlement is not None
    return record


async def alarms(garage: Garage) -> list[tuple[str, int | None, bool]]:
    """Kind and unit of each alarm, and whether it lasts."""
    await garage.world.settle()
    return [(each.kind, each.unit, each.cleared_at is None) for each in await garage.alarms.page()]


async def test_a_car_charges_until_it_is_full_and_the_rest_comes_back(garage: Garage) -> None:
    """11.5 kWh at 2.3 kW: five hours, 2.30, and 2.70 of the 5.00 are refunded."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident, Car(current=10_000, need=11_500_000))
    await garage.world.settle()
    assert garage.sockets[1].heard[0][0] is CommandKind.ON
    await garage.run(6 * HOUR)
    settlement = (await settled(garage, session)).settlement
    assert settlement is not None
    assert (settlement.reason, settlement.energy, settlement.cost) == ("StoppedByEV", 11_500_000, 230)
    assert await garage.balance(resident) == 10_000 - 230
    assert closed(garage) == []
    assert len(garage.monitor.floor) == 0
    assert await alarms(garage) == []


async def test_a_normal_session_is_three_transactions(garage: Garage) -> None:
    """Open, start, settle; nothing else reaches the ledger."""
    resident = wallet()
    await garage.fund(resident)
    before = await garage.ledger.height()
    await garage.plug_in(1, resident, Car(current=10_000, need=4_000_000))
    await garage.run(4 * HOUR)
    blocks = [await garage.ledger.block(n) for n in range(before, await garage.ledger.height())]
    functions = [each.function for block in blocks for each in block.transactions]
    assert functions == ["session.open", "session.start", "session.settle"]


async def test_a_unit_that_cannot_sign_charges_by_the_gateways_word(sqlite_url: str, tmp_path: Path) -> None:
    """Class mac: the same session, marked as attested for ever."""
    garage = await Garage.open(tmp_path, [Socket(1, MAC)])
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident, Car(need=2_300_000))
    await garage.run(2 * HOUR)
    record = await settled(garage, session)
    assert record.metering == "attested"
    await garage.close()


@pytest.mark.slow
async def test_two_charge_and_the_third_waits_its_turn(garage: Garage) -> None:
    """The paper's case study: at no second do three draw, and the third begins when one is done."""
    sessions = []
    for n in (1, 2, 3):
        resident = wallet(f"resident {n}")
        await garage.fund(resident)
        need = 2_300_000 * n
        sessions.append(await garage.plug_in(n, resident, Car(current=10_000, need=need), amount=1_000))
        await garage.world.settle()
    assert closed(garage) == [1, 2]
    third = garage.monitor.live(sessions[2])
    assert third is not None
    assert (third.why.code, third.why.position) == (Code.QUEUED, 1)
    for _ in range(8 * 60):
        await garage.run(60)
        assert len(closed(garage)) <= 2
    energies = [(await settled(garage, each)).settlement for each in sessions]
    assert [each.energy for each in energies if each is not None] == [2_300_000, 4_600_000, 6_900_000]


async def test_the_next_begins_as_soon_as_the_last_reading_of_the_one_before_is_in(garage: Garage) -> None:
    """No grant has to run out first: an END batch proves the relay open."""
    residents = [wallet(f"resident {n}") for n in range(3)]
    for n, resident in enumerate(residents):
        await garage.fund(resident)
        session = await garage.plug_in(n + 1, resident)
        await garage.world.settle()
        if n == 0:
            first = session
    assert closed(garage) == [1, 2]
    await garage.run(600)
    await garage.stop(residents[0], first)
    await garage.world.settle()
    assert closed(garage) == [2, 3]


async def test_a_stop_intent_opens_the_relay_at_once(garage: Garage) -> None:
    """And the reading after the relay opened settles it: no energy falls between the two."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident)
    await garage.run(1_234)
    await garage.stop(resident, session)
    await garage.world.settle()
    record = await settled(garage, session)
    assert record.settlement is not None
    assert record.settlement.reason == "Remote"
    assert record.last is not None
    car = garage.sockets[1].car
    assert car is not None
    assert record.settlement.energy == car.had == garage.sockets[1].register - 5_000_000


async def test_the_money_is_never_overdrawn(garage: Garage) -> None:
    """0.10 buys 500 Wh: the relay opens within a second of the escrow's end, and the cost is the escrow."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident, Car(current=16_000), amount=10)
    await garage.run(HOUR)
    record = await settled(garage, session)
    assert record.settlement is not None
    assert record.settlement.reason == "LocalOutOfCredit"
    assert 497_500 <= record.settlement.energy <= 500_000 + 16_000 * 230 // HOUR
    assert record.settlement.cost <= 10


async def test_the_energy_asked_for_is_delivered_and_no_more(garage: Garage) -> None:
    """1 kWh, to a second's worth."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident, energy=1_000)
    await garage.run(HOUR)
    record = await settled(garage, session)
    assert record.settlement is not None
    assert record.settlement.reason == "EnergyLimitReached"
    assert abs(record.settlement.energy - 1_000_000) <= 2 * 10_000 * 230 // HOUR


async def test_time_used_up_ends_the_session(garage: Garage) -> None:
    """The duration that the intent named, from opening."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident, duration=1_830)
    await garage.run(1_829)
    assert closed(garage) == [1]
    await garage.run(60)
    record = await settled(garage, session)
    assert record.settlement is not None
    assert record.settlement.reason == "TimeLimitReached"
    assert record.settlement.ended_at == record.deadline


async def test_unplugging_ends_the_session(garage: Garage) -> None:
    """At the next batch."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident)
    await garage.run(900)
    garage.sockets[1].unplug()
    await garage.run(120)
    record = await settled(garage, session)
    assert record.settlement is not None
    assert record.settlement.reason == "EVDisconnected"


async def test_a_session_that_waits_can_be_given_up(garage: Garage) -> None:
    """Stopped before it had power: everything comes back."""
    for n in (1, 2, 3):
        resident = wallet(f"resident {n}")
        await garage.fund(resident)
        session = await garage.plug_in(n, resident)
        await garage.world.settle()
    await garage.stop(resident, session)
    await garage.world.settle()
    assert (await garage.session(session)).state == "cancelled"
    assert await garage.balance(resident) == 10_000


async def test_a_session_that_its_unit_never_heard_of_is_over_when_it_is_stopped(garage: Garage) -> None:
    """ON was lost on the way: two batches after the stop the tokens are back and the socket is free."""
    await garage.run(60)
    resident = wallet()
    await garage.fund(resident)
    garage.sockets[1].reachable = False
    session = await garage.plug_in(1, resident)
    await garage.run(10)
    await garage.stop(resident, session)
    await garage.world.settle()
    assert (await garage.session(session)).state == "opened"
    garage.sockets[1].reachable = True
    await garage.run(130)
    assert (await garage.session(session)).state == "cancelled"
    assert await garage.balance(resident) == 10_000
    assert garage.monitor.floor.first_at(1) is None


async def test_two_sessions_at_one_unit_take_turns(garage: Garage) -> None:
    """The second waits until the first is settled: the meter serves one at a time."""
    residents = [wallet("first"), wallet("second")]
    sessions = []
    for resident in residents:
        await garage.fund(resident)
        sessions.append(await garage.plug_in(1, resident))
        await garage.run(1)
    second = garage.monitor.live(sessions[1])
    assert second is not None
    assert second.why.code == "occupied"
    await garage.run(600)
    await garage.stop(residents[0], sessions[0])
    await garage.run(1)
    assert second.why.code == "charging"
    await garage.run(600)
    await garage.stop(residents[1], sessions[1])
    await garage.run(1)
    energies = [(await settled(garage, each)).settlement for each in sessions]
    total = sum(each.energy for each in energies if each is not None)
    assert total == garage.sockets[1].register - 5_000_000


async def test_a_unit_that_is_not_heard_gets_no_power_and_blocks_nobody(garage: Garage) -> None:
    """Its session waits for it, says so, and goes on when it is back."""
    garage.sockets[1].reachable = False
    await garage.run(300)
    waiting = wallet("waiting")
    await garage.fund(waiting)
    session = await garage.plug_in(1, waiting)
    for n in (2, 3):
        resident = wallet(f"resident {n}")
        await garage.fund(resident)
        await garage.plug_in(n, resident, Car(need=1_000_000))
    await garage.world.settle()
    live = garage.monitor.live(session)
    assert live is not None
    assert live.why.code is Code.OFFLINE
    assert closed(garage) == [2, 3]
    garage.sockets[1].reachable = True
    await garage.run(2 * HOUR)
    assert closed(garage) == [1]


async def test_a_unit_that_goes_silent_opens_by_itself_and_is_settled_when_it_is_back(garage: Garage) -> None:
    """Alarm, no power beyond the grant, and not a watt-hour lost: the batches come later."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident)
    await garage.run(600)
    socket = garage.sockets[1]
    socket.reachable = False
    await garage.run(600)
    assert closed(garage) == []
    assert (str(Kind.SILENT), 1, True) in await alarms(garage)
    socket.reachable = True
    await garage.run(120)
    assert closed(garage) == [1]
    assert (str(Kind.SILENT), 1, False) in await alarms(garage)
    await garage.stop(resident, session)
    await garage.run(1)
    record = await settled(garage, session)
    assert record.settlement is not None
    assert record.settlement.energy == socket.register - 5_000_000


async def test_the_power_of_a_silent_unit_is_not_given_away_before_its_grant_ran_out(garage: Garage) -> None:
    """The third begins only when the silent one's relay must be open."""
    for n in (1, 2, 3):
        resident = wallet(f"resident {n}")
        await garage.fund(resident)
        await garage.plug_in(n, resident)
        await garage.world.settle()
    await garage.run(600)
    garage.sockets[1].reachable = False
    for _ in range(30 * 60):
        await garage.run(1)
        for socket in garage.sockets.values():
            socket.run(garage.now)
        assert len(closed(garage)) <= 2
    assert closed(garage) == [2, 3]


@pytest.mark.slow
async def test_a_silent_units_session_is_settled_after_its_time(garage: Garage) -> None:
    """With the readings there are; what it delivered later is an alarm when it is back."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident, duration=2 * HOUR)
    await garage.run(1_800)
    garage.sockets[1].reachable = False
    await garage.run(3 * HOUR)
    record = await settled(garage, session)
    assert record.settlement is not None
    assert record.last is not None
    assert record.settlement.energy == 1_800 * 2_300_000 // HOUR
    garage.sockets[1].reachable = True
    await garage.run(120)
    assert (str(Kind.STRAY_ENERGY), 1, False) in await alarms(garage)
    assert closed(garage) == []


async def test_a_power_cut_costs_time_and_no_energy(garage: Garage) -> None:
    """The unit comes back with an open relay and a risen boot count, and is given power again."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident)
    await garage.run(610)
    garage.sockets[1].power_cut()
    assert closed(garage) == []
    await garage.run(120)
    assert closed(garage) == [1]
    await garage.run(600)
    await garage.stop(resident, session)
    await garage.run(1)
    record = await settled(garage, session)
    assert record.settlement is not None
    assert record.settlement.energy == garage.sockets[1].register - 5_000_000


async def test_a_unit_may_end_the_session_by_itself(garage: Garage) -> None:
    """For instance at over-current."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident)
    await garage.run(600)
    garage.sockets[1].end(Reason.OVER_CURRENT)
    await garage.world.settle()
    record = await settled(garage, session)
    assert record.settlement is not None
    assert record.settlement.reason == "OvercurrentFault"


async def test_an_operator_may_stop_a_session(garage: Garage) -> None:
    """As the resident could."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident)
    await garage.run(600)
    live = garage.monitor.live(session)
    assert live is not None
    garage.monitor.stop(live)
    await garage.world.settle()
    record = await settled(garage, session)
    assert record.settlement is not None
    assert record.settlement.reason == StoppedReason.REMOTE


async def test_energy_without_a_session_is_an_alarm(garage: Garage) -> None:
    """Somebody draws where nobody pays: on record while it lasts."""
    socket = garage.sockets[2]
    socket.car, socket.closed, socket.until = Car(), True, garage.now + 600
    await garage.run(300)
    assert (str(Kind.STRAY_ENERGY), 2, True) in await alarms(garage)
    await garage.run(900)
    assert (str(Kind.STRAY_ENERGY), 2, False) in await alarms(garage)


async def test_too_much_current_is_an_alarm(garage: Garage) -> None:
    """16 A are allowed here and 20 A flow."""
    socket = garage.sockets[1]
    resident = wallet()
    await garage.fund(resident)
    await garage.plug_in(1, resident, Car(current=20_000))
    await garage.world.settle()
    socket.limit = 32_000
    await garage.run(120)
    assert (str(Kind.OVER_CURRENT), 1, True) in await alarms(garage)


async def test_a_lowered_limit_takes_power_from_the_last_to_come(garage: Garage) -> None:
    """OFF goes out at once, and the session is paused, not ended."""
    sessions = []
    for n in (1, 2):
        resident = wallet(f"resident {n}")
        await garage.fund(resident)
        sessions.append(await garage.plug_in(n, resident))
        await garage.run(1)
    assert closed(garage) == [1, 2]
    garage.options["limit"] = 3_680
    garage.monitor.replan(GROUP)
    await garage.run(1)
    assert closed(garage) == [1]
    second = garage.monitor.live(sessions[1])
    assert second is not None
    assert second.activity == "paused"
    garage.options["limit"] = 2 * 3_680
    garage.monitor.replan(GROUP)
    await garage.run(1)
    assert closed(garage) == [1, 2]


async def test_adjustable_units_share_what_is_left(sqlite_url: str, tmp_path: Path) -> None:
    """With pilots, the second takes the rest of the supply and more when the first is done."""
    garage = await Garage.open(tmp_path, [Socket(1), Socket(2)], limit=5_520, adjustable=True)
    for n in (1, 2):
        resident = wallet(f"resident {n}")
        await garage.fund(resident)
        await garage.plug_in(n, resident, Car(current=16_000, need=2_000_000))
        await garage.world.settle()
    assert garage.sockets[2].current == 8_000
    await garage.run(2_500)
    assert garage.sockets[2].current == 16_000
    await garage.close()


async def test_idle_time_is_charged_where_it_has_a_price(sqlite_url: str, tmp_path: Path) -> None:
    """A full car that stays pays by the minute until it leaves; with others waiting it makes way."""
    bands = [{"name": "all day", "energy_price": 200_000, "idle_price": 50_000}]
    garage = await Garage.open(tmp_path, [Socket(1)], tariff={"bands": bands})
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident, Car(current=10_000, need=2_300_000), amount=1_000)
    await garage.run(2 * HOUR)
    live = garage.monitor.live(session)
    assert live is not None
    assert live.activity == "complete"
    garage.sockets[1].unplug()
    await garage.run(120)
    record = await settled(garage, session)
    assert record.settlement is not None
    idle = sum(each.idle for each in record.usage)
    assert 55 * 60 <= idle <= 60 * 60
    assert record.settlement.cost == 46 + idle // 60 * 5
    await garage.close()


async def test_bands_are_paid_for_to_the_reading_at_their_boundary(sqlite_url: str, tmp_path: Path) -> None:
    """Half an hour dear, half an hour cheap: 1.15 kWh at 0.40 and 1.15 kWh at 0.10."""
    bands = [
        {"name": "dear", "energy_price": 400_000, "idle_price": 0},
        {"name": "cheap", "energy_price": 100_000, "idle_price": 0},
    ]
    # The garage opens on a Thursday at 09:00 UTC.
    week = [{"minute": 0, "band": 0}, {"minute": 3 * 1_440 + 9 * 60 + 30, "band": 1}]
    garage = await Garage.open(tmp_path, [Socket(1)], tariff={"bands": bands, "week": week})
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident, duration=HOUR)
    await garage.run(HOUR + 60)
    record = await settled(garage, session)
    assert record.settlement is not None
    assert [each.band for each in record.usage] == [0, 1]
    assert record.settlement.cost == 46 + 11
    await garage.close()


async def test_a_unit_that_does_not_begin_gives_the_tokens_back(sqlite_url: str, tmp_path: Path) -> None:
    """It is heard, is told ON, and does nothing."""
    patience = Patience(begin=300, last_batch=300)
    garage = await Garage.open(tmp_path, [Socket(1)], patience=patience)
    resident = wallet()
    await garage.fund(resident)
    garage.sockets[1].obey = lambda message, now: None  # type: ignore[method-assign]
    session = await garage.plug_in(1, resident)
    await garage.run(1_200)
    assert (await garage.session(session)).state == "cancelled"
    assert await garage.balance(resident) == 10_000
    assert (str(Kind.NOT_BEGUN), 1, False) in await alarms(garage)
    await garage.close()


async def test_readings_that_the_ledger_refuses_leave_nobody_stuck(garage: Garage) -> None:
    """More energy than the unit is enrolled for: an alarm, and what the ledger has settles the session."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident, Car(current=60_000))
    await garage.world.settle()
    garage.sockets[1].limit = 60_000
    await garage.run(100)
    await garage.stop(resident, session)
    await garage.run(60)
    record = await settled(garage, session)
    assert record.settlement is not None
    assert (record.settlement.energy, record.settlement.refund) == (0, 500)
    assert (str(Kind.REFUSED), 1, False) in await alarms(garage)
    assert len(garage.monitor.floor) == 0


async def test_a_session_that_its_wallet_took_back_is_ended_at_the_unit(garage: Garage) -> None:
    """The ledger's word counts, also for a session that this gateway still drives."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident)
    await garage.run(600)
    record = replace(await garage.session(session), state="reclaimed")
    await garage.monitor.update(record)
    await garage.run(60)
    assert garage.sockets[1].heard[-1][0] is CommandKind.END
    assert closed(garage) == []


async def test_grants_of_before_a_restart_count_until_they_have_expired(
    sqlite_url: str, tmp_path: Path
) -> None:
    """A unit that was on when the gateway was killed, and is not heard since, may still be on."""
    world = SimulatedClock(START * 1_000)
    sockets = [Socket(1), Socket(2)]
    garage = await Garage.open(tmp_path, sockets, world, limit=3_680)
    first, second = wallet("first"), wallet("second")
    for resident in (first, second):
        await garage.fund(resident)
    await garage.plug_in(1, first)
    await garage.run(300)
    await garage.abandon()
    sockets[0].reachable = False
    garage = await Garage.open(tmp_path, sockets, world, limit=3_680)
    session = await garage.plug_in(2, second)
    await garage.world.settle()
    waiting = garage.monitor.live(session)
    assert waiting is not None
    assert waiting.why.code is Code.CLEARING
    for _ in range(600):
        await garage.run(1)
        sockets[0].run(garage.now)
        assert len(closed(garage)) <= 1
    assert closed(garage) == [2]
    await garage.close()
