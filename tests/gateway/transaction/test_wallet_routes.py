"""A resident's whole way over REST: buy, open, watch, stop, receipt; and what others may not see."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from chaincode.signing import domain
from chaincode.signing.intent import Intent, OpenIntent, StopIntent, intent_id, new_nonce
from chaincode.signing.query import sign_query
from chaincode.signing.receipt import decode_receipt
from tests.chaincode.world import PartyWallet, secret_of
from tests.gateway.garage import Car, Garage, Socket, wallet
from tests.gateway.house import House

CODE = "riverside"
CHANNEL = "condocharge"


class Resident:
    """A wallet that speaks REST."""

    def __init__(self, house: House, name: str = "resident") -> None:
        self.house = house
        self.wallet: PartyWallet = wallet(name)

    @property
    def now(self) -> int:
        """Unix seconds."""
        return self.house.clock.now() // 1_000

    async def ask(self, method: str, target: str, members: Any = None, /, **changes: Any) -> httpx.Response:
        """A signed request; `changes` to what is signed."""
        body = b"" if members is None else json.dumps(members).encode()
        signed: dict[str, Any] = {
            "wallet": bytes.fromhex(self.wallet.id),
            "method": method,
            "target": target,
            "network": CHANNEL,
            "body": body,
            "time": self.now,
            "nonce": bytes.fromhex(new_nonce()),
        }
        header = sign_query(secret_of(self.wallet.key), **(signed | changes)).encode()
        async with self.house.client(authorization=header) as client:
            return await client.request(
                method, target, content=body, headers={"content-type": "application/json"}
            )

    async def get(self, target: str) -> Any:
        """What a signed request is answered, which has to succeed."""
        response = await self.ask("GET", target)
        assert response.status_code == 200, response.text
        return response.json()

    async def submit(self, intent: Intent) -> httpx.Response:
        """Hand over an intent."""
        body, signature = self.wallet.sign(intent)
        return await post_intent(self.house, body, signature)

    def open_intent(self, **changes: Any) -> OpenIntent:
        """An intent to charge at unit 7."""
        members: dict[str, Any] = {
            "network": CHANNEL,
            "wallet": self.wallet.id,
            "nonce": new_nonce(),
            "expires": self.now + 600,
            "condominium": CODE,
            "unit": 7,
            "tariff": 1,
            "issuer": CODE,
            "amount": 500,
            "duration": 9 * 3_600,
        }
        return OpenIntent(**(members | changes))


async def post_intent(house: House, body: bytes, signature: bytes) -> httpx.Response:
    """Hand over bytes as an intent."""
    members = {"body": base64url(body), "signature": base64url(signature)}
    async with house.client() as client:
        return await client.post("/v1/intents", json=members)


def base64url(value: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


async def look(house: House, target: str) -> Any:
    """What anybody is answered."""
    async with house.client() as client:
        response = await client.get(target)
    assert response.status_code == 200, response.text
    return response.json()


class Connected(Garage):
    """The unit's side of a garage, for a gateway that is put together elsewhere."""

    def __init__(self, house: House, socket: Socket) -> None:
        self.metering = house.gateway.metering
        self.clock = house.clock  # type: ignore[assignment]
        self.tasks = set()
        self.errors = []
        socket.garage = self


@pytest.fixture
async def furnished(gateway_house: House) -> House:
    """A house with a tariff of 0.20 a kWh and a unit 7 of 16 A that is heard."""
    house = gateway_house
    async with await house.caller("ADMIN") as admin:
        tariff = {"bands": [{"name": "all day", "energy_price": 200_000}]}
        assert (await admin.post("/v1/tariffs", json=tariff)).status_code == 201
        group = {"code": "garage", "name": "Garage", "maximum_load": 7_360}
        assert (await admin.post("/v1/groups", json=group)).status_code == 201
    await heard(house, 7, Car(current=10_000, need=4_600_000))
    return house


