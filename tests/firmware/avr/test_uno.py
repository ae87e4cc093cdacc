"""The Uno's image, instruction by instruction: its life, its accuracy, its network, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chaincode.signing.batch import Flag, Reason
from chaincode.signing.request import tag_hash
from firmware.footprint import PARTS, static
from firmware.provisioning.image import SENSORS, nominal
from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car
from firmware.simulator.electrical.outlet import Outlet
from tests.firmware.avr.conftest import Station, storage
from tests.firmware.avr.network import GATEWAY
from tests.firmware.avr.tag_reader import TagReader
from tests.firmware.gateway import SALT, SESSION, http
from tests.firmware.stack import uno_stack

pytestmark = [pytest.mark.firmware, pytest.mark.slow]


def _begin(station: Station, amperes: float = 0.0) -> None:
    station.gateway.on()
    station.until(station.uno.closed, most=60, amperes=amperes)


def _end(station: Station, amperes: float) -> None:
    station.gateway.end()
    station.until(lambda: any(Flag.END in b.flags for b in station.gateway.batches), most=90, amperes=amperes)


def test_first_start(station: Station) -> None:
    """Switches, DHCP, GET, EEPROM, first batch, time: a new board comes to life."""
    station.until(lambda: len(station.gateway.stored) >= 2, most=30)
    assert station.gateway.configured == 1
    first, second = station.gateway.batches[:2]
    assert (first.unit, first.boot, first.register) == (7, 1, 0)
    assert Flag.CLOCK_UNSET in first.flags
    assert Flag.CLOCK_UNSET not in second.flags
    assert abs(second.time - station.now()) < 5


@pytest.mark.parametrize(
    ("sensor", "amperes", "tolerance"),
    [
        ("sct013", 1.0, 0.03), ("sct013", 6.0, 0.01), ("sct013", 16.0, 0.01),
        ("acs712", 1.0, 0.01), ("acs712", 14.0, 0.01),
    ],
)  # fmt: skip
def test_session_is_accurate(station: Station, sensor: str, amperes: float, tolerance: float) -> None:
    """A charge with a charger's distorted current is measured within what docs/hardware.md states."""
    running = station
    running.uno.sensor = sensor
    gain, noise = nominal(SENSORS[sensor], 10)
    running.uno.power(storage(gain=gain, noise=noise))
    running.until(lambda: len(running.gateway.stored) >= 2, most=30)
    _begin(running, amperes)
    running.run(100, amperes)
    _end(running, amperes)
    end = next(b for b in running.gateway.batches if Flag.END in b.flags)
    begin = next(b for b in running.gateway.batches if Flag.BEGIN in b.flags)
    assert end.reason == Reason.COMMAND
    assert (end.register - begin.register) / 1e6 == pytest.approx(running.energy / 1e3, rel=tolerance)


def test_idle_counts_nothing(running: Station) -> None:
    """Noise without current moves no register."""
    running.run(60)
    assert running.gateway.batches[-1].register == 0


def test_car_charges_until_it_is_full(running: Station) -> None:
    """When the electrical world's car is full the unit tells COMPLETE; its energy is the world's."""
    car = Car(Battery(capacity=500.0, stored=440.0), rated=10.0, taper=20.0, least=2.0)
    outlet = Outlet(time=0.0, piloted=False, car=car)
    running.gateway.on()

    def step() -> None:
        outlet.switch(running.uno.closed(), 16.0)
        running.uno.current(outlet.advance(running.passed))

    while Flag.COMPLETE not in running.gateway.batches[-1].flags:
        assert running.passed < 600
        step()
        running.uno.run(0.1)
        running.passed += 0.1
    running.gateway.end()
    running.until(lambda: any(Flag.END in b.flags for b in running.gateway.batches), most=90)
    assert running.gateway.batches[-1].register / 1e3 == pytest.approx(outlet.energy, rel=0.01)


def test_over_current(running: Station) -> None:
    """20 A through a 16 A unit open the relay within seconds."""
    _begin(running, 10.0)
    running.run(5, 10.0)
    running.run(6, 20.0)
    assert not running.uno.closed()
    running.until(lambda: any(Flag.END in b.flags for b in running.gateway.batches), most=60)
    assert running.gateway.batches[-1].reason == Reason.OVER_CURRENT


