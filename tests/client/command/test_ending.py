"""`condocharge stop` and `reclaim`."""

from __future__ import annotations

import time

import pytest

from chaincode.signing.intent import ReclaimIntent, StopIntent
from tests.client.command.conftest import Terminal
from tests.client.relay import server_sent, session_members

SESSION = "ab" * 32


def _sessions(terminal: Terminal, wallet: str) -> None:
    """Two sessions, of which the newer has ended; the other ends when it is watched."""
    rows = [session_members("cd" * 32, wallet, state="settled"), session_members(SESSION, wallet)]
    terminal.relay.answers[f"GET /v1/wallets/{wallet}/sessions"] = (200, {"rows": rows, "bookmark": ""})
    end = {"state": "settled", "activity": "ended", "ended": 1_800_009_000, "refund": 1_050}
    stream = server_sent(session_members(SESSION, wallet), session_members(SESSION, wallet, **end))
    terminal.relay.answers[f"GET /v1/sessions/{SESSION}/events"] = (200, stream)


def test_the_one_session_is_stopped_and_its_refund_shown(terminal: Terminal, maria: str) -> None:
    """The wallet signs a stop for it, and waits until its money is back."""
    _sessions(terminal, maria)
    said = terminal.done("stop")
    assert SESSION in said
    assert "EUR 10.50" in said
    (intent,) = terminal.relay.intents
    assert isinstance(intent, StopIntent)
    assert intent.session == SESSION


def test_which_of_several_is_not_guessed(terminal: Terminal, maria: str) -> None:
    """Those that fit are listed by id, unit and state; nothing is signed."""
    rows = [session_members("cd" * 32, maria, unit=3, state="opened"), session_members(SESSION, maria)]
    terminal.relay.answers[f"GET /v1/wallets/{maria}/sessions"] = (200, {"rows": rows, "bookmark": ""})
    said = terminal.refused("stop")
    assert f"{'cd' * 32}  unit 3, opened" in said
    assert f"{SESSION}  unit 7, started" in said
    assert "stop SESSION" in said
    assert terminal.relay.intents == []


def test_a_script_gets_the_end_as_one_value(terminal: Terminal, maria: str) -> None:
    """The changes before it are for those who watch."""
    _sessions(terminal, maria)
    ended = terminal.json("stop")
    assert (ended["session"], ended["state"], ended["refund"]) == (SESSION, "settled", 1_050)


def test_whoever_does_not_wait_is_told_how_it_goes_on(terminal: Terminal, maria: str) -> None:
    """`--no-wait` ends when the ledger has the stop."""
    _sessions(terminal, maria)
    result = terminal.run("stop", "--no-wait")
    assert result.exit_code == 0
    assert SESSION in result.stdout
    assert "last reading" in result.stderr
    assert not any("events" in str(request.url) for request in terminal.relay.requests)


def test_only_a_late_session_is_reclaimed(terminal: Terminal, maria: str) -> None:
    """Of the sessions that have not ended it is the one whose deadline has passed."""
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
