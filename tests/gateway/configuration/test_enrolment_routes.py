"""Units as the ledger has them, over REST."""

from __future__ import annotations

from gateway.configuration.enrolment_routes import unit_link
from tests.gateway.house import House

UNIT = {
    "unit": 7,
    "class": "mac",
    "nominal_current": 16_000,
    "nominal_voltage": 2_300,
    "phases": 1,
    "settings": {"name": "Seven", "location": "by the lift", "group": "garage"},
}
GROUP = {"code": "garage", "name": "Garage", "maximum_load": 7_360, "phases": 1}


async def test_a_retired_unit_is_still_listed_and_a_shared_key_is_not_told(gateway_house: House) -> None:
    """Its number can be given to new hardware, which is another generation."""
    async with await gateway_house.caller("ADMIN") as admin:
        await admin.post("/v1/groups", json=GROUP)
        assert (await admin.post("/v1/units", json=UNIT)).status_code == 201
        assert (await admin.post("/v1/units/7/retirement")).status_code == 200
        [retired] = (await admin.get("/v1/enrolments")).json()["units"]
        assert (await admin.post("/v1/units", json=UNIT)).status_code == 201
        [again] = (await admin.get("/v1/enrolments")).json()["units"]
    assert (retired["unit"], retired["class"], retired["key"], retired["state"]) == (
        7,
        "mac",
        None,
        "retired",
    )
    assert (again["state"], again["generation"]) == ("active", retired["generation"] + 1)
    assert again["link"] is None


def test_a_units_link_is_what_the_wallet_reads() -> None:
    """A slash at the end of the wallet's address is not doubled."""
    assert unit_link("https://wallet.example/", 7, "aurora") == "https://wallet.example/#/unit/7?at=aurora"