async def heard(house: House, number: int, car: Car) -> Socket:
    """A unit that is enrolled into the group, has a car and is heard."""
    network = domain.network_tag(CHANNEL, CODE)
    socket = Socket(number, network=network, time=house.clock.now() // 1_000)
    async with await house.caller("ADMIN") as admin:
        unit = {
            "unit": number,
            "class": "ed25519",
            "key": socket.secret[32:].hex(),
            "nominal_current": 16_000,
            "nominal_voltage": 2_300,
            "phases": 1,
            "settings": {"name": f"Bay {number}", "location": "Level -1", "group": "garage"},
        }
        assert (await admin.post("/v1/units", json=unit)).status_code == 201
    await house.clock.settle()
    socket.car = car
    Connected(house, socket)
    socket.transmit()
    await house.clock.settle()
    return socket


async def funded(house: House, name: str = "resident", amount: int = 2_000) -> Resident:
    """A resident who has bought tokens."""
    resident = Resident(house, name)
    response = await resident.ask("POST", f"/v1/wallets/{resident.wallet.id}/purchases", {"amount": amount})
    assert response.status_code == 201, response.text
    reference = response.json()["reference"]
    async with await house.caller("OPERATOR") as operator:
        paid = await operator.post(f"/v1/purchases/{reference}/payment")
        assert paid.json()["state"] == "paid"
        again = await operator.post(f"/v1/purchases/{reference}/payment")
        assert again.json()["transaction"] == paid.json()["transaction"]
    return resident


async def test_a_resident_buys_charges_and_keeps_a_receipt(furnished: House) -> None:
    """From nothing to a refund, each figure as docs/rest.md says."""
    house = furnished
    resident = await funded(house)
    account = f"/v1/wallets/{resident.wallet.id}"
    assert (await resident.get(account))["balance"] == 2_000
    opened = await resident.submit(resident.open_intent())
    assert opened.status_code == 201, opened.text
    session = opened.json()["id"]
    await house.clock.settle()
    assert (await look(house, "/v1/units/7"))["state"] == "charging"
    held = await resident.get(account)
    assert (held["balance"], held["escrow"]) == (1_500, 500)
    await house.clock.advance(3_600)
    shown = await look(house, f"/v1/sessions/{session}")
    assert (shown["activity"], shown["power"], shown["reason"]) == (
        "charging",
        2_300,
        "charging at up to 16.0 A",
    )
    assert abs(shown["energy"] - 2_300) <= 39
    # The escrow would buy ten hours more: its time ends before.
    assert (shown["expected_start"], shown["expected_finish"]) == (None, shown["deadline"])
    await house.clock.advance(2 * 3_600)
    ended = await look(house, f"/v1/sessions/{session}")
    assert (ended["state"], ended["activity"], ended["stopped_reason"]) == ("settled", "ended", "StoppedByEV")
    assert (ended["energy"], ended["cost"], ended["refund"]) == (4_600, 92, 408)
    assert ended["expected_finish"] is None
    statement = await resident.get(f"{account}/statement")
    assert [(row["kind"], row["amount"]) for row in statement["rows"]] == [
        ("settlement", 408),
        ("escrow", -500),
        ("purchase", 2_000),
    ]
    assert [row["session"] for row in (await resident.get(f"{account}/sessions"))["rows"]] == [session]
    readings = (await resident.get(f"/v1/sessions/{session}/readings"))["rows"]
    assert readings[-1]["energy"] == 4_600
    async with house.client() as client:
        receipt = decode_receipt((await client.get(f"/v1/sessions/{session}/receipt")).content)
    assert (receipt.session, receipt.network) == (session, CHANNEL)


async def test_a_session_is_followed_to_its_end(furnished: House) -> None:
    """Events come at once, at changes, and end with the session."""
    house = furnished
    resident = await funded(house)
    session = (await resident.submit(resident.open_intent())).json()["id"]
    async with house.client() as client:
        reading = asyncio.ensure_future(client.get(f"/v1/sessions/{session}/events"))
        await house.clock.settle()
        await house.clock.advance(600)
        stop = StopIntent(
            network=CHANNEL,
            wallet=resident.wallet.id,
            nonce=new_nonce(),
            expires=resident.now + 60,
            session=session,
        )
        assert (await resident.submit(stop)).status_code == 201
        await house.clock.settle()
        text = (await reading).text
    events = [json.loads(each.split("data: ")[1]) for each in text.split("\n\n") if each]
    assert events[0]["activity"] == "charging"
    assert (events[-1]["activity"], events[-1]["stopped_reason"]) == ("ended", "Remote")
    assert len(events) > 10


async def test_the_same_intent_twice_is_one_session(furnished: House) -> None:
    """A phone that got no answer asks again."""
    resident = await funded(furnished)
    intent = resident.open_intent()
    first, second = [await resident.submit(intent) for _ in range(2)]
    assert first.json()["id"] == second.json()["id"] == intent_id(intent.encode())
    held = await resident.get(f"/v1/wallets/{resident.wallet.id}")
    assert (held["balance"], held["escrow"]) == (1_500, 500)


async def test_a_wrong_intent_names_the_field(furnished: House) -> None:
    """And changes nothing."""
    resident = await funded(furnished)
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({"network": "elsewhere"}, 403, "network"),
        ({"condominium": "boreal"}, 422, "condominium"),
        ({"unit": 8}, 404, "unit"),
        ({"tariff": 9}, 404, "tariff"),
        ({"amount": 2_001}, 409, "amount"),
        ({"amount": 0}, 422, "amount"),
        ({"duration": 1}, 422, "duration"),
        ({"expires": 1}, 403, "expires"),
    ]
    for changes, status, field in wrong:
        response = await resident.submit(resident.open_intent(**changes))
        assert (response.status_code, response.json()["field"]) == (status, field), response.text
    assert (await resident.get(f"/v1/wallets/{resident.wallet.id}"))["balance"] == 2_000


