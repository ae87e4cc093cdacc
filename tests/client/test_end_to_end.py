"""From making a wallet to auditing the ledger: the command against a gateway and a unit that really run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.client.household import TARIFF, House, Person, charging, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("end-to-end")]


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


@pytest.fixture
def maria(house: House, tmp_path: Path) -> Person:
    """A resident with a wallet of 50.00."""
    person = Person(tmp_path / "maria", house.address)
    person.json("wallet", "create", "maria")
    reference = person.json("buy", "50")["reference"]
    house.post(f"/v1/purchases/{reference}/payment")
    assert person.json("wallet", "statement")["balance"] == 5_000
    return person


def test_a_session_from_wallet_to_audit(house: House, maria: Person, tmp_path: Path) -> None:
    """Buy, open, charge, stop, refund; receipt, readings and the whole ledger verified."""
    session = maria.json("open", "7", "--lock", "20", "--hours", "1", "--yes")["session"]
    known = maria.json("wallet", "statement")
    assert (known["balance"], known["escrow"]) == (3_000, 2_000)
    until(lambda: house.operator.get(f"/v1/sessions/{session}").json()["energy"] > 0)
    ended = maria.json("stop")
    watched = maria.run("watch", session, "--json")
    assert watched.returncode == 0, watched.stderr
    assert json.loads(watched.stdout.splitlines()[-1]) == ended
    assert (ended["session"], ended["state"]) == (session, "settled")
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


def test_more_than_the_wallet_has_is_one_sentence(maria: Person) -> None:
    """The amount and the balance are said in money, and nothing is locked."""
    refused = maria.run("open", "7", "--lock", "51", "--yes")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr
    assert "EUR 51.00 is more than the wallet" in refused.stderr
    assert maria.json("wallet", "statement")["escrow"] == 0


def test_another_wallets_statement_is_not_shown(house: House, maria: Person, tmp_path: Path) -> None:
    """A query is for the wallet that signed it."""
    rui = Person(tmp_path / "rui", house.address)
    rui.json("wallet", "create", "rui")
    assert rui.json("wallet", "statement")["rows"] == []
    assert rui.run("receipt", "save").returncode == 1
