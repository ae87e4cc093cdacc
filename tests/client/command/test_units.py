"""`condocharge units`."""

from __future__ import annotations

import pytest

from tests.client.command.conftest import Terminal, certificate
from tests.client.relay import ADDRESS, CONDOMINIUM

ROW = {"unit": 7, "state": "free", "reason": None, "location": "Level -1"}


def test_a_newcomer_sees_the_units(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """No wallet is needed to look: the gateway is the one that is named, or the usual one."""
    terminal.relay.answers["GET /v1/units"] = (200, {"rows": [ROW], "bookmark": ""})
    assert terminal.json("units") == [ROW]
    assert terminal.relay.requests[-1].url.host == "gateway.test"
    monkeypatch.delenv("CONDOCHARGE_GATEWAY")
    assert "Level -1" in terminal.done("units")
    assert terminal.relay.requests[-1].url.host == "127.0.0.1"


@pytest.mark.usefixtures("maria")
def test_wallets_at_one_gateway_need_not_be_told_apart(terminal: Terminal) -> None:
    """Nothing is asked that makes no difference; wallets at two gateways do make one."""
    terminal.relay.answers["GET /v1/units"] = (200, {"rows": [ROW], "bookmark": ""})
    terminal.done("wallet", "create", "rui")
    assert terminal.json("units") == [ROW]
    elsewhere = CONDOMINIUM | {"root_certificate": certificate()}
    terminal.relay.answers["GET /v1/condominium"] = (200, elsewhere)
    terminal.done("wallet", "create", "ana", "--gateway", "http://lua.test")
    assert "several gateways" in terminal.refused("units")
    for words in (("--wallet", "rui"), ("--gateway", ADDRESS)):
        assert terminal.json("units", *words) == [ROW]


def test_a_unit_without_a_location_is_listed(terminal: Terminal) -> None:
    """The gateway has an empty one where nobody wrote any."""
    terminal.relay.answers["GET /v1/units"] = (200, {"rows": [ROW | {"location": ""}], "bookmark": ""})
    assert terminal.json("units", "--gateway", ADDRESS)[0]["location"] == ""