async def test_an_intent_signed_by_another_is_refused(furnished: House) -> None:
    """The gateway cannot make one up, nor can a neighbour."""
    resident = await funded(furnished)
    body = resident.open_intent().encode()
    forged = domain.sign(secret_of(wallet("neighbour").key), domain.INTENT, body)
    response = await post_intent(furnished, body, forged)
    assert (response.status_code, response.json()["field"]) == (403, "signature")
    short = await post_intent(furnished, body, b"x")
    assert (short.status_code, short.json()["field"]) == (422, "signature")


async def test_a_wallet_sees_its_own_records_alone(furnished: House) -> None:
    """Another's balance, statement, purchases and readings are its own."""
    resident = await funded(furnished)
    neighbour = Resident(furnished, "neighbour")
    session = (await resident.submit(resident.open_intent())).json()["id"]
    own = f"/v1/wallets/{resident.wallet.id}"
    for target in (own, f"{own}/statement", f"{own}/sessions", f"/v1/sessions/{session}/readings"):
        assert (await neighbour.ask("GET", target)).status_code == 403
        async with furnished.client() as client:
            assert (await client.get(target)).status_code == 401


async def test_a_signed_query_is_for_one_request_and_once(furnished: House) -> None:
    """Another method, target, body, network or time; and the very same one again."""
    resident = await funded(furnished)
    target = f"/v1/wallets/{resident.wallet.id}"
    for changes in (
        {"method": "POST"},
        {"target": target + "/statement"},
        {"body": b"x"},
        {"network": "elsewhere"},
        {"time": resident.now - 301},
        {"time": resident.now + 301},
        {"wallet": bytes(32)},
    ):
        assert (await resident.ask("GET", target, **changes)).status_code == 401, changes
    nonce = bytes(16)
    assert (await resident.ask("GET", target, nonce=nonce)).status_code == 200
    again = await resident.ask("GET", target, nonce=nonce)
    assert (again.status_code, again.json()["field"]) == (401, "authorization.nonce")


async def test_auditors_read_the_ledger(furnished: House) -> None:
    """Height, blocks, an export of all of them, and events that can be resumed."""
    house = furnished
    await funded(house)
    height = (await look(house, "/v1/ledger"))["height"]
    block = await look(house, f"/v1/ledger/blocks/{height - 1}")
    assert block["transactions"][0]["function"] == "token.issue"
    async with house.client() as client:
        missing = await client.get(f"/v1/ledger/blocks/{height}")
        assert (missing.status_code, missing.json()["field"]) == (404, "block")
        lines = (await client.get("/v1/ledger/export")).text.splitlines()
        assert len(lines) == height
        following = asyncio.ensure_future(
            client.get("/v1/ledger/events?from=0", headers={"last-event-id": "0.0"})
        )
        await house.clock.settle()
        await house.gateway.operation.end_streams()
        text = (await following).text
    names = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    assert names == ["tariff.published", "unit.enrolled", "token.issued"]


async def test_a_reader_of_events_names_one_that_it_has_seen(gateway_house: House) -> None:
    """Digits of other alphabets, negative or endless numbers are none."""
    async with gateway_house.client() as client:
        for wrong in (b"\xb2.0", b"1", b"1.", b"-1.0", b"9" * 30 + b".0", b"a.b"):
            response = await client.get("/v1/ledger/events", headers={b"last-event-id": wrong})
            assert (response.status_code, response.json()["field"]) == (422, "last-event-id"), wrong


async def test_the_condominium_introduces_itself(furnished: House) -> None:
    """Everything that a wallet has to know before it signs anything."""
    condominium = await look(furnished, "/v1/condominium")
    assert (condominium["code"], condominium["network"], condominium["decimals"]) == (CODE, CHANNEL, 2)
    assert condominium["tariff"]["number"] == 1
    assert condominium["root_certificate"].startswith("-----BEGIN CERTIFICATE-----")
    units = await look(furnished, "/v1/units")
    assert [(each["unit"], each["state"], each["class"]) for each in units["rows"]] == [
        (7, "free", "ed25519")
    ]
    tariffs = await look(furnished, "/v1/tariffs")
    assert tariffs["rows"] == [await look(furnished, "/v1/tariffs/1")]


async def test_unpaid_purchases_expire_and_are_few(gateway_house: House) -> None:
    """A wallet cannot fill the gateway with wishes."""
    resident = Resident(gateway_house)
    target = f"/v1/wallets/{resident.wallet.id}/purchases"
    answers = [await resident.ask("POST", target, {"amount": 100}) for _ in range(21)]
    assert [each.status_code for each in answers] == [201] * 20 + [409]
    await gateway_house.clock.advance(31 * 86_400)
    reference = answers[0].json()["reference"]
    assert (await resident.get(f"{target}/{reference}"))["state"] == "expired"
    async with await gateway_house.caller("OPERATOR") as operator:
        late = await operator.post(f"/v1/purchases/{reference}/payment")
        assert late.json()["state"] == "paid"
