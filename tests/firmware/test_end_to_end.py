"""Every board's image against a gateway and ledger that run: sessions that end for each reason, billed by
what truly flowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from firmware.provisioning.command import unit as unit_command
from firmware.provisioning.image import Identity, decode, network_tag, padded
from firmware.simulator.electrical.car import Car
from tests.firmware.avr.network import Bridge
from tests.firmware.avr.uno import Uno
from tests.firmware.bay import Bay, BenchBay, UnoBay, constant_load, nearly_full
from tests.firmware.condominium import Condominium, Resident, serving
from tests.firmware.site import IMAGES
from tests.firmware.station import GAIN, LOOPBACK, NOISE, Station

pytestmark = [pytest.mark.firmware, pytest.mark.slow, pytest.mark.xdist_group("boards-end-to-end")]
Image = Callable[[str, str], Path]
BENCH_BOARDS = {7: "posix", 8: "mps2", 9: "lm3s"}
UNO = 10
SETTINGS = {"name": "Bay", "group": "garage", "transmission": 5, "sampling": 1}
MINOR_PER_WH = 100
"""The tariff's price, so that the bill tells the energy to a hundredth of a watt-hour."""
AMOUNT = 100_000
TAG = bytes.fromhex("04a1b2c3d4e5f6")
_MOST_SECONDS = 900


@dataclass
class Site:
    """A condominium whose sockets have one board of each kind."""

    condominium: Condominium
    bays: dict[int, Bay] = field(default_factory=dict)
    residents: dict[int, Resident] = field(default_factory=dict)
    """Whoever parks there."""

    def second(self) -> None:
        self.condominium.advance(1)
        for bay in self.bays.values():
            bay.begin()
        for bay in self.bays.values():
            bay.finish()

    def until(self, state: Callable[[], bool]) -> None:
        """Let time pass until something is so. Raises AssertionError after a quarter of an hour."""
        for _ in range(_MOST_SECONDS):
            if state():
                return
            self.second()
        raise AssertionError("it does not come about")

    def free(self) -> bool:
        return all(self.condominium.get(f"/v1/units/{unit}")["state"] == "free" for unit in self.bays)

    def session(self, session: str) -> Any:
        return self.condominium.get(f"/v1/sessions/{session}")

    def settled(self, sessions: dict[int, str]) -> bool:
        return all(self.session(session)["state"] == "settled" for session in sessions.values())

    def charge(
        self, car: Callable[[], Car], *, amount: int = AMOUNT, duration: int = 3_600
    ) -> dict[int, str]:
        """Plug the same car in everywhere, open a session for each, and wait until all draw current."""
        self.until(self.free)
        for bay in self.bays.values():
            bay.plug(car())
            bay.outlet.energy = 0.0
        sessions = {
            unit: self.residents[unit].open(unit, amount=amount, duration=duration) for unit in self.bays
        }  # fmt: skip
        self.until(lambda: all(bay.outlet.energy > 0 for bay in self.bays.values()))
        return sessions

    def check(self, sessions: dict[int, str], tolerance: float, reason: Callable[[Bay], str]) -> None:
        """Wait for the settlements; reason and bill have to be right on every board."""
        self.until(lambda: self.settled(sessions))
        for unit, session in sessions.items():
            bay, settled = self.bays[unit], self.session(session)
            assert settled["stopped_reason"] == reason(bay), bay.board
            assert settled["cost"] + settled["refund"] == settled["escrow"], bay.board
            owed = min(bay.outlet.energy, settled["escrow"] / MINOR_PER_WH)
            assert settled["cost"] / MINOR_PER_WH == pytest.approx(owed, rel=tolerance), bay.board
            assert not bay.closed(), bay.board
            bay.plug(None)


def _bench_bay(site: Site, unit: int, image: Image, folder: Path) -> BenchBay:
    """A board of class ed25519 that has made its key, and is enrolled by it."""
    board = BENCH_BOARDS[unit]
    condominium = site.condominium
    known = condominium.get("/v1/condominium")
    identity = Identity(
        unit_class="ed25519", unit=unit, network=network_tag(known["network"], known["code"]),
        signing_key=bytes.fromhex(known["signing_key"]), port=condominium.port, server=LOOPBACK[board],
        salt=bytes.fromhex(condominium.get("/v1/tag-salt")["salt"]),
        hold=0, gain=GAIN, noise=NOISE, starting=100, ethernet=bytes((2, 0, 0, 0, 0, unit)),
    )  # fmt: skip
    place = folder / board
    place.mkdir()
    station = Station(board, image(*IMAGES[board]), place, padded(identity.encode(), 4096))
    station.power()
    while len(station.bench.public_key) != 32:
        station.bench.second()
    condominium.post("/v1/units", {
        "unit": unit, "class": "ed25519", "key": station.bench.public_key.hex(), "nominal_current": 16_000,
        "nominal_voltage": 2_300, "phases": 1,
        "settings": SETTINGS | {"server": LOOPBACK[board], "port": condominium.port},
    })  # fmt: skip
    bay = BenchBay(station)
    bay.plug(None)
    return bay


