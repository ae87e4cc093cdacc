"""`condocharge watch`: to the end, over broken lines, without believing what is written in it."""

from __future__ import annotations

import json

import pytest

from chaincode.ending import STOPPED_REASONS
from client.command import watching as module
from client.command.session import stopped_words
from tests.client.command.conftest import Terminal
from tests.client.relay import server_sent, session_members

SESSION = "ab" * 32
EVENTS = f"GET /v1/sessions/{SESSION}/events"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconnect without a pause."""
    monkeypatch.setattr(module, "_PAUSE", 0)


def ended(wallet: str) -> dict[str, object]:
    """The session when it is over."""
    return session_members(
        SESSION,
        wallet,
        state="settled",
        activity="ended",
        ended=1_800_009_000,
        refund=1_050,
        stopped_reason="EVDisconnected",
    )


def test_each_change_is_a_line_for_scripts(terminal: Terminal, maria: str) -> None:
    """--json prints one object a line, the last one ended."""
    terminal.relay.answers[EVENTS] = (200, server_sent(session_members(SESSION, maria), ended(maria)))
    lines = terminal.done("watch", SESSION, "--json").splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["started", "settled"]


def test_the_end_is_told_to_a_person(terminal: Terminal, maria: str) -> None:
    """Cost, refund, energy, why, and whose word the meter's is."""
    terminal.relay.answers[EVENTS] = (200, server_sent(ended(maria)))
    said = terminal.done("watch", SESSION)
    for expected in (
        "EUR 1.50",
        "EUR 10.50",
        "8.178 kWh",
        "the car was unplugged",
        "unit:",
        "signed by the unit",
    ):
        assert expected in said


def test_the_newest_session_is_found(terminal: Terminal, maria: str) -> None:
    """Without an id it is the newest, ended or not."""
    rows = [
        session_members(SESSION, maria, state="settled"),
        session_members("ef" * 32, maria),
    ]
    terminal.relay.answers[f"GET /v1/wallets/{maria}/sessions"] = (200, {"rows": rows, "bookmark": ""})
    terminal.relay.answers[EVENTS] = (200, server_sent(ended(maria)))
    assert SESSION in terminal.done("watch")


def test_nothing_to_watch_is_said_so(terminal: Terminal, maria: str) -> None:
    """A wallet without a session is not an error of the program."""
    terminal.relay.answers[f"GET /v1/wallets/{maria}/sessions"] = (200, {"rows": [], "bookmark": ""})
    assert "no session yet" in terminal.refused("watch")


def test_a_line_that_breaks_is_taken_up_again(terminal: Terminal, maria: str) -> None:
    """A stream that a proxy closes before the end is asked for anew."""
    streams = iter([server_sent(session_members(SESSION, maria)), b"", server_sent(ended(maria))])
    terminal.relay.answers[EVENTS] = lambda _: (200, next(streams))
    lines = terminal.done("watch", SESSION, "--json").splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["started", "settled"]


@pytest.mark.usefixtures("maria")
def test_a_gateway_that_is_gone_ends_it(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for ever does it knock at a closed door; the exit code says try again."""
    monkeypatch.setattr(module, "_RECONNECTIONS", 2)
    terminal.relay.failures = 100
    assert "does not answer" in terminal.refused("watch", SESSION, code=3)


def test_an_interrupt_ends_the_watching_alone(terminal: Terminal, maria: str) -> None:
    """Ctrl-C: one line that says the session goes on, the shell's exit code, no traceback."""

    def interrupted(_: bytes) -> tuple[int, bytes]:
        raise KeyboardInterrupt

    terminal.relay.answers[EVENTS] = interrupted
    result = terminal.run("watch", SESSION)
    assert result.exit_code == 130
    assert result.stdout.strip() == ""
    assert [line for line in result.stderr.splitlines() if line.strip()][-1].endswith(f"watch {SESSION}")
    assert "Aborted" not in result.output
    assert maria


def test_a_gateway_cannot_write_over_the_screen(terminal: Terminal, maria: str) -> None:
    """Escape sequences and markup in a gateway's words are shown, not obeyed."""
    evil = ended(maria) | {"stopped_reason": "\x1b[2J[bold]paid[/bold]\nrefund: EUR 99"}
    terminal.relay.answers[EVENTS] = (200, server_sent(evil))
    said = terminal.done("watch", SESSION)
    assert "\x1b" not in said
    assert "\N{REPLACEMENT CHARACTER}[2J[bold]paid[/bold]\N{REPLACEMENT CHARACTER}refund: EUR 99" in said


def test_a_session_without_a_reading_says_nothing_of_its_meter(terminal: Terminal, maria: str) -> None:
    """Nobody signed anything for it."""
    unused = ended(maria) | {"state": "cancelled", "started": None, "stopped_reason": "Remote"}
    terminal.relay.answers[EVENTS] = (200, server_sent(unused))
    said = terminal.done("watch", SESSION)
    assert "metering" not in said
    assert "stopped by the resident" in said


def test_every_reason_has_words() -> None:
    """Whatever the ledger's rules can write."""
    assert all(stopped_words(reason) != reason for reason in STOPPED_REASONS)
