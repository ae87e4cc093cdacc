"""Boards of both classes against a gateway and ledger that really run, in real time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from firmware.provisioning.image import Identity, network_tag, padded
from tests.client.test_end_to_end import House, Person, serving, until
from tests.firmware.station import GAIN, LOOPBACK, NOISE, Station
from tests.firmware.test_boards import IMAGES

pytestmark = [pytest.mark.firmware, pytest.mark.slow, pytest.mark.xdist_group("end-to-end")]
AMPERES = 10.0
BOARDS = {7: "posix", 8: "mps2", 9: "lm3s"}


class Live:
    """A station whose time is the computer's: a thread feeds it a second of samples each second."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.plugged = True
        self.failure: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self.station.power()
        self._thread.start()

    def _run(self) -> None:
        due = time.monotonic()
        try:
            while not self._stop.is_set():
                self.station.bench.feed(AMPERES if self.plugged else 0.0)
                due += 1.0
                self._stop.wait(max(0.0, due - time.monotonic()))
        except (OSError, AssertionError) as error:
            self.failure = error

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self.station.close()


@contextmanager
def charging_boards(
    house: House, folder: Path, image: Callable[[str, str], Path]
) -> Iterator[dict[int, Live]]:
    """Every board, provisioned, enrolled by the key that it made, and running."""
    condominium = house.operator.get("/v1/condominium").json()
    port = int(house.address.rpartition(":")[2])
    network = network_tag(condominium["network"], condominium["code"])
    boards: dict[int, Live] = {}
    try:
        for unit, board in BOARDS.items():
            identity = Identity(
                unit_class="ed25519", unit=unit, network=network, port=port, server=LOOPBACK[board], hold=2,
                signing_key=bytes.fromhex(condominium["signing_key"]), gain=GAIN, noise=NOISE, starting=100,
                ethernet=bytes((2, 0, 0, 0, 0, unit)),
            )  # fmt: skip
            place = folder / board
            place.mkdir()
            boards[unit] = Live(Station(board, image(*IMAGES[board]), place, padded(identity.encode(), 4096)))
            boards[unit].start()
        for unit, board in BOARDS.items():
            bench = boards[unit].station.bench
            until(lambda bench=bench: len(bench.public_key) == 32)  # type: ignore[misc]
            house.post("/v1/units", _enrolment(unit, bench.public_key, LOOPBACK[board], port))
        yield boards
    finally:
        for live in boards.values():
            live.stop()


def _enrolment(unit: int, key: bytes, host: str, port: int) -> dict[str, Any]:
    settings = {"name": f"Unit {unit}", "group": "garage", "transmission": 5, "sampling": 1}
    return {
        "unit": unit,
        "class": "ed25519",
        "key": key.hex(),
        "nominal_current": 16_000,
        "nominal_voltage": 2_300,
        "phases": 1,
        "settings": settings | {"server": host, "port": port},
    }


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A condominium with a group, a tariff and nothing else."""
    with (
        serving(tmp_path / "gateway") as (address, invitation),
        httpx.Client(base_url=address, timeout=30) as operator,
    ):
        made = House(address, operator)
        made.become_administrator(invitation)
        made.post("/v1/groups", {"code": "garage", "name": "Garage", "maximum_load": 20_000, "phases": 1})
        made.post(
            "/v1/tariffs",
            {"start_fee": 0, "bands": [{"name": "day", "energy_price": 10_000_000, "idle_price": 0}]},
        )
        yield made


@pytest.fixture
def maria(house: House, tmp_path: Path) -> Person:
    """A resident with 50.00."""
    person = Person(tmp_path / "maria", house.address)
    person.json("wallet", "create", "maria")
    reference = person.json("buy", "50")["reference"]
    house.post(f"/v1/purchases/{reference}/payment")
    return person


def test_boards_charge_and_settle(
    house: House, maria: Person, tmp_path: Path, image: Callable[[str, str], Path]
) -> None:
    """Started by command, ended by the resident, by the money and by the time: what the ledger bills is what
    truly flowed, within 1 % and the second that a bench's step takes."""
    with charging_boards(house, tmp_path, image) as boards:
        for unit in BOARDS:
            until(lambda unit=unit: house.operator.get(f"/v1/units/{unit}").json()["state"] == "free")  # type: ignore[misc]
        sessions = {
            7: maria.json("open", "7", "--lock", "20", "--hours", "1", "--yes")["session"],
            8: maria.json("open", "8", "--lock", "0.30", "--hours", "1", "--yes")["session"],
            9: maria.json("open", "9", "--lock", "20", "--hours", "0.0167", "--yes")["session"],
        }
        until(lambda: boards[7].station.bench.energy > 15_000)
        maria.json("stop", sessions[7])
        ended = {unit: _settled(maria, session) for unit, session in sessions.items()}
        assert not [live.failure for live in boards.values() if live.failure is not None]
        for unit, session in ended.items():
            truth = boards[unit].station.bench.energy / 1000
            second = AMPERES * 230 / 3600
            assert session["energy"] == pytest.approx(truth, rel=0.01, abs=2 * second), BOARDS[unit]
        assert ended[8]["cost"] + ended[8]["refund"] == 30
        assert ended[8]["cost"] > 0


def _settled(person: Person, session: str) -> Any:
    """The session's last state, as `watch` tells it."""
    watched = person.run("watch", session, "--json")
    assert watched.returncode == 0, watched.stderr
    state = json.loads(watched.stdout.splitlines()[-1])
    assert state["state"] == "settled", state
    return state
