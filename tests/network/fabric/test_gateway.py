"""Two condominiums' gateways on one channel: each registers its own, sees the other, and starts again."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaincode.condominium import Condominium, namespace_of
from gateway.app import Gateway
from gateway.settings import Settings, SettingsError, load
from tests.federation import Network
from tests.gateway.house import CHEAP

pytestmark = [pytest.mark.fabric, pytest.mark.slow]

HOME, AWAY = "aurora", "boreal"


def settings(federation: Network, directory: Path, code: str, folder: str | None = None) -> Settings:
    """A gateway of `code`, on Fabric by its settings alone."""
    environment = {
        "CONDOCHARGE_DIRECTORY": str(directory / code),
        "CONDOCHARGE_CONDOMINIUM_CODE": code,
        "CONDOCHARGE_LEDGER_KIND": "fabric",
        "CONDOCHARGE_LEDGER_FOLDER": str(federation.path / (folder or code)),
    }
    return load(None, environment)


async def test_two_gateways_share_a_channel_and_start_again(federation: Network, tmp_path: Path) -> None:
    """Both register, each reads the other's record, and a second start finds what the first one left."""
    for _start in range(2):
        async with (
            await Gateway.open(settings(federation, tmp_path, HOME), hasher=CHEAP) as home,
            await Gateway.open(settings(federation, tmp_path, AWAY), hasher=CHEAP) as away,
        ):
            await home.start()
            await away.start()
            for gateway, other in ((home, AWAY), (away, HOME)):
                answer = await gateway.ledger.evaluate(namespace_of(other), "condominium.get", [])
                assert Condominium.decode(answer).code == other
            assert home.condominium.registered_at <= away.condominium.registered_at


async def test_a_folder_of_another_condominium_is_refused(federation: Network, tmp_path: Path) -> None:
    """A gateway acts for the condominium whose keys it has, and for no other."""
    with pytest.raises(SettingsError, match=AWAY):
        await Gateway.open(settings(federation, tmp_path, HOME, folder=AWAY), hasher=CHEAP)
