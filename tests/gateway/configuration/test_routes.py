"""Groups, units, tariffs and the condominium over REST, and what of them reaches ledger and units."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from chaincode.signing.configuration import decode_configuration
from chaincode.signing.domain import CONFIGURATION, authenticates
from tests.gateway.house import START, House

GROUP = {"code": "garage", "name": "Garage", "maximum_load": 11_000, "phases": 3}
SETTINGS = {"name": "Bay 7", "location": "Level -1", "group": "garage"}
ED25519 = {
    "unit": 7,
    "class": "ed25519",
    "key": "11" * 32,
    "nominal_current": 16_000,
    "nominal_voltage": 2_300,
    "phases": 1,
    "settings": SETTINGS,
}
MAC = ED25519 | {"unit": 8, "class": "mac", "key": None}

MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"maximum": 16_100}, "maximum"),
    ({"maximum": 0}, "maximum"),
    ({"maximum": 10_050}, "maximum"),
    ({"maximum": 6_000, "fallback": 6_100}, "fallback"),
    ({"fallback": 50}, "fallback"),
    ({"transmission": 25}, "transmission"),
    ({"sampling": 7}, "sampling"),
    ({"group": "attic"}, "group"),
    ({"address": "192.168.1.40"}, "address"),
    ({"dhcp": False}, "address"),
    ({"dhcp": False, "address": "192.168.1.40", "mask": "255.0.255.0"}, "mask"),
    ({"dhcp": False, "address": "192.168.1.255", "mask": "255.255.255.0"}, "address"),
    (
        {"dhcp": False, "address": "192.168.1.4", "mask": "255.255.255.0", "router": "10.0.0.1"},
        "router",
    ),
    ({"address": "256.1.1.1"}, "address"),
    ({"address": "1.2.3"}, "address"),
    ({"server": "a name with spaces"}, "server"),
    ({"server": "x" * 40}, "server"),
    ({"relay": "magic"}, "relay"),
    ({"relay": "network"}, "switch"),
    ({"switch": "shelly://192.168.1.30"}, "switch"),
    ({"relay": "network", "switch": "shelly://8.8.8.8"}, "switch"),
    ({"relay": "network", "switch": "http://192.168.1.30"}, "switch"),
    ({"relay": "network", "switch": "shelly://" + "9" * 60}, "switch"),
    ({"name": None}, "name"),
    ({"unit": 9}, "unit"),
]
"""Settings that fit neither each other nor the unit, and the member that each refusal names."""

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"key": None}, "key"),
    ({"key": "11" * 31}, "key"),
    ({"class": "mac", "key": "11" * 15}, "key"),
    ({"class": "ocmf", "key": "00" * 40}, "key"),
    ({"phases": 3, "settings": SETTINGS | {"group": "flat"}}, "group"),
    ({"settings": SETTINGS | {"group": "attic"}}, "group"),
    ({"nominal_current": 99}, "nominal_current"),
]
"""Enrolments that are refused, and the member that each refusal names."""


@asynccontextmanager
async def _admin(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator, with one group."""
    async with await house.caller("ADMIN") as client:
        assert (await client.post("/v1/groups", json=GROUP)).status_code == 201
        yield client


async def test_a_group_is_made_changed_and_removed(gateway_house: House) -> None:
    """Its code stays; what is left out of a change stays too."""
    async with await gateway_house.caller("OPERATOR") as operator:
        assert (await operator.post("/v1/groups", json=GROUP)).json() == GROUP
        again = await operator.post("/v1/groups", json=GROUP)
        assert (again.status_code, again.json()["field"]) == (409, "code")
        changed = await operator.patch("/v1/groups/garage", json={"maximum_load": 7_400})
        assert changed.json() == GROUP | {"maximum_load": 7_400}
        assert (await operator.get("/v1/groups")).json()["groups"] == [GROUP | {"maximum_load": 7_400}]
        assert (await operator.patch("/v1/groups/elsewhere", json={})).status_code == 404
        assert (await operator.delete("/v1/groups/garage")).status_code == 204
        assert (await operator.delete("/v1/groups/garage")).status_code == 404


