"""`condocharge wallet` from making a wallet to seeing what is in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.command.conftest import PASSPHRASE, Terminal, certificate
from tests.client.relay import ADDRESS, CONDOMINIUM


def test_a_wallet_is_made_at_a_condominium(terminal: Terminal) -> None:
    """It remembers the gateway, the network and the root certificate that it was made under."""
    made = terminal.json("wallet", "create", "maria")
    assert (made["name"], made["gateway"], made["network"]) == ("maria", ADDRESS, "aurora")
    shown = terminal.json("wallet", "show")
    assert shown["wallet"] == made["wallet"]
    assert shown["fingerprint"].count(":") == 31
    assert [each["name"] for each in terminal.json("wallet", "list")] == ["maria"]


def test_ids_are_shown_whole(terminal: Terminal, maria: str) -> None:
    """However narrow the terminal: half an id or fingerprint is no use."""
    assert maria in terminal.done("wallet", "list")
    shown = terminal.done("wallet", "show")
    assert maria in shown
    assert terminal.json("wallet", "show")["fingerprint"] in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_the_passphrase_is_typed_twice(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable it is asked for, and a slip of the finger is caught."""
    monkeypatch.delenv("CONDOCHARGE_PASSPHRASE")
    slip = terminal.run("wallet", "create", "maria", typed="one passphrase\nanother one\n")
    assert slip.exit_code != 0
    made = terminal.run("wallet", "create", "maria", typed=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert made.exit_code == 0
    assert PASSPHRASE not in made.output
    assert "(at least 8 characters)" in made.stderr.splitlines()[0]
    assert terminal.run("wallet", "unlock", "maria", typed=f"{PASSPHRASE}\n").exit_code == 0


def test_a_known_root_must_be_the_gateways(terminal: Terminal, tmp_path: Path) -> None:
    """Somebody else's gateway is noticed before a wallet trusts it."""
    root = tmp_path / "root.pem"
    root.write_text(certificate())
    said = terminal.refused("wallet", "create", "maria", "--root", str(root))
    assert "another root certificate" in said
    assert terminal.json("wallet", "list") == []


def test_a_gateway_without_a_certificate_is_refused(terminal: Terminal) -> None:
    """What is no certificate cannot be trusted."""
    terminal.relay.answers["GET /v1/condominium"] = (200, CONDOMINIUM)
    assert "not a certificate in PEM form" in terminal.refused("wallet", "create", "maria")


def test_names_and_passphrases_have_rules(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refusal is one sentence that names the rule."""
    assert "a-z, 0-9" in terminal.refused("wallet", "create", "Maria!", code=2)
    monkeypatch.setenv("CONDOCHARGE_PASSPHRASE", "short")
    assert "at least 8 characters" in terminal.refused("wallet", "create", "maria")


@pytest.mark.usefixtures("maria")
def test_a_wallet_is_not_made_twice(terminal: Terminal) -> None:
    """The first one's key is safe, and no passphrase is asked for in vain."""
    assert "already" in terminal.refused("wallet", "create", "maria")


@pytest.mark.usefixtures("maria")
def test_a_wrong_passphrase_is_one_sentence(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback, no key."""
    monkeypatch.setenv("CONDOCHARGE_PASSPHRASE", "wrong horse")
    assert "does not open the wallet maria" in terminal.refused("wallet", "unlock", "maria")


@pytest.mark.usefixtures("maria")
def test_a_command_runs_with_the_wallet_unlocked(terminal: Terminal, tmp_path: Path) -> None:
    """It is given passphrase and name, its exit code is passed on, and nothing is left behind."""
    before = sorted(tmp_path.rglob("*"))
    given = "os.environ['CONDOCHARGE_PASSPHRASE'], os.environ['CONDOCHARGE_WALLET']"
    script = f"import os, sys; sys.exit(7 if ({given}) == ({PASSPHRASE!r}, 'maria') else 1)"
    assert terminal.run("wallet", "unlock", "maria", "--", sys.executable, "-c", script).exit_code == 7
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("maria")
def test_a_command_that_is_not_there_is_named(terminal: Terminal) -> None:
    """A misspelt command is not a traceback."""
    assert "no-such-command cannot be run" in terminal.refused("wallet", "unlock", "maria", "no-such-command")


def test_balance_and_movements_are_shown(terminal: Terminal, maria: str) -> None:
    """In the token's own decimals; at most as many rows as asked for."""
    rows = [
        {"time": 1_800_000_000 + i, "kind": "refund", "amount": i, "session": None, "transaction": "ab" * 32}
        for i in range(5)
    ]
    balance = {"wallet": maria, "key": maria, "issuer": "sol", "balance": 4_200, "escrow": 1_200}
    terminal.relay.answers[f"GET /v1/wallets/{maria}"] = (200, balance)
    terminal.relay.answers[f"GET /v1/wallets/{maria}/statement"] = (200, {"rows": rows, "bookmark": ""})
    assert "EUR 42.00" in terminal.done("wallet", "statement")
    members = terminal.json("wallet", "statement", "--rows", "2")
    assert (members["balance"], members["escrow"], len(members["rows"])) == (4_200, 1_200, 2)


def test_without_a_wallet_the_first_step_is_named(terminal: Terminal) -> None:
    """A newcomer is told what to do."""
    assert "condocharge wallet create NAME" in terminal.refused("wallet", "statement")
    assert "condocharge wallet create NAME" in terminal.run("wallet", "list").stderr


@pytest.mark.usefixtures("maria")
def test_of_several_wallets_one_is_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """By option or by environment; nothing is guessed."""
    terminal.done("wallet", "create", "rui")
    assert "several wallets (maria, rui)" in terminal.refused("stop")
    assert "no wallet called ana" in terminal.refused("stop", "--wallet", "ana")
    monkeypatch.setenv("CONDOCHARGE_WALLET", "ana")
    assert "no wallet called ana" in terminal.refused("stop")


@pytest.mark.usefixtures("maria")
def test_without_a_terminal_the_way_out_is_named(terminal: Terminal) -> None:
    """A script that was given no passphrase: one sentence, no warning, nothing waits for ever."""
    environment = {name: value for name, value in os.environ.items() if name != "CONDOCHARGE_PASSPHRASE"}
    done = subprocess.run(
        [sys.executable, "-c", "from client.command.main import main; main()", "wallet", "unlock", "maria"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 1
    assert "give it in CONDOCHARGE_PASSPHRASE" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
