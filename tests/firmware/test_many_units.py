"""Sixty-four units at once against one gateway: every batch is taken, and every session billed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from firmware.provisioning.image import Identity, network_tag, padded
from tests.firmware.condominium import Condominium, Resident, serving
from tests.firmware.station import GAIN, NOISE, Station

pytestmark = [pytest.mark.firmware, pytest.mark.slow]
UNITS = 64
AMPERES = 10.0
CHUNK = 10
"""Seconds that are given to a unit at once, less than its patience for an answer."""
CHARGED = 300
AMOUNT = 100_000
MINOR_PER_WH = 100


class Crowd:
    """The units, each a process, and their gateway."""

    def __init__(self, condominium: Condominium) -> None:
        self.condominium = condominium
        self.stations: dict[int, Station] = {}

    def pass_time(self, seconds: int) -> None:
        """Let seconds pass for everybody; the units work side by side."""
        for _ in range(seconds // CHUNK):
            self.condominium.advance(CHUNK)
            for station in self.stations.values():
                for _ in range(CHUNK):
                    station.bench.start_second(AMPERES)
            for station in self.stations.values():
                station.bench.settle()

    def until(self, state: Callable[[], bool]) -> None:
        for _ in range(60):
            if state():
                return
            self.pass_time(CHUNK)
        raise AssertionError("it does not come about")

    def add(self, unit: int, image: Path, folder: Path, known: dict[str, Any], sampling: int) -> Station:
        """One more, enrolled by the key that it makes."""
        condominium = self.condominium
        identity = Identity(
            unit_class="ed25519", unit=unit, network=network_tag(known["network"], known["code"]),
            signing_key=bytes.fromhex(known["signing_key"]), port=condominium.port, server="127.0.0.1",
            hold=0, gain=GAIN, noise=NOISE, starting=100, ethernet=bytes((2, 0, 0, 0, 0, unit)),
        )  # fmt: skip
        place = folder / str(unit)
        place.mkdir()
        station = Station("posix", image, place, padded(identity.encode(), 4096))
        self.stations[unit] = station
        station.power()
        station.bench.second()
        condominium.post("/v1/units", {
            "unit": unit, "class": "ed25519", "key": station.bench.public_key.hex(),
            "nominal_current": 16_000, "nominal_voltage": 2_300, "phases": 1,
            "settings": {
                "name": f"Unit {unit}", "group": "garage", "transmission": 60, "sampling": sampling,
                "server": "127.0.0.1", "port": condominium.port,
            },
        })  # fmt: skip
        return station


@pytest.fixture(params=[60, 1], ids=["a-sample-a-minute", "a-sample-a-second"])
def crowd(
    request: pytest.FixtureRequest, image: Callable[[str, str], Path], tmp_path: Path
) -> Iterator[Crowd]:
    """Sixty-four units that are heard."""
    with ExitStack() as stack:
        condominium = stack.enter_context(serving(tmp_path / "gateway"))
        condominium.furnish(load=UNITS * 3_680)
        made = Crowd(condominium)
        known = condominium.get("/v1/condominium")
        program = image("posix", "condocharge-unit")
        for unit in range(UNITS):
            stack.callback(made.add(unit, program, tmp_path, known, request.param).close)
        made.until(lambda: _states(condominium) == {"free"})
        yield made


def _states(condominium: Condominium) -> set[str]:
    return {unit["state"] for unit in condominium.get("/v1/units")["rows"]}


def _stored(folder: Path) -> dict[int, tuple[int, int, int]]:
    """What the gateway stored of each unit: how many batches, the first number and the last."""
    with sqlite3.connect(f"file:{folder / 'gateway' / 'gateway.sqlite'}?mode=ro", uri=True) as database:
        rows = database.execute(
            "SELECT unit, COUNT(*), MIN(number), MAX(number) FROM reading_batch GROUP BY unit"
        )
        return {unit: (count, first, last) for unit, count, first, last in rows}


def test_none_is_lost(crowd: Crowd, tmp_path: Path) -> None:
    """All charge at once for five minutes: no number is missing, no alarm rings, each bill is right."""
    condominium = crowd.condominium
    residents = {unit: Resident(condominium, f"resident-{unit}", AMOUNT) for unit in crowd.stations}
    sessions = {
        unit: resident.open(unit, amount=AMOUNT, duration=7_200) for unit, resident in residents.items()
    }  # fmt: skip
    crowd.until(lambda: all(station.bench.relay for station in crowd.stations.values()))
    processor, since = condominium.processor_seconds(), condominium.now
    crowd.pass_time(CHARGED)
    share = (condominium.processor_seconds() - processor) / (condominium.now - since)
    for unit, session in sessions.items():
        residents[unit].stop(session)
    crowd.until(lambda: _states(condominium) == {"free"})
    print(f"{UNITS} units: the gateway takes {share:.1%} of one processor")
    for unit, (count, first, last) in _stored(tmp_path).items():
        assert (first, last) == (1, count), unit
        assert count >= CHARGED // 60 + 3, unit
    assert condominium.get("/v1/alarms")["rows"] == []
    for unit, station in crowd.stations.items():
        settled = condominium.get(f"/v1/sessions/{sessions[unit]}")
        billed = settled["cost"] / MINOR_PER_WH
        assert billed == pytest.approx(station.bench.energy / 1000, rel=0.01), unit
