"""New rules: nothing changes until the last member has approved, and nothing is lost when it does."""

from __future__ import annotations

import json

import pytest

from chaincode.condominium import namespace_of
from network.fabric import FabricLedger
from network.federation.administration import own_peer
from network.federation.description import CHANNEL
from network.federation.package import Rules
from network.federation.server import listeners
from network.federation.status import status
from network.federation.upgrade import upgrade
from tests.federation import CODES, RULES, Network

pytestmark = [pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(400)]

NEW = Rules("2", RULES.dispatch)


def quiet(_step: str) -> None:
    """Say nothing."""


async def test_new_rules_are_in_force_once_all_have_approved(changing_federation: Network) -> None:
    """Three approve: the old definition stays. The fourth does: the new one decides, on the old state."""
    folder = changing_federation.folders[CODES[0]]
    ledger = FabricLedger(folder.identity("gateway"), CHANNEL, [own_peer(folder)])
    namespace = namespace_of(CODES[0])
    await ledger.submit(namespace, "put", [b"before", b"1"])
    for code in CODES[:-1]:
        waiting = await upgrade(changing_federation.path / code, NEW, quiet)
        assert namespace in waiting
    await ledger.submit(namespace, "put", [b"between", b"1"])
    assert await upgrade(changing_federation.path / CODES[-1], NEW, quiet) == []
    await ledger.submit(namespace, "put", [b"after", b"1"])
    keys = [b"before", b"between", b"after"]
    assert json.loads(await ledger.evaluate(namespace, "get_many", keys)) == ["1"] * 3
    assert await upgrade(changing_federation.path, NEW, quiet) == [], "done twice is done once"
    (shown,) = await status([folder])
    assert {entry.version for entry in shown.namespaces} == {"2"}
    assert len(listeners(folder)) == len(folder.federation.namespaces), "old packages are retired"
    await ledger.close()