async def test_a_unit_is_enrolled_on_the_ledger_with_its_settings_here(gateway_house: House) -> None:
    """What was left out comes from the gateway's settings and the unit's nominal current."""
    async with _admin(gateway_house) as admin:
        enrolled = await admin.post("/v1/units", json=ED25519)
        assert enrolled.status_code == 201
        record = enrolled.json()
        assert (record["class"], record["key"], record["state"]) == ("ed25519", "11" * 32, "active")
        assert record["mac_key"] is None
        settings = (await admin.get("/v1/units/7/settings")).json()
    assert settings == {
        **SETTINGS,
        "unit": 7,
        "relay": "switch",
        "switch": "",
        "transmission": 60,
        "sampling": 10,
        "maximum": 16_000,
        "fallback": 0,
        "dhcp": True,
        **dict.fromkeys(("address", "mask", "router", "resolver"), "0.0.0.0"),
        "server": "",
        "port": 0,
        "time_server": "",
    }
    on_ledger = await gateway_house.gateway.configuration.record(7)
    assert (on_ledger.nominal_current, on_ledger.phases) == (16_000, 1)


async def test_a_mac_unit_gets_a_key_that_is_told_once(gateway_house: House) -> None:
    """It is in the answer, sealed here, and on no ledger, log or later answer."""
    async with _admin(gateway_house) as admin:
        key = (await admin.post("/v1/units", json=MAC)).json()["mac_key"]
        assert len(bytes.fromhex(key)) == 16
        assert await gateway_house.gateway.keys.mac_key(8) == bytes.fromhex(key)
        for path in ("/v1/units/8/settings", "/v1/unit-settings", "/v1/units/8", "/v1/audit-log"):
            assert key not in (await admin.get(path)).text
        given = await admin.post("/v1/units", json=MAC | {"unit": 9, "key": "22" * 16})
        assert given.json()["mac_key"] is None
        assert "22" * 16 not in (await admin.get("/v1/audit-log")).text
    assert await gateway_house.gateway.keys.mac_key(9) == bytes.fromhex("22" * 16)


async def test_a_unit_is_told_its_settings_in_its_own_format(gateway_house: House) -> None:
    """Currents in tenths of an ampere, the gateway's own address where none is set, authentic."""
    fixed = {
        "dhcp": False,
        "address": "192.168.1.40",
        "mask": "255.255.255.0",
        "router": "192.168.1.1",
        "resolver": "9.9.9.9",
    }
    async with _admin(gateway_house) as admin:
        await admin.post("/v1/units", json=MAC)
        change = {"maximum": 13_000, "fallback": 6_000, "transmission": 30, "relay": "always-on", **fixed}
        assert (await admin.patch("/v1/units/8/settings", json=change)).status_code == 200
    gateway = gateway_house.gateway
    message = await gateway.metering.configurations.compose(8, 3)
    body, tag = message[:-16], message[-16:]
    key = await gateway.keys.mac_key(8)
    assert key is not None and authenticates(key, CONFIGURATION, body, tag)
    told = decode_configuration(body)
    assert (told.maximum, told.fallback, told.voltage) == (130, 60, 2_300)
    assert (told.transmission, told.sampling, told.boot) == (30, 10, 3)
    assert (told.server, told.port, told.time_server) == ("127.0.0.1", 8080, "pool.ntp.org")
    assert (told.dhcp, told.always_on) == (False, True)
    assert (told.address, told.router) == (bytes([192, 168, 1, 40]), bytes([192, 168, 1, 1]))


