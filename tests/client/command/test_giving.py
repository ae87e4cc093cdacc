"""`condocharge transfer` and `redeem`."""

from __future__ import annotations

import pytest

from chaincode.signing.intent import RedeemIntent, TransferIntent
from tests.client.command.conftest import Terminal

OTHER = "ab" * 32


@pytest.mark.usefixtures("maria")
def test_tokens_are_given_to_another_wallet(terminal: Terminal) -> None:
    """In minor units of the wallet's own condominium's token."""
    said = terminal.done("transfer", OTHER, "12,50", "--yes")
    assert "EUR 12.50" in said
    (intent,) = terminal.relay.intents
    assert isinstance(intent, TransferIntent)
    assert (intent.issuer, intent.to, intent.amount) == ("sol", OTHER, 1_250)
    assert terminal.json("transfer", OTHER, "1", "--yes") == {}


@pytest.mark.usefixtures("maria")
def test_tokens_are_given_back(terminal: Terminal) -> None:
    """The condominium owes their price."""
    assert "EUR 5.00" in terminal.done("redeem", "5", "--yes")
    (intent,) = terminal.relay.intents
    assert isinstance(intent, RedeemIntent)
    assert (intent.issuer, intent.amount) == ("sol", 500)


@pytest.mark.usefixtures("maria")
@pytest.mark.parametrize("words", [("transfer", OTHER, "3"), ("redeem", "3")])
def test_nothing_is_signed_without_a_yes(terminal: Terminal, words: tuple[str, ...]) -> None:
    """It cannot be undone, so it is asked."""
    assert terminal.run(*words, typed="n\n").exit_code == 1
    assert terminal.relay.intents == []
    assert terminal.run(*words, typed="y\n").exit_code == 0
    assert len(terminal.relay.intents) == 1


@pytest.mark.parametrize(
    "words",
    [("transfer", "ab", "3"), ("transfer", OTHER, "0.001"), ("transfer", "own", "3"), ("redeem", "0")],
)
def test_what_makes_no_sense_is_wrong_use(
    terminal: Terminal, maria: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Another wallet, and an amount; said before the passphrase is asked for."""
    monkeypatch.delenv("CONDOCHARGE_PASSPHRASE")
    terminal.refused(*(maria if word == "own" else word for word in words), "--yes", code=2)
