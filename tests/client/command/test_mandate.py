"""`condocharge mandate`."""

from __future__ import annotations

import time

import pytest

from chaincode.signing.intent import MandateIntent, RevokeIntent
from tests.client.command.conftest import Terminal

TAG = "0f" * 16
MANDATE = "ab" * 32
CAPS = ("--session", "5", "--period", "50.00", "--price", "0.25")


def _row(**changes: object) -> dict[str, object]:
    """A mandate as the API shows it."""
    return {
        "mandate": MANDATE,
        "issuer": "sol",
        "condominium": "sol",
        "units": [7],
        "tags": [],
        "session_cap": 500,
        "period_cap": 5_000,
        "period": 2_592_000,
        "spent": 120,
        "until": int(time.time()) + 86_400,
        "duration": 32_400,
        "price_limit": 250_000,
        "start_fee_limit": 0,
        "idle_price_limit": 0,
        "revoked": None,
    } | changes


@pytest.mark.usefixtures("maria")
def test_a_tag_is_given_a_mandate(terminal: Terminal) -> None:
    """Within the caps that were named, for the wallet's own condominium."""
    record = terminal.json("mandate", "grant", "--tag", TAG, *CAPS, "--hours", "4", "--yes")
    assert record == {}
    (intent,) = terminal.relay.intents
    assert isinstance(intent, MandateIntent)
    assert (intent.issuer, intent.condominium, intent.units, intent.tags) == ("sol", "sol", (), (TAG,))
    assert (intent.session_cap, intent.period_cap, intent.price_limit) == (500, 5_000, 250_000)
    assert (intent.start_fee_limit, intent.idle_price_limit, intent.duration) == (0, 0, 14_400)
    assert intent.period == 30 * 86_400


@pytest.mark.usefixtures("maria")
def test_plugging_in_is_given_one_after_a_yes(terminal: Terminal) -> None:
    """What is signed is shown before."""
    words = ("mandate", "grant", "--unit", "7", "--unit", "3", *CAPS, "--start-fee", "0.25", "--at", "lua")
    refused = terminal.run(*words, typed="n\n")
    assert "plugging in at unit 3, 7 of lua" in refused.stderr
    assert terminal.relay.intents == []
    assert terminal.run(*words, typed="y\n").exit_code == 0
    (intent,) = terminal.relay.intents
    assert isinstance(intent, MandateIntent)
    assert (intent.units, intent.condominium, intent.start_fee_limit) == ((3, 7), "lua", 25)


@pytest.mark.usefixtures("maria")
@pytest.mark.parametrize(
    "words",
    [
        CAPS,
        ("--tag", "xyz", *CAPS),
        ("--unit", "7", *CAPS, "--session", "0"),
        ("--unit", "7", *CAPS, "--price", "x"),
        ("--unit", "7", *CAPS, "--at", "L"),
    ],
)
def test_what_makes_no_sense_is_wrong_use(terminal: Terminal, words: tuple[str, ...]) -> None:
    """Nothing is signed for it."""
    terminal.refused("mandate", "grant", *words, "--yes", code=2)
    assert terminal.relay.intents == []


def test_mandates_are_listed_with_what_they_spent(terminal: Terminal, maria: str) -> None:
    """Those that stand; with --all the others too."""
    rows = [_row(), _row(mandate="cd" * 32, revoked=1_800_000_000), _row(mandate="ef" * 32, until=1)]
    terminal.relay.answers[f"GET /v1/wallets/{maria}/mandates"] = (200, {"rows": rows, "bookmark": ""})
    said = terminal.done("mandate", "list")
    for expected in (MANDATE, "plugging in at unit 7 of sol", "1.20 of EUR 50.00"):
        assert expected in said
    assert "cd" * 32 not in said
    assert len(terminal.json("mandate", "list", "--all")) == 3
    terminal.relay.answers[f"GET /v1/wallets/{maria}/mandates"] = (200, {"rows": [], "bookmark": ""})
    assert "mandate grant" in terminal.run("mandate", "list").stderr


@pytest.mark.usefixtures("maria")
def test_a_mandate_is_revoked(terminal: Terminal) -> None:
    """By its whole id."""
    assert MANDATE in terminal.done("mandate", "revoke", MANDATE)
    (intent,) = terminal.relay.intents
    assert isinstance(intent, RevokeIntent)
    assert (intent.mandate, intent.issuer) == (MANDATE, "sol")
    terminal.refused("mandate", "revoke", "abab", code=2)


def test_tags_at_a_reader_are_listed(terminal: Terminal, maria: str) -> None:
    """Their holder sees the hash that a mandate names."""
    row = {"tag": TAG, "unit": 7, "time": 1_800_000_000}
    terminal.relay.answers[f"GET /v1/wallets/{maria}/tags?unit=7"] = (200, {"rows": [row], "bookmark": ""})
    assert terminal.json("mandate", "tags", "7") == [row]
    assert TAG in terminal.done("mandate", "tags", "7")
    terminal.relay.answers[f"GET /v1/wallets/{maria}/tags?unit=7"] = (200, {"rows": [], "bookmark": ""})
    assert "reader" in terminal.run("mandate", "tags", "7").stderr
