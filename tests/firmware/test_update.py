"""A unit on a computer takes a new firmware from a gateway that runs: it charges before and after, and goes
back where the new one does not start."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from nacl import pwhash

from firmware.provisioning import keyfile
from firmware.provisioning.command import unit as unit_command
from firmware.provisioning.firmware import MARK, read_image
from firmware.provisioning.image import decode, padded
from tests.firmware.bay import BenchBay, constant_load
from tests.firmware.condominium import Condominium, Resident, serving
from tests.firmware.station import Station

pytestmark = [pytest.mark.firmware, pytest.mark.slow]
Image = Callable[[str, str], Path]
UNIT, AMOUNT, MINOR_PER_WH = 7, 100_000, 100
PASSPHRASE = "correct horse battery"
_MOST_SECONDS = 900


class Launched(Station):
    """A unit that its launcher starts out of a slot."""

    launcher: Path
    slots: Path

    def _command(self) -> list[str]:
        return [str(self.launcher), str(self.storage), str(self.slots), str(self.bench.path), "0"]


@dataclass
class Site:
    condominium: Condominium
    bay: BenchBay
    resident: Resident
    key: Path
    program: bytes
    starts: int = 1

    def second(self) -> None:
        """A second passes; a unit that ended itself is let in again when its launcher has started another."""
        self.condominium.advance(1)
        try:
            self.bay.begin()
            self.bay.finish()
        except (ConnectionError, BrokenPipeError):
            self.starts += 1
            self.bay.station.bench.accept(switches=UNIT)
            self.bay.plug(self.bay.outlet.car)

    def until(self, state: Callable[[], bool]) -> None:
        for _ in range(_MOST_SECONDS):
            if state():
                return
            self.second()
        raise AssertionError("it does not come about")

    def report(self) -> Any:
        """What the manager sees of the unit."""
        rows = self.condominium.get("/v1/unit-firmware")["units"]
        return rows[0] if rows else {"firmware": None, "state": None}

    def charge(self) -> None:
        """A session of some 30 Wh, billed within 1 %."""
        self.until(lambda: self.condominium.get(f"/v1/units/{UNIT}")["state"] == "free")
        self.bay.plug(constant_load(10.0))
        self.bay.outlet.energy = 0.0
        session = self.resident.open(UNIT, amount=AMOUNT, duration=3_600)
        self.until(lambda: self.bay.outlet.energy > 30)
        self.resident.stop(session)
        read = f"/v1/sessions/{session}"
        self.until(lambda: self.condominium.get(read)["state"] == "settled")
        cost = self.condominium.get(read)["cost"]
        assert cost / MINOR_PER_WH == pytest.approx(self.bay.outlet.energy, rel=0.01)
        self.bay.plug(None)

    def restart(self) -> None:
        """Power goes and comes: a unit that starts asks for its firmware at once."""
        self.bay.station.cut()
        self.bay.station.power(switches=UNIT)
        self.bay.plug(self.bay.outlet.car)

    def order(self, file: bytes, version: str) -> None:
        operator = self.condominium.operator
        uploaded = operator.post("/v1/firmware", content=file)
        assert uploaded.is_success, uploaded.text
        ordered = operator.put(f"/v1/units/{UNIT}/firmware-target", json={"version": version})
        assert ordered.is_success, ordered.text
        self.restart()


def numbered(program: bytes, major: int) -> bytes:
    """The same program as another version: what stands behind its mark."""
    at = program.index(MARK) + len(MARK) + 16
    return program[:at] + bytes((0, 0, 0, major)) + program[at + 4 :]


def crashing(program: bytes, major: int) -> bytes:
    """A program that ends at once, and says that it is for the same board."""
    at = program.index(MARK)
    return Path("/bin/false").read_bytes() + numbered(program[at : at + len(MARK) + 20], major)


def sign(folder: Path, key: Path, program: bytes, name: str) -> bytes:
    """What the command makes of a program."""
    image, output = folder / name, folder / f"{name}.signed"
    image.write_bytes(program)
    arguments = ["sign-firmware", str(image), "--key", str(key), "--output", str(output)]
    done = CliRunner().invoke(unit_command, [*arguments, "--passphrase", PASSPHRASE])
    assert done.exit_code == 0, done.output
    return output.read_bytes()


def _station(folder: Path, condominium: Condominium, image: Image, key: Path, program: bytes) -> Launched:
    output = folder / "unit.storage"
    provisioned = CliRunner().invoke(unit_command, [
        "provision", "--gateway", condominium.address, "--token", condominium.token, "--unit", str(UNIT),
        "--board", "posix", "--group", "garage", "--firmware-key", str(key), "--output", str(output),
    ])  # fmt: skip
    assert provisioned.exit_code == 0, provisioned.output
    content = output.read_bytes()
    # Answers that are held would have the simulated times of unit and gateway wait for each other.
    identity = replace(decode(content), hold=0).encode()
    launcher = image("posix", "condocharge-launcher")
    station = Launched(
        "posix", launcher, folder, padded(identity, 4_096) + content[4_096:], decode(content).gain
    )
    station.launcher, station.slots = launcher, folder / "slots"
    station.slots.mkdir()
    (station.slots / "slot-0").write_bytes(sign(folder, key, program, "first"))
    return station


@contextmanager
def _furnished(folder: Path, image: Image) -> Iterator[Site]:
    key, program = folder / "firmware.key", folder / "condocharge-unit"
    cheap = {"operations": pwhash.argon2id.OPSLIMIT_MIN, "memory": pwhash.argon2id.MEMLIMIT_MIN}
    public = keyfile.make(key, PASSPHRASE, **cheap)
    built = image("posix", "condocharge-unit")
    subprocess.run(["strip", "-o", str(program), str(built)], check=True)
    content = program.read_bytes()
    settings = {"CONDOCHARGE_UNITS_FIRMWARE_KEY": public.hex()}
    with serving(folder / "gateway", settings) as condominium:
        condominium.furnish()
        station = _station(folder, condominium, image, key, content)
        try:
            station.power(switches=UNIT)
            while len(station.bench.public_key) != 32:
                station.bench.second()
            condominium.post("/v1/units", {
                "unit": UNIT, "class": "ed25519", "key": station.bench.public_key.hex(),
                "nominal_current": 16_000, "nominal_voltage": 2_300, "phases": 1,
                "settings": {"name": "Bay", "group": "garage", "transmission": 5, "sampling": 1,
                             "server": "127.0.0.1", "port": condominium.port},
            })  # fmt: skip
            bay = BenchBay(station)
            bay.plug(None)
            yield Site(condominium, bay, Resident(condominium, "resident", 20 * AMOUNT), key, content)
        finally:
            station.close()


@pytest.fixture
def site(image: Image, tmp_path: Path) -> Iterator[Site]:
    """A unit that its launcher started out of its first slot, and its gateway."""
    with _furnished(tmp_path, image) as made:
        yield made


def test_update_and_fall_back(site: Site, tmp_path: Path) -> None:
    """1.0.0 charges, becomes 2.0.0 and charges on with the same register; 3.0.0 ends as it starts, and 2.0.0
    runs again and the manager sees it; a key that is not the condominium's signs for nobody."""
    assert read_image(site.program).version_text == "1.0.0"
    site.charge()
    site.until(lambda: site.report()["firmware"] == "1.0.0")
    starts = site.starts
    site.order(sign(tmp_path, site.key, numbered(site.program, 2), "second"), "2.0.0")
    site.until(lambda: site.report()["state"] == "done")
    assert site.report()["firmware"] == "2.0.0"
    assert site.starts == starts + 1
    register = site.bay.station.bench.register
    assert register > 0
    site.charge()
    assert site.bay.station.bench.register > register
    site.order(sign(tmp_path, site.key, crashing(site.program, 3), "third"), "3.0.0")
    site.until(lambda: site.report()["state"] == "fell-back")
    assert site.report()["failed"] == "3.0.0"
    assert site.report()["firmware"] == "2.0.0"
    site.charge()
    kinds = {alarm["kind"] for alarm in site.condominium.get("/v1/alarms")["rows"]}
    assert not [kind for kind in kinds if "falling" in kind or "forged" in kind or "repeated" in kind]
    other = tmp_path / "other.key"
    keyfile.make(
        other, PASSPHRASE, operations=pwhash.argon2id.OPSLIMIT_MIN, memory=pwhash.argon2id.MEMLIMIT_MIN
    )
    foreign = sign(tmp_path, other, numbered(site.program, 4), "foreign")
    refused = site.condominium.operator.post("/v1/firmware", content=foreign)
    assert (refused.status_code, refused.json()["field"]) == (422, "firmware.signature")
