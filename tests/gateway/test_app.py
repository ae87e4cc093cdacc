"""The whole gateway put together, on either database, and over restarts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from network.ledger import LedgerError
from tests.gateway import house

GROUP = {"code": "garage", "name": "Garage", "maximum_load": 11_000, "phases": 3}
UNIT = {
    "unit": 7,
    "class": "mac",
    "nominal_current": 16_000,
    "nominal_voltage": 2_300,
    "phases": 1,
    "settings": {"name": "Bay 7", "group": "garage"},
}


async def test_operators_work_is_there_after_a_restart(any_url: str, tmp_path: Path) -> None:
    """Accounts, sessions, groups, units, keys and the audit log, on both databases."""
    directory = tmp_path / "state"
    async with house.opened(directory, any_url) as first:
        async with await first.caller("ADMIN") as admin:
            assert (await admin.post("/v1/groups", json=GROUP)).status_code == 201
            key = (await admin.post("/v1/units", json=UNIT)).json()["mac_key"]
            sale = {"reference": "CASH-1", "wallet": "ab" * 32, "amount": 1_000}
            assert (await admin.post("/v1/purchases", json=sale)).is_success
        head = await first.gateway.audit.verify()
        token = first.tokens["ADMIN"]
    async with house.opened(directory, any_url) as second, second.client(token) as admin:
        assert (await admin.get("/v1/account")).json()["account"]["username"] == "admin"
        assert (await admin.get("/v1/groups")).json()["groups"] == [GROUP]
        assert (await admin.get("/v1/unit-settings")).json()["units"][0]["name"] == "Bay 7"
        assert await second.gateway.keys.mac_key(7) == bytes.fromhex(key)
        assert (await second.gateway.audit.verify(head)).number >= head.number
        assert await second.gateway.access.invite_first_admin() is None


@pytest.mark.slow
async def test_two_gateways_in_one_directory_are_refused(founded: Path, tmp_path: Path) -> None:
    """The ledger's file has one owner; the second start says whose it is and leaves nothing open."""
    directory = tmp_path / "state"
    shutil.copytree(founded, directory)
    async with house.opened(directory):
        with pytest.raises(LedgerError, match=r"ledger\.sqlite"):
            async with house.opened(directory):
                pass


async def test_stopping_twice_is_stopping_once(gateway_house: house.House) -> None:
    """A server that stops the services, and the context manager that does so again, do not meet."""
    await gateway_house.gateway.stop()
    async with gateway_house.client() as client:
        assert (await client.get("/v1/condominium")).status_code == 200
    await gateway_house.gateway.stop()
