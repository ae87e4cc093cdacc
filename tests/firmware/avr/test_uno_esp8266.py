"""The Uno with an ESP8266, instruction by instruction, over a serial line and an air that fail."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chaincode.signing.batch import Flag
from firmware.footprint import PARTS, static
from firmware.simulator.modem.esp8266 import Air
from firmware.simulator.modem.network import Loopback
from tests.firmware.avr.conftest import UNIT
from tests.firmware.avr.network import GATEWAY, ROUTER, quad
from tests.firmware.avr.wireless import WirelessStation, make_wireless_station, storage
from tests.firmware.gateway import Gateway, http
from tests.firmware.stack import uno_stack
from tests.firmware.station import Server

pytestmark = [pytest.mark.firmware, pytest.mark.slow]
IMAGE = ("uno-esp8266", "condocharge-uno-esp8266.elf")
FIXED = {"address": "10.0.0.55", "mask": "255.255.255.0", "router": ROUTER, "resolver": "9.9.9.9"}


def _station(image: Callable[[str, str], Path], version: int = 2, air: Air | None = None) -> WirelessStation:
    return make_wireless_station(image("uno-simulator", "libuno.so"), image(*IMAGE), version, air)


@pytest.fixture(params=[1, 2], ids=["at-1", "at-2"])
def station(request: pytest.FixtureRequest, image: Callable[[str, str], Path]) -> WirelessStation:
    """A new board with a module of each generation."""
    return _station(image, request.param)


@pytest.fixture
def running(image: Callable[[str, str], Path]) -> WirelessStation:
    """A board that has its configuration and the time."""
    made = _station(image)
    made.until(lambda: len(made.gateway.stored) >= 2, most=90)
    return made


def _charge(station: WirelessStation, amperes: float = 10.0) -> None:
    station.gateway.on()
    station.until(station.uno.closed, most=90, amperes=amperes)


def test_first_start(station: WirelessStation) -> None:
    """Reset, speed, join, configuration, first batch, time: a new board comes to life."""
    station.until(lambda: len(station.gateway.stored) >= 2, most=90)
    assert station.gateway.configured == 1
    assert station.wireless.module.baud == 9_600
    second = station.gateway.batches[1]
    assert Flag.CLOCK_UNSET not in second.flags
    assert abs(second.time - station.now()) < 5


def test_a_charge_is_accurate(running: WirelessStation) -> None:
    """What the serial line takes of the processor's time costs the meter nothing."""
    _charge(running, 6.0)
    running.run(100, 6.0)
    running.gateway.end()
    running.until(lambda: any(Flag.END in b.flags for b in running.gateway.batches), most=90, amperes=6.0)
    end = next(b for b in running.gateway.batches if Flag.END in b.flags)
    begin = next(b for b in running.gateway.batches if Flag.BEGIN in b.flags)
    assert (end.register - begin.register) / 1e6 == pytest.approx(running.energy / 1e3, rel=0.01)
    assert running.wireless.module.resets == 3


def test_content_comes_in_pieces(running: WirelessStation) -> None:
    """Answers of one byte at a time, with other messages between, are read all the same."""
    running.wireless.air.piece = (1, 3)
    stored = len(running.gateway.stored)
    running.until(lambda: len(running.gateway.stored) >= stored + 3, most=240)
    assert running.wireless.module.resets == 3


def test_the_access_point_goes_and_comes_back(running: WirelessStation) -> None:
    """The grant runs out meanwhile; the session goes on afterwards, and its energy is whole."""
    running.gateway.on(grant=20)
    running.until(running.uno.closed, most=90, amperes=8.0)
    running.wireless.module.lose_network()
    running.run(25, 8.0)
    assert not running.uno.closed()
    running.wireless.module.find_network()
    running.until(running.uno.closed, most=300)
    register = running.gateway.batches[-1].register
    running.until(lambda: running.gateway.batches[-1].register > register, most=120, amperes=8.0)
    assert running.gateway.batches[-1].register / 1e6 == pytest.approx(running.energy / 1e3, rel=0.1)
    assert sum(Flag.BEGIN in b.flags for b in running.gateway.batches) == 1


@pytest.mark.parametrize(
    ("garbage", "lost", "busy"), [(0.1, 0.0, 0.0), (0.0, 0.0005, 0.0), (0.0, 0.0, 0.2), (0.02, 0.0002, 0.05)]
)
def test_a_bad_line(image: Callable[[str, str], Path], garbage: float, lost: float, busy: float) -> None:
    """Noise, lost bytes and a module that is always busy: slower, never wrong."""
    station = _station(image, air=Air(garbage=garbage, lost=lost, busy=busy))
    station.until(lambda: len(station.gateway.stored) >= 2, most=900)
    _charge(station)
    station.gateway.order = None
    station.run(120, 10.0)
    stored = len(station.gateway.stored)
    station.until(lambda: len(station.gateway.stored) > stored, most=600, amperes=10.0)
    registers = [batch.register for batch in station.gateway.batches]
    assert registers == sorted(registers)


