"""Anybody on the network, who holds what they overheard: switch a relay, forge a reading, read a key."""

from __future__ import annotations

import base64
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from chaincode.signing import domain
from chaincode.signing.batch import decode_batch, sign_batch
from chaincode.signing.command import Command, CommandKind, sign_command
from firmware.simulator.unit.authentication import SignatureAuthentication
from firmware.simulator.unit.command import Addressee, open_command
from firmware.simulator.unit.refusal import Refusal
from gateway.metering.records import READING_BATCH
from gateway.rest.application import routes
from gateway.rest.places import EXPORTS, STREAMS
from gateway.store.database import Database
from gateway.transaction import purchase
from gateway.transaction.records import PENDING_PURCHASE
from tests.gateway.garage import SIGNING, secret_of
from tests.gateway.house import House
from tests.gateway.process import serving
from tests.gateway.test_callers import CALLERS, VALUES
from tests.gateway.transaction.test_wallet_routes import Resident, funded, look

NETWORK = domain.network_tag("condocharge", "riverside")


async def _sent(house: House) -> list[bytes]:
    """Every batch that went over the network."""
    query = select(READING_BATCH.c.message).order_by(READING_BATCH.c.number)
    return await house.gateway.database.read(lambda c: list(c.execute(query).scalars()))


async def test_what_was_recorded_on_the_network_does_nothing_again(furnished: House) -> None:
    """All batches of a session, sent again while it goes on and after it: not a watt-hour, not a block."""
    house = furnished
    resident = await funded(house)
    opened = await resident.submit(resident.open_intent())
    session = opened.json()["id"]
    await house.clock.advance(1_800)
    height, energy = await house.gateway.ledger.height(), (await look(house, f"/v1/sessions/{session}"))
    recorded = await _sent(house)
    async with house.client() as thief:
        for batch in recorded:
            answer = await thief.post("/v1/units/7/readings", content=batch)
            assert answer.status_code == 200, answer.text
    await house.clock.settle()
    assert await _sent(house) == recorded
    assert await house.gateway.ledger.height() == height
    assert await look(house, f"/v1/sessions/{session}") == energy
    await house.clock.advance(3 * 3_600)
    assert (await look(house, f"/v1/sessions/{session}"))["state"] == "settled"


async def test_a_reading_under_another_key_is_refused(furnished: House) -> None:
    """Whoever knows a unit's number and its last batch cannot write the next one."""
    house = furnished
    *_, last = await _sent(house)
    batch = decode_batch(last[:-64])
    forged = replace(batch, number=batch.number + 1, register=batch.register + 50_000_000)
    async with house.client() as thief:
        for path in ("/v1/units/7/readings", "/v1/units/8/readings"):
            answer = await thief.post(path, content=sign_batch(forged, secret_of("thief")))
            assert answer.status_code in (403, 404, 422), answer.text
    assert (await _sent(house))[-1] == last


@pytest.mark.parametrize(
    "changes",
    [{}, {"boot": 2}, {"unit": 8}, {"network": bytes(8)}, {"counter": 10}, {"issued": 10_000}],
    ids=["forged", "of another start", "of another unit", "of another network", "repeated", "old"],
)
def test_a_command_that_is_not_the_gateways_for_now_moves_no_relay(changes: dict[str, object]) -> None:
    """Signed by a thief, or recorded: of another start, unit or network, heard before, or too old."""
    command = Command(
        kind=CommandKind.ON,
        unit=7,
        network=NETWORK,
        boot=3,
        counter=11,
        issued=1_760_000_000,
        session=bytes(range(16)),
        grant=3_600,
        current=160,
        acknowledged=0,
    )
    authentication = SignatureAuthentication.from_seed(bytes(32), SIGNING[32:])
    addressee = Addressee(7, NETWORK, 3, 10, 1_760_000_005)
    assert open_command(sign_command(command, SIGNING), authentication, addressee).grant == 3_600
    key = SIGNING if changes else secret_of("thief")
    with pytest.raises(Refusal):
        wrong = sign_command(replace(command, **changes), key)  # type: ignore[arg-type]
        open_command(wrong, authentication, addressee)


async def test_no_answer_holds_a_key(furnished: House) -> None:
    """Whatever anybody may ask: no answer has a byte of the signing key or of a login."""
    house = furnished
    token = await house.login("admin")
    secret = house.gateway.keys.signing_key()[:32]
    kept = {secret, secret.hex().encode(), base64.b64encode(secret)[:40], token.encode()}
    await house.gateway.operation.end_streams()
    asked = 0
    async with house.client() as thief:
        for route in routes(house.gateway.app):
            if "GET" in (route.methods or ()) and CALLERS[route.name] in ("anybody", "unit"):
                answer = await thief.get(route.path_format.format(**VALUES), params={"boot": 1})
                assert not [each for each in kept if each in answer.content], route.name
                asked += 1
    assert asked > 8


async def test_unpaid_purchases_do_not_pile_up(gateway_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wallets cost nothing, so the purchases of those who never paid are bounded, and old ones go."""
    house = gateway_house
    monkeypatch.setattr(purchase, "MOST_UNKNOWN", 5)
    honest = await funded(house, "honest")
    await _ask(honest)
    for number in range(12):
        await house.clock.advance(1)
        await _ask(Resident(house, f"thief {number}"))
    await house.clock.advance(700)
    await _ask(Resident(house, "one more"))
    assert await _unpaid(house.gateway.database) == 1 + 5 + 1
    await house.clock.advance(91 * 86_400)
    await _ask(Resident(house, "much later"))
    assert await _unpaid(house.gateway.database) == 1
    account = await honest.get(f"/v1/wallets/{honest.wallet.id}")
    assert account["balance"] == 2_000


async def _ask(resident: Resident) -> None:
    path = f"/v1/wallets/{resident.wallet.id}/purchases"
    assert (await resident.ask("POST", path, {"amount": 100})).status_code == 201


async def _unpaid(database: Database) -> int:
    query = select(func.count()).where(PENDING_PURCHASE.c.transaction.is_(None))
    return await database.read(lambda c: c.execute(query).scalar_one())


@pytest.mark.slow
def test_streams_and_exports_are_counted(tmp_path: Path) -> None:
    """One address fills its own places and no more; what it closes it can open again."""
    with serving(tmp_path) as process, httpx.Client(base_url=process.url, timeout=30) as client:
        with ExitStack() as held:
            for _ in range(STREAMS[1]):
                response = held.enter_context(client.stream("GET", "/v1/ledger/events"))
                assert response.status_code == 200
            refused = client.get("/v1/ledger/events")
            assert refused.status_code == 429
            assert f"at most {STREAMS[1]}" in refused.json()["detail"]
            assert client.get("/v1/condominium").is_success
            for _ in range(2 * EXPORTS[1]):
                assert client.get("/v1/ledger/export").is_success
        with client.stream("GET", "/v1/ledger/events") as again:
            assert again.status_code == 200
