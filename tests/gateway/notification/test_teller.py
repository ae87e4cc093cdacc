"""Residents are told what they chose, once, in the list and by push."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from chaincode.signing import domain
from chaincode.signing.intent import StopIntent, new_nonce
from gateway.notification.push import PushSender, new_key
from gateway.notification.records import NOTICE_CHOICE, PUSH_SUBSCRIPTION
from gateway.notification.teller import Teller
from tests.gateway.garage import Car, Socket
from tests.gateway.house import House
from tests.gateway.notification.push_service import PushService
from tests.gateway.transaction.test_wallet_routes import (
    CHANNEL,
    CODE,
    Connected,
    Resident,
    funded,
    furnished,
)

__all__ = ["furnished"]


@pytest.fixture
async def service(furnished: House) -> AsyncIterator[PushService]:
    """A push service that this house's settings name."""
    with PushService() as service:
        gateway = furnished.gateway
        await gateway.push.close()
        allowed = PushSender(new_key(), "mailto:a@b.example", gateway.clock, [service.origin])
        gateway.push.__dict__.update(allowed.__dict__)
        yield service


async def _until(condition: Callable[[], bool]) -> None:
    """Wait for what a push service in another thread does."""
    while not condition():  # noqa: ASYNC110 - the other thread knows no event of this loop
        await asyncio.sleep(0.01)


async def _choose(resident: Resident, kinds: list[str], service: PushService | None = None) -> None:
    account = f"/v1/wallets/{resident.wallet.id}"
    answer = await resident.ask("PUT", f"{account}/notifications", {"kinds": kinds})
    assert (answer.status_code, answer.json()["kinds"]) == (200, sorted(kinds)), answer.text
    if service is not None:
        added = await resident.ask("POST", f"{account}/push-subscriptions", service.subscription)
        assert added.status_code == 201, added.text


async def _stop(resident: Resident, session: str) -> None:
    stop = StopIntent(
        network=CHANNEL,
        wallet=resident.wallet.id,
        nonce=new_nonce(),
        expires=resident.now + 60,
        session=session,
    )
    assert (await resident.submit(stop)).status_code == 201


async def _told(resident: Resident) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await resident.get(f"/v1/wallets/{resident.wallet.id}/notices"))["rows"]
    return rows


async def test_the_end_and_a_low_balance_are_told_once_and_pushed(
    furnished: House, service: PushService
) -> None:
    """The list and the browser get the same; the keys are the browser's and the gateway's own."""
    house = furnished
    resident = await funded(house, amount=600)
    await _choose(resident, ["charged", "low-balance"], service)
    session = (await resident.submit(resident.open_intent(amount=599))).json()["id"]
    await house.clock.advance(3_600)
    await _stop(resident, session)
    await house.clock.settle()
    await _until(lambda: len(service.received) == 2)
    rows = await _told(resident)
    assert [(row["kind"], row["name"], row["unit"]) for row in rows] == [
        ("low-balance", "low-balance", 7),
        ("charged", "ended", 7),
    ]
    assert rows[1]["values"]["cost"] == 46
    pushed = sorted((service.read(each) for each in service.received), key=lambda each: each["kind"])
    assert [each["name"] for each in pushed] == ["ended", "low-balance"]
    assert pushed[0] | {"time": rows[1]["time"]} == rows[1]
    _, key = service.claims(service.received[0])
    account = f"/v1/wallets/{resident.wallet.id}"
    assert (await resident.get(f"{account}/notifications"))["key"] == key


async def test_nobody_is_told_what_they_did_not_choose(furnished: House, service: PushService) -> None:
    """Other kinds, other wallets, and after the choice was taken back."""
    house = furnished
    resident, neighbour = await funded(house), await funded(house, "neighbour")
    await _choose(resident, ["abnormal"], service)
    await _choose(neighbour, ["charged"])
    session = (await resident.submit(resident.open_intent())).json()["id"]
    await house.clock.advance(600)
    await _stop(resident, session)
    await house.clock.settle()
    assert await _told(resident) == await _told(neighbour) == []
    assert service.received == []
    await _choose(resident, [])
    assert (await neighbour.ask("GET", f"/v1/wallets/{resident.wallet.id}/notices")).status_code == 403


