"""`condocharge stop` and `reclaim`."""

from __future__ import annotations

import time

import pytest

from chaincode.signing.intent import ReclaimIntent, StopIntent
from tests.client.command.conftest import Terminal
from tests.client.relay import session_members

SESSION = "ab" * 32


def test_the_newest_session_is_stopped(terminal: Terminal, maria: str) -> None:
    """The wallet signs a stop for it, and is told how it goes on."""
    rows = [session_members("cd" * 32, maria, state="settled"), session_members(SESSION, maria)]
    terminal.relay.answers[f"GET /v1/wallets/{maria}/sessions"] = (200, {"rows": rows, "bookmark": ""})
    result = terminal.run("stop")
    assert result.exit_code == 0
    assert SESSION in result.stdout
    assert "last reading" in result.stderr
    (intent,) = terminal.relay.intents
    assert isinstance(intent, StopIntent)
    assert intent.session == SESSION


def test_only_a_late_session_is_reclaimed(terminal: Terminal, maria: str) -> None:
    """Of the sessions that have not ended it is the newest whose deadline has passed."""
    now = int(time.time())
    rows = [
        session_members("cd" * 32, maria, deadline=now + 3_600),
        session_members("ef" * 32, maria, deadline=now - 10, state="settled"),
        session_members(SESSION, maria, deadline=now - 10),
    ]
    terminal.relay.answers[f"GET /v1/wallets/{maria}/sessions"] = (200, {"rows": rows, "bookmark": ""})
    terminal.json("reclaim")
    (intent,) = terminal.relay.intents
    assert isinstance(intent, ReclaimIntent)
    assert intent.session == SESSION


@pytest.mark.usefixtures("maria")
@pytest.mark.parametrize("command", ["stop", "reclaim"])
def test_a_session_is_named_by_its_whole_id(terminal: Terminal, command: str) -> None:
    """A part of an id is wrong use; nothing is signed for it."""
    assert "64 lower-case hexadecimal" in terminal.refused(command, "abab", code=2)
    assert terminal.relay.intents == []


@pytest.mark.usefixtures("maria")
def test_too_early_is_the_rules_own_sentence(terminal: Terminal) -> None:
    """The ledger decides; its words are passed on."""
    problem = {"detail": "session: can be reclaimed after 1800000000", "code": "state-conflict"}
    terminal.relay.answers["POST /v1/intents"] = (409, problem)
    assert "can be reclaimed after" in terminal.refused("reclaim", SESSION)