def test_a_module_that_hangs_is_reset(running: WirelessStation) -> None:
    """It loses its power for a moment and comes back at another speed, without a network."""
    resets = running.wireless.module.resets
    running.wireless.module.power()
    stored = len(running.gateway.stored)
    running.until(lambda: len(running.gateway.stored) > stored + 1, most=240)
    assert running.wireless.module.resets > resets + 1


def test_the_server_is_gone(running: WirelessStation) -> None:
    """Connections are refused for ten minutes; then everything is sent."""
    running.building.server_up = False
    running.run(600)
    running.building.server_up = True
    stored = len(running.gateway.stored)
    running.until(lambda: len(running.gateway.stored) > stored + 2, most=300)


def test_server_and_time_server_by_name(image: Callable[[str, str], Path]) -> None:
    """The module resolves names itself."""
    station = _station(image)
    station.gateway.server = "gateway.example"
    station.gateway.time_server = "time.example"
    station.until(lambda: station.gateway.configured == 1, most=90)
    station.building.server_up = False
    station.run(30)
    assert station.building.asked_time >= 1
    station.building.server_up = True
    station.until(lambda: len(station.gateway.stored) >= 2, most=240)
    assert {"gateway.example", "time.example"} <= set(station.building.asked_names)


def test_fixed_addresses(image: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Configured without DHCP the module is told its address."""
    station = _station(image)
    tell = station.gateway.configuration
    fixed = {name: quad(dotted) for name, dotted in FIXED.items()}
    monkeypatch.setattr(station.gateway, "configuration", lambda boot: tell(boot, dhcp=False, **fixed))
    station.until(lambda: len(station.gateway.stored) >= 2, most=120)
    assert station.wireless.module.address == FIXED["address"]
    assert f'AT+CIPDNS=1,"{FIXED["resolver"]}"' in station.wireless.module.commands


def test_a_wrong_passphrase_joins_nothing(image: Callable[[str, str], Path]) -> None:
    """The unit asks again and again, and measures meanwhile."""
    station = _station(image)
    station.wireless.air.passphrase = "another one"
    station.run(120)
    assert station.gateway.configured == 0
    station.wireless.air.passphrase = Air().passphrase
    station.until(lambda: station.gateway.configured == 1, most=120)


def test_without_a_network_in_its_memory_it_joins_nothing(image: Callable[[str, str], Path]) -> None:
    """A torn or missing record is no name to join."""
    station = _station(image)
    content = bytearray(station.uno.eeprom())
    content[-1] ^= 1
    station.uno.power(bytes(content))
    station.run(60)
    assert not any(line.startswith("AT+CWJAP") for line in station.wireless.module.commands)


def test_forged_and_oversized_answers_switch_nothing(running: WirelessStation) -> None:
    """What claims to be content of a stream is judged as on any other network."""
    running.gateway.on()
    for forge in (
        lambda answer: answer[:-1] + bytes((answer[-1] ^ 1,)),
        lambda answer: http(answer.partition(b"\r\n\r\n")[2] + b"\r\nOK\r\n+IPD,0,9999:" + bytes(2_000)),
        lambda answer: b"\r\n+IPD,0,40:" + answer,
    ):
        running.building.spoil = forge
        running.run(40)
        assert not running.uno.closed()
    running.building.spoil = lambda answer: answer
    running.until(running.uno.closed, most=240)


@pytest.fixture
def server() -> Iterator[Server]:
    """A gateway behind a real socket."""
    served = Server(Gateway("mac", clock=lambda: 1_767_268_800, unit=UNIT, server=GATEWAY, sampling=5))
    yield served
    served.close()


def test_through_real_sockets(image: Callable[[str, str], Path], server: Server) -> None:
    """The module's connections are this computer's; the unit gets its configuration and is heard."""
    station = _station(image)
    station.gateway = server.gateway
    identity = storage(GATEWAY, station.wireless.air)
    port = server.gateway.port.to_bytes(2, "little")
    station.uno.power(_with_port(identity, port))
    station.wireless.module.network = Loopback()
    station.until(lambda: len(server.gateway.stored) >= 2, most=300)
    assert server.refused == []


def _with_port(content: bytes, port: bytes) -> bytes:
    """An identity with another port, and its checksum."""
    body = content[:126] + port + content[128:168]
    return body + zlib.crc32(body).to_bytes(4, "little") + content[172:]


@pytest.mark.parametrize(("target", "file"), [IMAGE, ("sketch-image", "condocharge-sketch-esp8266.elf")])
def test_it_fits(image: Callable[[str, str], Path], running: WirelessStation, target: str, file: str) -> None:
    """Flash stays below the boot loader, and the deepest stack leaves what the budget says."""
    running.uno.program = image(target, file)
    part = PARTS["uno-esp8266"]
    flash, ram = static("uno-esp8266", running.uno.program)
    assert flash <= part.flash_budget
    assert ram + uno_stack("uno-esp8266", running) <= part.ram_budget + part.stack_budget