async def _second_unit(house: House) -> None:
    """A unit 8 in the same group, which may now use no more than one of them."""
    network = domain.network_tag(CHANNEL, CODE)
    socket = Socket(8, network=network, time=house.clock.now() // 1_000)
    socket.car = Car(current=10_000, need=4_600_000)
    unit = {
        "unit": 8,
        "class": "ed25519",
        "key": socket.secret[32:].hex(),
        "nominal_current": 16_000,
        "nominal_voltage": 2_300,
        "phases": 1,
        "settings": {"name": "Bay 8", "location": "Level -1", "group": "garage"},
    }
    async with await house.caller("ADMIN") as admin:
        assert (await admin.post("/v1/units", json=unit)).status_code == 201
        assert (await admin.patch("/v1/groups/garage", json={"maximum_load": 3_680})).status_code == 200
    await house.clock.settle()
    Connected(house, socket)
    socket.transmit()
    await house.clock.settle()


async def _one_of_two_waits(house: House) -> tuple[Resident, Resident, str]:
    """Who charges, who waits behind them and wants to be told, and the session that charges."""
    await _second_unit(house)
    first, second = await funded(house), await funded(house, "second")
    await _choose(second, ["queued"])
    running: str = (await first.submit(first.open_intent())).json()["id"]
    await house.clock.settle()
    assert (await second.submit(second.open_intent(unit=8))).status_code == 201
    await house.clock.advance(120)
    return first, second, running


async def test_who_waits_is_told_and_told_again_when_it_begins(furnished: House) -> None:
    """The supply feeds one of two: the second waits for the first."""
    house = furnished
    first, second, running = await _one_of_two_waits(house)
    (row,) = await _told(second)
    assert (row["name"], row["unit"], row["values"]) == ("queued", 8, {"position": 1})
    await _stop(first, running)
    await house.clock.advance(600)
    assert [row["name"] for row in await _told(second)] == ["begun", "queued"]


async def test_who_waits_for_the_car_before_at_the_same_socket_is_told_why(furnished: House) -> None:
    """It has no place in the supply's queue yet; when the socket is free it begins, and that is told too."""
    house = furnished
    first, second = await funded(house), await funded(house, "second")
    await _choose(second, ["queued"])
    running = (await first.submit(first.open_intent())).json()["id"]
    await house.clock.settle()
    assert (await second.submit(second.open_intent())).status_code == 201
    await house.clock.advance(120)
    (row,) = await _told(second)
    assert (row["name"], row["unit"], row["values"]) == ("occupied", 7, {})
    await _stop(first, running)
    await house.clock.advance(600)
    assert [row["name"] for row in await _told(second)] == ["begun", "occupied"]


async def _another_teller(house: House) -> Teller:
    """One that knows no more than the database."""
    gateway = house.gateway

    async def balance(_: str) -> int:
        return 0

    teller = Teller(
        bus=gateway.operation.bus,
        clock=gateway.clock,
        subscriptions=gateway.subscriptions,
        push=PushSender(new_key(), "mailto:a@b.example", gateway.clock),
        view=gateway.operation.book.view,
        balance=balance,
        session_at=gateway.operation.session_at,
        under_way=gateway.operation.sessions_under_way,
    )
    await teller.start()
    return teller


async def test_what_begins_while_nobody_tells_is_told_later(furnished: House) -> None:
    """That it was queued is among the notices: what follows from it needs no memory."""
    house = furnished
    first, second, running = await _one_of_two_waits(house)
    assert [row["name"] for row in await _told(second)] == ["queued"]
    await house.gateway.teller.close()
    await _stop(first, running)
    await house.clock.advance(600)
    teller = await _another_teller(house)
    await house.clock.advance(120)
    assert [row["name"] for row in await _told(second)] == ["begun", "queued"]
    await teller.close()


async def test_a_wallet_that_the_ledger_never_saw_is_not_kept(furnished: House, service: PushService) -> None:
    """A fresh key costs nothing: neither choice nor browser of one takes room; an empty choice takes none."""
    stranger, resident = Resident(furnished, "stranger"), await funded(furnished)
    account = f"/v1/wallets/{stranger.wallet.id}"
    chosen = await stranger.ask("PUT", f"{account}/notifications", {"kinds": ["charged"]})
    added = await stranger.ask("POST", f"{account}/push-subscriptions", service.subscription)
    for answer in (chosen, added):
        assert (answer.status_code, answer.json()["field"]) == (409, "wallet"), answer.text
    await _choose(stranger, [])
    await _choose(resident, ["charged"])
    await _choose(resident, [])
    database = furnished.gateway.database
    for table in (NOTICE_CHOICE, PUSH_SUBSCRIPTION):
        query = select(func.count()).select_from(table)
        assert await database.read(lambda c, query=query: c.execute(query).scalar_one()) == 0  # type: ignore[misc]


async def test_a_subscription_that_the_browser_ended_is_forgotten(
    furnished: House, service: PushService
) -> None:
    """The service answers 410, and no second message goes there."""
    house = furnished
    service.answers.append(410)
    resident = await funded(house)
    await _choose(resident, ["charged"], service)
    session = (await resident.submit(resident.open_intent())).json()["id"]
    await house.clock.advance(600)
    await _stop(resident, session)
    await house.clock.settle()
    await _until(lambda: len(service.received) == 1)
    account = f"/v1/wallets/{resident.wallet.id}/notifications"
    for _ in range(200):
        if (await resident.get(account))["browsers"] == []:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the subscription stayed")


async def test_a_bad_subscription_is_refused_and_a_good_one_is_removed(
    furnished: House, service: PushService
) -> None:
    """Field and rule are named; another wallet cannot end it."""
    resident, neighbour = await funded(furnished), await funded(furnished, "neighbour")
    account = f"/v1/wallets/{resident.wallet.id}"
    wrong: list[tuple[dict[str, str], str]] = [
        ({"endpoint": "https://10.0.0.1/x"}, "endpoint"),
        ({"endpoint": "http://updates.push.example/x"}, "endpoint"),
        ({"key": "AAAA"}, "key"),
        ({"secret": "AAAA"}, "secret"),
    ]
    for change, field in wrong:
        answer = await resident.ask("POST", f"{account}/push-subscriptions", service.subscription | change)
        assert (answer.status_code, answer.json()["field"]) == (422, field)
    kinds = await resident.ask("PUT", f"{account}/notifications", {"kinds": ["weather"]})
    assert (kinds.status_code, kinds.json()["field"]) == (422, "kinds")
    added = (await resident.ask("POST", f"{account}/push-subscriptions", service.subscription)).json()["id"]
    others = f"/v1/wallets/{neighbour.wallet.id}/push-subscriptions/{added}"
    assert (await neighbour.ask("DELETE", others)).status_code == 204
    assert (await resident.get(f"{account}/notifications"))["browsers"] == [added]
    assert (await resident.ask("DELETE", f"{account}/push-subscriptions/{added}")).status_code == 204
    assert (await resident.get(f"{account}/notifications"))["browsers"] == []