def test_grant_runs_out_when_the_cable_is_pulled(running: Station) -> None:
    """Unheard, the relay opens when the grant runs out; with the cable back the session goes on."""
    running.gateway.on(grant=20)
    running.until(running.uno.closed, most=60)
    running.uno.plugged = False
    running.run(22, 8.0)
    assert not running.uno.closed()
    running.uno.plugged = True
    running.until(running.uno.closed, most=200)
    running.until(lambda: running.gateway.batches[-1].register > 0, most=90, amperes=8.0)
    assert sum(Flag.BEGIN in b.flags for b in running.gateway.batches) == 1


def test_lease_is_lost(station: Station) -> None:
    """When the lease runs out and another address is given, the unit goes on with that."""
    station.building.lease = 60
    station.until(lambda: len(station.gateway.stored) >= 2, most=30)
    station.building.serves_dhcp = False
    station.run(70)
    station.building.address = "10.0.0.99"
    station.building.serves_dhcp = True
    stored = len(station.gateway.stored)
    station.until(lambda: len(station.gateway.stored) > stored + 1, most=120)
    assert [station.uno.c.w5100_register(0x0F + i) for i in range(4)] == [10, 0, 0, 99]


def test_server_by_name(station: Station) -> None:
    """The gateway may be configured by name."""
    station.gateway.server = "gateway.example"
    station.gateway.time_server = "time.example"
    station.until(lambda: len(station.gateway.stored) >= 2, most=60)
    assert "gateway.example" in station.building.asked_names


def test_time_server(station: Station) -> None:
    """While the gateway is away, a time server dates what is measured."""
    station.until(lambda: station.gateway.configured == 1, most=30)
    station.building.server_up = False
    station.run(10)
    assert station.building.asked_time == 1
    station.building.server_up = True
    station.until(lambda: len(station.gateway.stored) >= 2, most=90)


def test_erase_button(running: Station) -> None:
    """Held at power-up it erases the configuration; the switches say which unit asks."""
    eeprom = running.uno.eeprom()
    running.uno.power(eeprom)
    running.uno.switches(7, True)
    running.run(1)
    running.uno.switches(7, False)
    running.until(lambda: running.gateway.configured == 2, most=30)


def test_dht11(running: Station) -> None:
    """Temperature and humidity come over the sensor's own timing."""
    running.uno.c.uno_dht11(bytes((48, 0, 21, 0, 69)), 5)
    running.until(lambda: running.gateway.batches[-1].temperature == 21, most=90)
    assert running.gateway.batches[-1].humidity == 48


def test_tag(running: Station) -> None:
    """A tag at the PN532 on the two-wire bus becomes a start request."""
    reader = TagReader(running.uno, bytes.fromhex("04a1b2c3d4e5f6"))
    running.until(lambda: bool(running.gateway.requests), most=60)
    assert running.gateway.requests[0].tag == tag_hash(SALT, reader.uid)


def test_forged_answers_switch_nothing(running: Station) -> None:
    """ON commands that are forged, cut short or oversized leave the relay open."""
    running.gateway.on()
    forgeries: list[Callable[[bytes], bytes]] = [
        lambda answer: answer[:-1] + bytes((answer[-1] ^ 1,)),
        lambda answer: answer[:-20],
        lambda answer: http(answer.partition(b"\r\n\r\n")[2] + bytes(3000)),
        lambda answer: answer.replace(b"200 OK", b"500 No"),
    ]
    for forge in forgeries:
        running.building.spoil = forge
        running.run(40)
        assert not running.uno.closed()
    running.building.spoil = lambda answer: answer
    running.until(running.uno.closed, most=120)


@pytest.mark.parametrize(
    ("target", "file"), [("uno", "condocharge-uno-w5100.elf"), ("sketch-image", "condocharge-sketch.elf")]
)
def test_it_fits(image: Callable[[str, str], Path], running: Station, target: str, file: str) -> None:
    """Flash stays below the boot loader, and the deepest stack leaves what the budget says."""
    running.uno.program = image(target, file)
    part = PARTS["uno"]
    flash, ram = static("uno", running.uno.program)
    assert flash <= part.flash_budget
    assert ram + uno_stack("uno", running) <= part.ram_budget + part.stack_budget


def test_unprovisioned_board_stays_still(image: Callable[[str, str], Path], station: Station) -> None:
    """A board without an identity sends nothing and keeps its relay open."""
    station.uno.power(b"\xff" * 1024)
    station.run(5)
    assert station.building.leases == 0
    assert not station.uno.closed()
    station.uno.power(storage(GATEWAY))
    station.until(lambda: station.gateway.configured == 1, most=30)
    assert SESSION not in {b.session for b in station.gateway.batches}
