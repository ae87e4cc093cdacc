"""From making a wallet to auditing the ledger: the command against a gateway and a unit that really run."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from nacl.bindings import crypto_sign_seed_keypair

from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car
from firmware.simulator.electrical.outlet import Outlet
from firmware.simulator.installation import Installation
from firmware.simulator.runtime import Runtime
from firmware.simulator.transport.http import HttpTransport
from firmware.simulator.unit.authentication import SignatureAuthentication
from firmware.simulator.unit.identity import Board, Identity

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("end-to-end")]
PASSWORD = "correct horse battery"
SEED = b"u" * 32
PATIENCE = 60.0
UNIT = {
    "unit": 7,
    "class": "ed25519",
    "key": crypto_sign_seed_keypair(SEED)[0].hex(),
    "nominal_current": 32_000,
    "nominal_voltage": 2_300,
    "phases": 1,
    "settings": {"name": "Seven", "group": "garage", "transmission": 5, "sampling": 1},
}
TARIFF = {"start_fee": 25, "bands": [{"name": "all day", "energy_price": 1_000_000_000, "idle_price": 0}]}
"""A thousand a kilowatt-hour, so that a few seconds cost something."""


@dataclass
class House:
    """A gateway at work, seen by its operator."""

    address: str
    operator: httpx.Client

    def post(self, path: str, members: dict[str, Any] | None = None) -> Any:
        """What the operator's request is answered."""
        answer = self.operator.post(path, json=members or {})
        assert answer.is_success, answer.text
        return answer.json()

    def become_administrator(self, invitation: str) -> None:
        """Accept the first invitation and log in."""
        account = self.post("/v1/invitations/accept", {"token": invitation, "password": PASSWORD})
        login = {"username": account["username"], "password": PASSWORD}
        self.operator.headers["authorization"] = f"Bearer {self.post('/v1/login', login)['token']}"

    def furnish(self, invitation: str) -> None:
        """Become the administrator; make a group, a tariff and a unit."""
        self.become_administrator(invitation)
        self.post("/v1/groups", {"code": "garage", "name": "Garage", "maximum_load": 7_400, "phases": 1})
        self.post("/v1/tariffs", TARIFF)
        self.post("/v1/units", UNIT)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, str]]:
    """A gateway in a process of its own: its address and the first administrator's invitation."""
    environment = os.environ | {
        "CONDOCHARGE_DIRECTORY": str(folder),
        "CONDOCHARGE_CONDOMINIUM_CODE": "riverside",
        "CONDOCHARGE_CONDOMINIUM_CURRENCY": "EUR",
        "CONDOCHARGE_HTTP_PORT": "0",
        "CONDOCHARGE_GRPC_PORT": "0",
        "CONDOCHARGE_PAGES_WALLET_PORT": "0",
    }
    command = [sys.executable, "-c", "from gateway.command import serve; serve()"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdout is not None
        said = ""
        while "REST" not in said:
            line = gateway.stdout.readline()
            assert line, f"the gateway ended before it was ready: {said}"
            said += line
        address = re.search(r"REST +(\S+)/docs", said)
        invitation = re.search(r"invitation/(\S+)", said)
        assert address is not None, said
        assert invitation is not None, said
        try:
            yield address[1], invitation[1]
        finally:
            gateway.terminate()


@contextmanager
def charging(house: House) -> Iterator[None]:
    """The unit, with an empty car plugged in, speaking to the gateway over HTTP."""
    key = bytes.fromhex(house.operator.get("/v1/condominium").json()["signing_key"])
    identity = Identity(7, SignatureAuthentication.from_seed(SEED, key))
    outlet = Outlet(time.time(), car=Car(Battery(50_000, 0), rated=16.0))
    board = Board(minimum_on=0, minimum_off=0)
    place = Installation(outlet, identity, board=board)
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def live() -> None:
        async with httpx.AsyncClient(base_url=house.address) as client:
            unit = asyncio.ensure_future(Runtime(place, HttpTransport(client, wait=2), time.time).run())
            await stopping.wait()
            unit.cancel()
            await asyncio.gather(unit, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A condominium with one unit and a tariff."""
    with (
        serving(tmp_path_factory.mktemp("gateway")) as (address, invitation),
        httpx.Client(base_url=address, timeout=30) as operator,
    ):
        house = House(address, operator)
        house.furnish(invitation)
        with charging(house):
            yield house


@dataclass
class Person:
    """Somebody at a terminal."""

    home: Path
    address: str

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `condocharge`."""
        environment = os.environ | {
            "CONDOCHARGE_HOME": str(self.home),
            "CONDOCHARGE_PASSPHRASE": "a passphrase of maria's",
            "CONDOCHARGE_GATEWAY": self.address,
        }
        command = [sys.executable, "-c", "from client.command.main import main; main()", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def json(self, *words: str) -> Any:
        """The JSON value that a command answers with."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def maria(house: House, tmp_path: Path) -> Person:
    """A resident with a wallet of 50.00."""
    person = Person(tmp_path / "maria", house.address)
    person.json("wallet", "create", "maria")
    reference = person.json("buy", "50")["reference"]
    house.post(f"/v1/purchases/{reference}/payment")
    assert person.json("wallet", "statement")["balance"] == 5_000
    return person


def until(state: Callable[[], bool]) -> None:
    """Wait until `state`, however slow the machine is."""
    deadline = time.monotonic() + PATIENCE
    while not state():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.2)


def test_a_session_from_wallet_to_audit(house: House, maria: Person, tmp_path: Path) -> None:
    """Buy, open, charge, stop, refund; receipt, readings and the whole ledger verified."""
    session = maria.json("open", "7", "--lock", "20", "--hours", "1", "--yes")["session"]
    known = maria.json("wallet", "statement")
    assert (known["balance"], known["escrow"]) == (3_000, 2_000)
    until(lambda: house.operator.get(f"/v1/sessions/{session}").json()["energy"] > 0)
    assert maria.json("stop")["stop_at"] is not None

    watched = maria.run("watch", session, "--json")
    assert watched.returncode == 0, watched.stderr
    ended = json.loads(watched.stdout.splitlines()[-1])
    assert ended["state"] == "settled"
    assert ended["cost"] + ended["refund"] == 2_000
    assert ended["cost"] > TARIFF["start_fee"]

    receipt, raw = tmp_path / "receipt.json", tmp_path / "readings"
    proven = maria.json("receipt", "save", "--output", str(receipt), "--readings", str(raw))
    assert proven["session"]["settlement"]["cost"] == ended["cost"]
    assert proven["readings"] >= 2
    after = maria.json("wallet", "statement")
    assert (after["balance"], after["escrow"]) == (5_000 - ended["cost"], 0)
    assert sum(row["amount"] for row in after["rows"]) == after["balance"]

    root, ledger = tmp_path / "root.pem", tmp_path / "ledger.ndjson"
    root.write_text(house.operator.get("/v1/condominium").json()["root_certificate"])
    stranger = Person(tmp_path / "auditor", house.address)
    words = ("receipt", "verify", str(receipt), "--root", str(root), "--readings", str(raw))
    assert stranger.json(*words)["verified"] is True
    stranger.json("audit", "export", str(ledger))
    report = stranger.json("audit", "verify", str(ledger), "--root", str(root))
    assert report["functions"]["session.settle"] == 1
    (supply,) = report["supply"].values()
    assert (supply["income"], supply["escrow"]) == (ended["cost"], 0)


def test_what_the_rules_refuse_is_one_sentence(maria: Person) -> None:
    """More than the wallet has: field and rule reach the terminal, and nothing is locked."""
    refused = maria.run("open", "7", "--lock", "51", "--yes")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr
    assert "amount" in refused.stderr
    assert maria.json("wallet", "statement")["escrow"] == 0


def test_another_wallets_statement_is_not_shown(house: House, maria: Person, tmp_path: Path) -> None:
    """A query is for the wallet that signed it."""
    rui = Person(tmp_path / "rui", house.address)
    rui.json("wallet", "create", "rui")
    assert rui.json("wallet", "statement")["rows"] == []
    assert rui.run("receipt", "save").returncode == 1