async def test_a_unit_beside_a_network_switch_is_told_of_a_relay(gateway_house: House) -> None:
    """Its batches say what the switch should do; where the switch is, the unit need not know."""
    switch = {"relay": "network", "switch": "tasmota://192.168.1.31:8080/1"}
    async with _admin(gateway_house) as admin:
        await admin.post("/v1/units", json=MAC)
        changed = await admin.patch("/v1/units/8/settings", json=switch)
        assert changed.json() | switch == changed.json()
    message = await gateway_house.gateway.metering.configurations.compose(8, 1)
    assert not decode_configuration(message[:-16]).always_on


async def test_settings_that_do_not_fit_are_refused_whole(gateway_house: House) -> None:
    """Each refusal names the member, and nothing of the change is kept."""
    async with _admin(gateway_house) as admin:
        await admin.post("/v1/units", json=ED25519)
        before = (await admin.get("/v1/units/7/settings")).json()
        for change, field in MISFITS:
            response = await admin.patch("/v1/units/7/settings", json=change)
            assert (response.status_code // 100, response.json()["field"]) == (4, field), change
            assert (await admin.get("/v1/units/7/settings")).json() == before


async def test_an_enrolment_that_is_refused_puts_nothing_on_the_ledger(gateway_house: House) -> None:
    """The same number can be enrolled right afterwards."""
    async with _admin(gateway_house) as admin:
        await admin.post("/v1/groups", json=GROUP | {"code": "flat", "phases": 1})
        for change, field in REFUSED:
            response = await admin.post("/v1/units", json=ED25519 | change)
            assert (response.status_code // 100, response.json()["field"]) == (4, field), change
        assert (await admin.post("/v1/units", json=ED25519)).status_code == 201


async def test_an_enrolled_unit_keeps_its_key_from_a_second_enrolment(gateway_house: House) -> None:
    """Until it is retired; then new hardware may have its number, and the old key is gone."""
    gateway = gateway_house.gateway
    async with _admin(gateway_house) as admin:
        first = (await admin.post("/v1/units", json=MAC)).json()["mac_key"]
        again = await admin.post("/v1/units", json=MAC)
        assert (again.status_code, again.json()["field"]) == (409, "unit")
        assert await gateway.keys.mac_key(8) == bytes.fromhex(first)
        assert (await admin.post("/v1/units/8/retirement")).json()["state"] == "retired"
        assert await gateway.keys.mac_key(8) is None
        assert (await admin.post("/v1/units/8/key", json={})).status_code == 409
        second = await admin.post("/v1/units", json=MAC)
        assert second.status_code == 201 and second.json()["mac_key"] != first


async def test_an_enrolment_cut_off_before_the_ledger_is_done_again(
    gateway_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings and key of the first try are replaced by the second's; nothing is half."""
    gateway = gateway_house.gateway

    async def cut(*_: object) -> None:
        raise KeyboardInterrupt

    async with _admin(gateway_house) as admin:
        with monkeypatch.context() as patch:
            patch.setattr(gateway.submitter, "submit", cut)
            with pytest.raises(KeyboardInterrupt):
                await admin.post("/v1/units", json=MAC)
        kept = await gateway.keys.mac_key(8)
        done = (await admin.post("/v1/units", json=MAC)).json()
    assert kept is not None and done["mac_key"] != kept.hex()
    assert await gateway.keys.mac_key(8) == bytes.fromhex(done["mac_key"])


async def test_a_units_key_is_replaced(gateway_house: House) -> None:
    """On the ledger for a unit that signs, here for one that shares a key; the old one knows it no more."""
    gateway = gateway_house.gateway
    async with _admin(gateway_house) as admin:
        await admin.post("/v1/units", json=ED25519)
        first = (await admin.post("/v1/units", json=MAC)).json()["mac_key"]
        known = await gateway.directory.find(8)
        assert known is not None and known.key.hex() == first
        rotated = (await admin.post("/v1/units/7/key", json={"key": "22" * 32})).json()
        assert (rotated["key"], rotated["mac_key"]) == ("22" * 32, None)
        assert (await admin.post("/v1/units/7/key", json={"key": "11" * 32})).status_code == 409
        assert (await admin.post("/v1/units/7/key", json={})).status_code == 422
        second = (await admin.post("/v1/units/8/key", json={})).json()["mac_key"]
        assert (await admin.post("/v1/units/99/key", json={})).status_code == 404
    known = await gateway.directory.find(8)
    assert known is not None and known.key.hex() == second != first


async def test_a_group_in_use_cannot_lose_its_units_or_phases(gateway_house: House) -> None:
    """It is neither removed nor narrowed below what its units need."""
    async with _admin(gateway_house) as admin:
        await admin.post("/v1/units", json=ED25519 | {"phases": 3})
        assert (await admin.delete("/v1/groups/garage")).status_code == 409
        response = await admin.patch("/v1/groups/garage", json={"phases": 1})
        assert (response.status_code, response.json()["field"]) == (422, "phases")
        assert (await admin.get("/v1/groups")).json()["groups"] == [GROUP]


async def test_a_tariff_is_published_in_local_time(gateway_house: House) -> None:
    """The condominium's zone becomes offsets; what the ledger's rules refuse is refused with their words."""
    bands = [
        {"name": "night", "energy_price": 101_800, "idle_price": 0},
        {"name": "day", "energy_price": 183_400, "idle_price": 50_000},
    ]
    week = [{"minute": 0, "band": 0}, {"minute": 480, "band": 1}, {"minute": 1_320, "band": 0}]
    async with await gateway_house.caller("ADMIN") as admin:
        response = await admin.post("/v1/tariffs", json={"bands": bands, "week": week, "start_fee": 25})
        assert response.status_code == 201, response.text
        tariff = response.json()
        assert (tariff["number"], tariff["valid_from"]) == (1, START // 1000)
        assert tariff["offsets"][1] == {"start": 1_774_746_000, "seconds": 3_600}
        assert (await admin.get("/v1/tariffs/1")).json()["number"] == 1
        refused = await admin.post("/v1/tariffs", json={"bands": bands})
        assert (refused.status_code, refused.json()["field"]) == (422, "week")
        unknown = await admin.post("/v1/tariffs", json={"bands": bands, "week": [{"minute": 0, "band": 2}]})
        assert (unknown.status_code, unknown.json()["field"]) == (422, "week")


async def test_the_condominium_is_changed_by_its_administrator(gateway_house: House) -> None:
    """Its name and grace, and its currency while no token has been issued."""
    async with await gateway_house.caller("ADMIN") as admin:
        change = {"name": "Riverside 12–14", "grace": 3_600, "currency": "KWH", "decimals": 3}
        changed = (await admin.patch("/v1/condominium", json=change)).json()
        assert {name: changed[name] for name in change} == change
        assert changed["signing_key"] == gateway_house.gateway.keys.public_key().hex()
        sale = {"reference": "CASH-1", "wallet": "ab" * 32, "amount": 1_000}
        assert (await admin.post("/v1/purchases", json=sale)).is_success
        response = await admin.patch("/v1/condominium", json={"currency": "EVT"})
        assert (response.status_code, response.json()["field"]) == (409, "currency")


async def test_operators_words_are_on_the_audit_log(gateway_house: House) -> None:
    """What was changed, in the end's detail; never a key."""
    async with _admin(gateway_house) as admin:
        await admin.post("/v1/units", json=MAC)
        await admin.post("/v1/units/8/key", json={"key": "33" * 16})
        await admin.patch("/v1/units/8/settings", json={"fallback": 6_000})
        entries = (await admin.get("/v1/audit-log", params={"outcome": "done"})).json()["entries"]
    details = {entry["operation"]: entry["detail"] for entry in entries}
    assert details["change_unit_settings"] == {"fallback": 6_000}
    assert details["enrol_unit"] == {"unit": 8, "key_class": "mac"}
    assert details["create_group"] == GROUP
    assert details["rotate_unit_key"] == {}
