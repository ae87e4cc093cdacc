"""`condocharge buy`."""

from __future__ import annotations

import json
from itertools import chain, repeat

import pytest

from client.command import purchase as module
from tests.client.command.conftest import Terminal


def purchase(state: str, transaction: str | None = None) -> dict[str, object]:
    """A purchase of 20.00."""
    return {"reference": "RF18-7", "amount": 2_000, "state": state, "created": 1, "transaction": transaction}


def test_a_reference_to_pay_under_is_printed(terminal: Terminal, maria: str) -> None:
    """The amount goes out in minor units, signed by the wallet."""
    bodies = list[bytes]()

    def answer(body: bytes) -> tuple[int, object]:
        bodies.append(body)
        return 201, purchase("pending")

    terminal.relay.answers[f"POST /v1/wallets/{maria}/purchases"] = answer
    assert terminal.json("buy", "20")["reference"] == "RF18-7"
    assert "EUR 20.00" in terminal.done("buy", "20.00")
    assert "--wait waits" in terminal.run("buy", "20").stderr
    assert [json.loads(body) for body in bodies] == [{"amount": 2_000}] * 3


def test_waiting_ends_with_the_payment(
    terminal: Terminal, maria: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--wait asks until the condominium has confirmed."""
    monkeypatch.setattr(module, "_POLL", 0)
    states = chain([purchase("pending"), purchase("pending")], repeat(purchase("paid", "cd" * 32)))
    terminal.relay.answers[f"POST /v1/wallets/{maria}/purchases"] = (201, purchase("pending"))
    terminal.relay.answers[f"GET /v1/wallets/{maria}/purchases/RF18-7"] = lambda _: (200, next(states))
    assert terminal.json("buy", "20", "--wait")["state"] == "paid"


def test_a_purchase_that_expired_is_said_so(
    terminal: Terminal, maria: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting does not go on for ever after the condominium gave up."""
    monkeypatch.setattr(module, "_POLL", 0)
    terminal.relay.answers[f"POST /v1/wallets/{maria}/purchases"] = (201, purchase("pending"))
    terminal.relay.answers[f"GET /v1/wallets/{maria}/purchases/RF18-7"] = (200, purchase("expired"))
    assert "is expired" in terminal.refused("buy", "20", "--wait")


@pytest.mark.usefixtures("maria")
@pytest.mark.parametrize("amount", ["0", "-5", "1.005", "twenty"])
def test_what_is_no_amount_is_wrong_use(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, amount: str
) -> None:
    """Nothing is sent for it, and no passphrase is asked for."""
    monkeypatch.delenv("CONDOCHARGE_PASSPHRASE")
    sent = len(terminal.relay.requests)
    assert "Invalid value for AMOUNT" in terminal.refused("buy", amount, code=2)
    assert len(terminal.relay.requests) == sent
