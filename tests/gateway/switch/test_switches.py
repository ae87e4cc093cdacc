"""Sessions at a socket whose only switch is a network switch beside it, through the whole gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from chaincode.session import Session
from chaincode.signing.batch import Flag
from chaincode.signing.command import CommandKind
from gateway.charging.reason import Code
from gateway.clock import SimulatedClock
from tests.gateway.garage import START, Car, Garage, Socket, wallet
from tests.gateway.switch.appliance import Appliance, Fault, ShellyAppliance

HOLD = 180
"""Seconds after its unit's last batch in which a switch opens: three batches of a minute."""
POWER = 2_300
"""W of a car at 10 A."""


class Site:
    """A garage of two units; a switch stands beside the first, the second has its own relay."""

    def __init__(self, directory: Path, appliance: Appliance, clock: SimulatedClock) -> None:
        self.directory = directory
        self.appliance = appliance
        self.clock = clock
        self.sockets = [Socket(1), Socket(2)]
        self.garage: Garage

    async def open(self, limit: int = 2 * 3_680) -> None:
        """Open the garage, or open it again."""
        switched = self.sockets[0]
        switched.supply = lambda second: self.appliance.on_at(second * 1_000)
        self.appliance.before_move = lambda: switched.run(self.clock.now() // 1_000)
        options = {"limit": limit, "switches": {1: self.appliance.address}}
        self.garage = await Garage.open(self.directory, self.sockets, self.clock, **options)

    async def charge(self, need: int = 10**9) -> str:
        """A car of 10 A at the first socket, and a session for it."""
        await self.garage.fund(wallet())
        session = await self.garage.plug_in(1, wallet(), Car(current=10_000, need=need))
        await self.garage.world.settle()
        return session

    async def alarms(self) -> list[tuple[str, bool]]:
        """Kind of each alarm, and whether it lasts; newest first."""
        await self.garage.world.settle()
        return [(each.kind, each.cleared_at is None) for each in await self.garage.alarms.page()]


async def _open(directory: Path, kind: type[Appliance]) -> Site:
    clock = SimulatedClock(START * 1_000)
    site = Site(directory, await kind.open(clock.now), clock)
    await site.open()
    return site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """With a Shelly."""
    opened = await _open(tmp_path, ShellyAppliance)
    yield opened
    await opened.garage.close()
    await opened.appliance.close()


def closed(site: Site) -> list[int]:
    """The units whose own relays are closed."""
    return [socket.number for socket in site.sockets if socket.closed]


async def settled(site: Site, session: str) -> Session:
    """A session that has to be settled by now."""
    record = await site.garage.session(session)
    assert record.state == "settled"
    return record


@pytest.mark.slow
async def test_a_car_charges_through_a_network_switch_until_it_is_full(
    tmp_path: Path, appliance: Appliance
) -> None:
    """On with the session, off at its end; what flowed through the switch is what is billed."""
    clock = SimulatedClock(START * 1_000)
    appliance.now = clock.now
    site = Site(tmp_path, appliance, clock)
    await site.open()
    session = await site.charge(need=4_600_000)
    assert appliance.on()
    await site.garage.run(3 * 3_600)
    settlement = (await settled(site, session)).settlement
    assert settlement is not None
    assert (settlement.reason, settlement.energy) == ("StoppedByEV", 4_600_000)
    assert not appliance.on()
    assert await site.alarms() == []
    await site.garage.close()


async def test_the_resident_stops_and_the_switch_opens_at_once(site: Site) -> None:
    """No energy flows after the last reading."""
    session = await site.charge()
    await site.garage.run(600)
    await site.garage.stop(wallet(), session)
    await site.garage.world.settle()
    assert not site.appliance.on()
    car = site.sockets[0].car
    assert car is not None
    had = car.had
    await site.garage.run(600)
    assert (await settled(site, session)).settlement is not None
    assert car.had == had


async def test_a_paused_session_has_its_switch_open(site: Site) -> None:
    """The group's limit falls below the unit's load: OFF reaches the switch too."""
    session = await site.charge()
    await site.garage.run(300)
    assert site.appliance.on()
    site.garage.options["limit"] = 1_000
    site.garage.monitor.replan("garage")
    await site.garage.world.settle()
    assert not site.appliance.on()
    await site.garage.run(120)
    site.garage.options["limit"] = 10_000
    site.garage.monitor.replan("garage")
    await site.garage.run(70)
    assert site.appliance.on()
    assert (await site.garage.session(session)).state == "started"


async def test_a_silent_unit_has_its_switch_opened(site: Site) -> None:
    """Nothing flows that nobody measures, though the grant has not run out; then it charges on."""
    await site.charge()
    await site.garage.run(300)
    site.sockets[0].reachable = False
    await site.garage.run(HOLD - 1)
    assert site.appliance.on()
    await site.garage.run(1)
    assert not site.appliance.on()
    assert ("unit-silent", True) in await site.alarms()
    site.sockets[0].reachable = True
    await site.garage.run(180)
    assert site.appliance.on()
    assert ("unit-silent", True) not in await site.alarms()


async def test_the_switch_opens_by_itself_where_the_gateway_dies(site: Site) -> None:
    """And the next gateway takes the session up again."""
    session = await site.charge()
    await site.garage.run(300)
    await site.garage.abandon()
    before = len(site.appliance.requests)
    await site.clock.advance(HOLD - 1)
    assert site.appliance.on()
    await site.clock.advance(1)
    assert not site.appliance.on()
    assert len(site.appliance.requests) == before
    await site.clock.advance(600)
    for socket in site.sockets:
        socket.go_on_alone(site.clock.now() // 1_000)
    await site.open()
    await site.garage.run(130)
    assert site.appliance.on()
    await site.garage.stop(wallet(), session)
    await site.garage.run(120)
    await settled(site, session)


async def test_a_gateway_that_starts_opens_a_switch_that_nobody_wants_on(site: Site) -> None:
    """Not at once: a session may still be taken up. Three minutes later, and it is on record."""
    await site.garage.abandon()
    site.appliance.press()
    await site.open()
    await site.garage.run(HOLD - 1)
    assert site.appliance.on()
    await site.garage.run(2)
    assert not site.appliance.on()


async def test_a_pressed_button_gives_no_power_for_long(site: Site) -> None:
    """The gateway looks each minute, opens the switch, and puts it on record."""
    await site.garage.run(HOLD + 1)
    site.appliance.press()
    await site.garage.run(61)
    assert not site.appliance.on()
    assert ("switch-failed", False) in await site.alarms()


@pytest.mark.parametrize("fault", [Fault.MUTE, Fault.STUCK, Fault.TIMERLESS])
async def test_a_switch_that_fails_is_an_alarm_and_a_reason(site: Site, fault: Fault) -> None:
    """The resident reads why, others get the power, and the session charges once the switch is back."""
    await site.garage.run(HOLD + 1)
    site.appliance.fault = fault
    session = await site.charge()
    await site.garage.run(60)
    live = site.garage.monitor.live(session)
    assert live is not None
    assert (live.why.code, live.running) == (Code.SWITCH, True)
    assert "switch" in live.why.text
    assert ("switch-failed", True) in await site.alarms()
    site.appliance.fault = Fault.NONE
    await site.garage.run(240)
    assert (live.why.code, live.running) == (Code.CHARGING, True)
    assert site.appliance.on()
    assert ("switch-failed", True) not in await site.alarms()


async def test_a_switch_that_does_not_open_keeps_its_share_of_the_supply(site: Site) -> None:
    """Another car waits until the switch has opened by its own timer: the limit holds."""
    await site.garage.close()
    await site.open(limit=3_680)
    await site.charge()
    await site.garage.run(300)
    other = await site.garage.plug_in(2, wallet(), Car(current=16_000))
    await site.garage.world.settle()
    assert closed(site) == [1]
    site.appliance.fault = Fault.STUCK
    live = site.garage.monitor.floor.first_at(1)
    assert live is not None
    site.garage.monitor.stop(live)
    await site.garage.run(1)
    assert site.appliance.on()
    while site.appliance.on():
        assert 2 not in closed(site)
        await site.garage.run(1)
    await site.garage.run(300)
    assert closed(site) == [2]
    assert (await site.garage.session(other)).state == "started"


async def test_the_units_own_protection_opens_the_switch(site: Site) -> None:
    """A batch that shows the relay open, though it was told to be closed, is obeyed by the switch."""
    await site.charge()
    await site.garage.run(300)
    unit = site.sockets[0]
    unit.run(site.garage.now)
    unit.closed = False
    unit.batch()
    unit.send()
    await site.garage.world.settle()
    assert not site.appliance.on()


async def test_a_batch_that_was_held_back_moves_no_switch(site: Site) -> None:
    """Its unit has said since that its relay is open; the older batch changes nothing."""
    await site.charge()
    await site.garage.run(300)
    unit = site.sockets[0]
    unit.run(site.garage.now)
    unit.batch()
    held = unit.unsent.pop()
    unit.closed = False
    unit.batch()
    unit.send()
    await site.garage.world.settle()
    assert not site.appliance.on()
    unit.reachable = False
    await site.garage.metering.intake.receive(held)
    await site.garage.world.settle()
    assert not site.appliance.on()


async def test_batches_let_through_one_by_one_keep_no_switch_on(site: Site) -> None:
    """Each counts from when it was made: the unit is as silent as if none had come."""
    await site.charge()
    await site.garage.run(300)
    unit = site.sockets[0]
    unit.reachable = False
    await site.garage.run(170)
    held = unit.unsent[:2]
    assert site.appliance.on()
    await site.garage.metering.intake.receive(held[0])
    await site.garage.run(HOLD - 110 + 1)
    assert not site.appliance.on()
    await site.garage.run(60)
    await site.garage.metering.intake.receive(held[1])
    await site.garage.world.settle()
    assert not site.appliance.on()


async def test_a_new_unit_at_an_old_number_is_followed(site: Site) -> None:
    """It counts its batches from the start again, and its enrolment is what is newer."""
    await site.charge()
    await site.garage.run(300)
    [*_, last] = await site.garage.metering.readings.of_session(site.sockets[0].session)
    first = replace(last, batch=replace(last.batch, boot=1, number=1, flags=Flag(0)))
    site.garage.switchboard.follow(first)
    await site.garage.world.settle()
    assert site.appliance.on()
    site.garage.switchboard.follow(replace(first, enrolled_at=first.enrolled_at + 1))
    await site.garage.world.settle()
    assert not site.appliance.on()


async def test_the_switch_waits_for_its_unit(site: Site) -> None:
    """A unit that does not obey ON measures nothing: the switch stays open."""
    unit = site.sockets[0]
    unit.reachable = False
    await site.charge()
    assert not site.appliance.on()
    unit.reachable = True
    await site.garage.run(120)
    assert CommandKind.ON in [kind for kind, _, _ in unit.heard]
    assert site.appliance.on()


async def test_a_foreign_address_in_the_database_is_not_asked(tmp_path: Path) -> None:
    """Whatever is stored, the settings say which networks the gateway reaches."""
    clock = SimulatedClock(START * 1_000)
    site = Site(tmp_path, await ShellyAppliance.open(clock.now), clock)
    options = {"switches": {1: f"shelly://10.0.0.1:{site.appliance.port}"}}
    site.garage = await Garage.open(tmp_path, site.sockets, clock, **options)
    await site.charge()
    await site.garage.run(300)
    assert ("switch-failed", True) in await site.alarms()
    await site.garage.close()
    await site.appliance.close()
