"""A wallet's mandates over REST, the tags that wait for one, and what a resident's charts are drawn from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaincode.signing import domain
from chaincode.signing.intent import MandateIntent, RevokeIntent, new_nonce
from chaincode.signing.request import RequestKind, StartRequest, tag_hash
from tests.gateway.garage import Socket
from tests.gateway.house import House
from tests.gateway.transaction.test_wallet_routes import CHANNEL, CODE, Resident, funded, furnished

__all__ = ["furnished"]
TAG = tag_hash(bytes(16), b"04a1b2c3")


def _mandate(resident: Resident) -> MandateIntent:
    return MandateIntent(
        network=CHANNEL,
        wallet=resident.wallet.id,
        nonce=new_nonce(),
        expires=resident.now + 600,
        issuer=CODE,
        condominium=CODE,
        units=(),
        tags=(TAG.hex(),),
        session_cap=300,
        period_cap=1_000,
        period=86_400,
        until=resident.now + 30 * 86_400,
        duration=7_200,
        price_limit=300_000,
    )


async def _tap(house: House) -> None:
    """Somebody holds the tag to unit 7's reader."""
    socket = Socket(7, network=domain.network_tag(CHANNEL, CODE), time=house.clock.now() // 1_000)
    now = house.clock.now() // 1_000
    request = StartRequest(RequestKind.TAG, 7, socket.network, 9, now % 2**32, now, TAG)
    message = request.encode() + domain.sign(socket.secret, domain.REQUEST, request.encode())
    async with house.client() as client:
        answer = await client.post("/v1/units/7/requests", content=message)
    assert answer.status_code == 200, answer.text
    await house.clock.settle()


@pytest.mark.usefixtures("furnished")
async def test_a_tag_is_seen_given_a_mandate_spends_and_is_revoked(gateway_house: House) -> None:
    """From a tag that nobody knows to one that has opened a session, and to one that opens nothing more."""
    house = gateway_house
    resident, neighbour = await funded(house), await funded(house, "neighbour")
    account = f"/v1/wallets/{resident.wallet.id}"
    tags = f"{account}/tags?unit=7"
    assert (await resident.get(tags))["rows"] == []
    await _tap(house)
    assert [row["tag"] for row in (await resident.get(tags))["rows"]] == [TAG.hex()]
    assert (await resident.get(f"{account}/tags?unit=8"))["rows"] == []
    granted = await resident.submit(_mandate(resident))
    assert granted.status_code == 201, granted.text
    assert (await resident.get(tags))["rows"] == []
    await house.clock.advance(60)
    await _tap(house)
    (row,) = (await resident.get(f"{account}/mandates"))["rows"]
    assert (row["mandate"], row["tags"], row["units"]) == (granted.json()["id"], [TAG.hex()], [])
    assert (row["spent"], row["period_cap"], row["revoked"]) == (300, 1_000, None)
    assert (await neighbour.get(f"/v1/wallets/{neighbour.wallet.id}/mandates"))["rows"] == []
    assert (await neighbour.ask("GET", f"{account}/mandates")).status_code == 403
    revoking = RevokeIntent(
        network=CHANNEL,
        wallet=resident.wallet.id,
        nonce=new_nonce(),
        expires=resident.now + 600,
        issuer=CODE,
        mandate=row["mandate"],
    )
    assert (await resident.submit(revoking)).status_code == 201
    (row,) = (await resident.get(f"{account}/mandates"))["rows"]
    assert row["revoked"] == resident.now


@pytest.mark.usefixtures("furnished")
async def test_who_names_a_tag_hides_it_from_nobody_and_strangers_see_none(gateway_house: House) -> None:
    """A neighbour grants first; the owner still finds the tag, and a key that never had tokens is refused."""
    house = gateway_house
    owner, neighbour = await funded(house), await funded(house, "neighbour")
    unaffordable = replace(_mandate(neighbour), price_limit=1)
    assert (await neighbour.submit(unaffordable)).status_code == 201
    await _tap(house)
    tags = f"/v1/wallets/{owner.wallet.id}/tags?unit=7"
    assert [row["tag"] for row in (await owner.get(tags))["rows"]] == [TAG.hex()]
    assert (await neighbour.get(f"/v1/wallets/{neighbour.wallet.id}/tags?unit=7"))["rows"] == []
    stranger = Resident(house, "stranger")
    refused = await stranger.ask("GET", f"/v1/wallets/{stranger.wallet.id}/tags?unit=7")
    assert (refused.status_code, refused.json()["field"]) == (403, "wallet")


@pytest.mark.usefixtures("furnished")
async def test_a_tag_that_opened_a_session_waits_for_nothing(gateway_house: House) -> None:
    """Nobody else is shown it."""
    house = gateway_house
    owner, neighbour = await funded(house), await funded(house, "neighbour")
    assert (await owner.submit(_mandate(owner))).status_code == 201
    await _tap(house)
    assert (await owner.get(f"/v1/wallets/{owner.wallet.id}/sessions"))["rows"] != []
    assert (await neighbour.get(f"/v1/wallets/{neighbour.wallet.id}/tags?unit=7"))["rows"] == []


@pytest.mark.usefixtures("furnished")
async def test_a_tag_is_forgotten_after_three_minutes(gateway_house: House) -> None:
    """Who comes later has to hold it to the reader again."""
    resident = await funded(gateway_house)
    await _tap(gateway_house)
    await gateway_house.clock.advance(181)
    assert (await resident.get(f"/v1/wallets/{resident.wallet.id}/tags?unit=7"))["rows"] == []


@pytest.mark.usefixtures("furnished")
async def test_usage_adds_up_to_the_session_and_is_the_wallets_own(gateway_house: House) -> None:
    """Quarters of an hour of one's own sessions, within the time asked for, and of nobody else's."""
    house = gateway_house
    resident, neighbour = await funded(house), await funded(house, "neighbour")
    begun = resident.now
    session = (await resident.submit(resident.open_intent())).json()["id"]
    await house.clock.advance(3 * 3_600)
    account = f"/v1/wallets/{resident.wallet.id}/usage"
    whole = f"{account}?since={begun - 900}&until={begun + 86_400}"
    rows = (await resident.get(whole))["rows"]
    assert {row["session"] for row in rows} == {session}
    assert sum(row["energy"] for row in rows) == 4_600
    assert max(row["greatest"] for row in rows) == 10_000
    assert all(row["least"] <= row["current"] <= row["greatest"] for row in rows)
    part = (await resident.get(f"{account}?since={begun + 1_800}&until={begun + 3_600}"))["rows"]
    assert [row["time"] for row in part] == [begun + 1_800, begun + 2_700]
    assert (await resident.get(f"{account}?since={begun - 900}&until={begun}"))["rows"] == []
    assert (await neighbour.ask("GET", whole)).status_code == 403
    own = f"/v1/wallets/{neighbour.wallet.id}/usage?since={begun}&until={begun + 86_400}"
    assert (await neighbour.get(own))["rows"] == []
    backwards = await resident.ask("GET", f"{account}?since=2&until=1")
    assert (backwards.status_code, backwards.json()["field"]) == (422, "until")
