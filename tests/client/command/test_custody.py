"""`condocharge wallet words`, `restore`, `passphrase` and `rotate-key`."""

from __future__ import annotations

import pytest

from chaincode.signing.intent import RotateKeyIntent
from client.wallet.recovery import words_of
from tests.client.command.conftest import PASSPHRASE, Terminal

ANOTHER = "battery staple"


def _known(terminal: Terminal, wallet: str) -> None:
    """Let the gateway know a wallet, which signs with its first key."""
    terminal.relay.keys[bytes.fromhex(wallet)] = bytes.fromhex(wallet)
    balance = {"wallet": wallet, "key": wallet, "issuer": "sol", "balance": 0, "escrow": 0}
    terminal.relay.answers[f"GET /v1/wallets/{wallet}"] = (200, balance)


def _rotations(terminal: Terminal) -> list[RotateKeyIntent]:
    """Those that reached the gateway, each as often as it was sent."""
    return [intent for intent in terminal.relay.intents if isinstance(intent, RotateKeyIntent)]


def _restore(terminal: Terminal, words: list[str], *options: str) -> tuple[int, str, str]:
    """Restore a wallet called `again`; exit code and both outputs."""
    done = terminal.run("wallet", "restore", "again", "--json", *options, typed=" ".join(words) + "\n")
    return done.exit_code, done.stdout, done.stderr


def test_a_wallet_comes_back_from_its_words(terminal: Terminal, maria: str) -> None:
    """What stood on paper makes the same wallet on another machine."""
    _known(terminal, maria)
    words = terminal.json("wallet", "words")["words"]
    assert terminal.done("wallet", "words").split() == words
    code, said, _ = _restore(terminal, words)
    assert code == 0
    assert maria in said
    assert [each["wallet"] for each in terminal.json("wallet", "list")] == [maria, maria]


def test_a_slip_in_the_words_makes_no_wallet(terminal: Terminal, maria: str) -> None:
    """A word is missing or is none of the list's; nothing is asked of a gateway."""
    words = terminal.json("wallet", "words")["words"]
    asked = len(terminal.relay.requests)
    for wrong in (words[:-1], [*words[:-1], "zoology"]):
        code, _, said = _restore(terminal, wrong)
        assert code == 2
        assert "the words" in said
    assert len(terminal.relay.requests) == asked
    assert [each["wallet"] for each in terminal.json("wallet", "list")] == [maria]


def test_another_passphrase_opens_the_wallet(
    terminal: Terminal, maria: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one no longer does; the key is the same."""
    words = terminal.json("wallet", "words")["words"]
    monkeypatch.setenv("CONDOCHARGE_NEW_PASSPHRASE", "short")
    assert "at least 8" in terminal.refused("wallet", "passphrase")
    monkeypatch.setenv("CONDOCHARGE_NEW_PASSPHRASE", ANOTHER)
    terminal.done("wallet", "passphrase")
    assert "does not open" in terminal.refused("wallet", "words")
    monkeypatch.setenv("CONDOCHARGE_PASSPHRASE", ANOTHER)
    assert terminal.json("wallet", "words") == {"wallet": maria, "words": words}


@pytest.mark.usefixtures("maria")
def test_both_passphrases_can_be_typed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one once, the new one twice."""
    monkeypatch.delenv("CONDOCHARGE_PASSPHRASE")
    done = terminal.run("wallet", "passphrase", typed=f"{PASSPHRASE}\n{ANOTHER}\n{ANOTHER}\n")
    assert done.exit_code == 0, done.output
    assert terminal.run("wallet", "words", typed=f"{ANOTHER}\n").exit_code == 0


def test_another_key_signs_for_the_wallet(terminal: Terminal, maria: str) -> None:
    """The old key asks, the new one proves itself, and the wallet's id stays."""
    _known(terminal, maria)
    before = terminal.json("wallet", "words")["words"]
    rotated = terminal.json("wallet", "rotate-key")
    (intent,) = _rotations(terminal)
    assert (rotated["wallet"], rotated["key"]) == (maria, intent.key)
    shown = terminal.run("wallet", "words")
    assert shown.stdout.split() != before
    assert "--id" in shown.stderr
    assert terminal.json("wallet", "show")["key"] == intent.key


def test_a_rotation_whose_answer_was_lost_is_not_done_twice(terminal: Terminal, maria: str) -> None:
    """The key that now signs was on the disk before it was asked for, and is taken up."""
    _known(terminal, maria)
    taken = list[bytes]()

    def lost(content: bytes) -> tuple[int, object]:
        taken.append(content)
        terminal.relay.keys[bytes.fromhex(maria)] = bytes.fromhex(_rotations(terminal)[-1].key)
        return 503, {"detail": "handed over; the outcome is not yet known", "code": "unavailable"}

    terminal.relay.answers["POST /v1/intents"] = lost
    terminal.refused("wallet", "rotate-key")
    assert terminal.json("wallet", "show")["key"] == maria
    key = terminal.relay.keys[bytes.fromhex(maria)]
    assert terminal.json("wallet", "rotate-key")["key"] == key.hex()
    assert len(taken) == 1


def test_a_rotation_that_never_arrived_is_asked_for_again(
    terminal: Terminal, maria: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same new key; until then the passphrase stays, which seals both."""
    _known(terminal, maria)
    problem = {"detail": "the ledger does not answer", "code": "unavailable"}
    terminal.relay.answers["POST /v1/intents"] = (503, problem)
    terminal.refused("wallet", "rotate-key")
    monkeypatch.setenv("CONDOCHARGE_NEW_PASSPHRASE", ANOTHER)
    assert "on its way" in terminal.refused("wallet", "passphrase")
    del terminal.relay.answers["POST /v1/intents"]
    rotated = terminal.json("wallet", "rotate-key")
    assert {intent.key for intent in _rotations(terminal)} == {rotated["key"]}
    terminal.done("wallet", "passphrase")


def test_words_of_a_key_that_no_longer_signs_are_refused(terminal: Terminal, maria: str) -> None:
    """After a rotation the old sheet is worth nothing, and the new one needs the wallet's id."""
    _known(terminal, maria)
    old = terminal.json("wallet", "words")["words"]
    terminal.done("wallet", "rotate-key")
    new = terminal.json("wallet", "words")["words"]
    code, _, said = _restore(terminal, old)
    assert (code, "does not sign for the wallet" in said) == (1, True)
    code, said, _ = _restore(terminal, new, "--id", maria)
    assert code == 0
    assert maria in said


@pytest.mark.usefixtures("maria")
def test_an_id_has_its_form(terminal: Terminal) -> None:
    """What is no wallet's id is wrong use."""
    code, _, said = _restore(terminal, words_of(bytes(32)), "--id", "abc")
    assert code == 2
    assert "64 lower-case hexadecimal" in said