def _uno_bay(site: Site, image: Image, folder: Path) -> UnoBay:
    """An Uno as `condocharge unit provision` makes it, but that its answers are not held: the simulated times
    of board and gateway would wait for each other."""
    condominium, output = site.condominium, folder / "uno.eeprom"
    provisioned = CliRunner().invoke(unit_command, [
        "provision", "--gateway", condominium.address, "--token", condominium.token, "--unit", str(UNO),
        "--board", "uno", "--group", "garage", "--output", str(output),
    ])  # fmt: skip
    assert provisioned.exit_code == 0, provisioned.output
    reached = {"transmission": 5, "sampling": 1, "server": "127.0.0.1", "port": condominium.port}
    assert condominium.operator.patch(f"/v1/units/{UNO}/settings", json=reached).is_success
    identity = replace(decode(output.read_bytes()), hold=0)
    return UnoBay(
        Uno(
            image("uno-simulator", "libuno.so"),
            image("uno", "condocharge-uno-w5100.elf"),
            padded(identity.encode(), 1024),
            Bridge(lambda: condominium.now),
        )
    )


@contextmanager
def _furnished(folder: Path, image: Image) -> Iterator[Site]:
    with ExitStack() as stack:
        condominium = stack.enter_context(serving(folder / "gateway"))
        condominium.furnish()
        site = Site(condominium)
        for unit in BENCH_BOARDS:
            site.bays[unit] = _bench_bay(site, unit, image, folder)
            stack.callback(site.bays[unit].close)
        site.bays[UNO] = _uno_bay(site, image, folder)
        for unit in site.bays:
            site.residents[unit] = Resident(condominium, f"resident-{unit}", 20 * AMOUNT)
        yield site


@pytest.fixture(scope="module")
def site(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Four boards, fresh from provisioning, that asked for their configuration and are heard."""
    with _furnished(tmp_path_factory.mktemp("site"), image) as made:
        made.until(made.free)
        yield made


def test_the_resident_stops_it(site: Site) -> None:
    """At 6.5 A: within 1 %."""
    sessions = site.charge(lambda: constant_load(6.5))
    site.until(lambda: all(bay.outlet.energy > 25 for bay in site.bays.values()))
    for unit, session in sessions.items():
        site.residents[unit].stop(session)
    site.check(sessions, 0.01, lambda bay: "Remote")


def test_the_money_is_used_up(site: Site) -> None:
    """At 16 A: within 1 %, never more than what was locked, and at most two seconds go unpaid."""
    sessions = site.charge(lambda: constant_load(16.0), amount=6_000)
    site.check(sessions, 0.01, lambda bay: "LocalOutOfCredit")
    for bay in site.bays.values():
        assert bay.outlet.energy <= 6_000 / MINOR_PER_WH + 2 * 16.0 * 230 / 3_600, bay.board


def test_the_time_is_used_up(site: Site) -> None:
    """At 1 A, where the clamp's few counts allow 3 %."""
    sessions = site.charge(lambda: constant_load(1.0), duration=120)
    site.check(sessions, 0.03, lambda bay: "TimeLimitReached")


def test_the_car_is_full(site: Site) -> None:
    """Its current falls and stops; three minutes later the unit says so."""
    sessions = site.charge(lambda: nearly_full(12.0, 25.0))
    site.check(sessions, 0.01, lambda bay: "StoppedByEV")


def test_the_car_is_unplugged(site: Site) -> None:
    """A board with a pilot sees it; without one it looks like a car that is full."""
    sessions = site.charge(lambda: constant_load(10.0))
    site.until(lambda: all(bay.outlet.energy > 30 for bay in site.bays.values()))
    for bay in site.bays.values():
        bay.plug(None)
    site.check(sessions, 0.01, lambda bay: "EVDisconnected" if bay.piloted else "StoppedByEV")


def test_a_tag_starts_it(site: Site) -> None:
    """A tag that nobody knows switches nothing; its holder gives it a mandate and holds it there again. The
    salt is the condominium's: the hash that one reader made opens sessions at all of them."""
    site.until(site.free)
    for bay in site.bays.values():
        bay.plug(constant_load(8.0))
        bay.outlet.energy = 0.0
    resident, uno = site.residents[UNO], site.bays[UNO]
    uno.tap(TAG)
    site.until(lambda: bool(resident.waiting_tags(UNO)))
    assert not uno.closed()
    resident.permit(resident.waiting_tags(UNO)[0], cap=AMOUNT, duration=3_600)
    site.until(lambda: uno.outlet.energy > 0)
    uno.take_tag_away()
    for unit in BENCH_BOARDS:
        site.bays[unit].tap(TAG)
        site.until(lambda bay=site.bays[unit]: bay.outlet.energy > 3)  # type: ignore[misc]
    site.until(lambda: all(bay.outlet.energy > 40 for bay in site.bays.values()))
    sessions = {
        unit: site.condominium.get(f"/v1/sessions?unit={unit}&state=started")["rows"][0]["session"]
        for unit in site.bays
    }
    for session in sessions.values():
        assert site.session(session)["wallet"] == resident.wallet.id
        resident.stop(session)
    site.check(sessions, 0.01, lambda bay: "Remote")
