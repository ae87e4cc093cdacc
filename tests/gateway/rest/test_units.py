"""The units' routes: binary bodies, held answers, old clients, hostile bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaincode.signing.command import CommandKind
from chaincode.signing.configuration import BODY_BYTES, decode_configuration
from gateway.clock import SystemClock
from gateway.metering.service import Metering
from gateway.metering.verification import MAX_BODY_BYTES
from gateway.rest import application
from gateway.rest.units import units_router
from gateway.store.database import Database
from tests.examples import examples
from tests.gateway.metering.meter import SESSION, Meter, Place

OCTETS = "application/octet-stream"


@pytest.fixture
def meter() -> Meter:
    """A unit of the class that 8-bit boards are of."""
    return Meter(unit_class="mac")


@pytest.fixture
def place(meter: Meter) -> Place:
    """What surrounds a gateway with `meter` and a unit 8 that signs."""
    return Place(meter, Meter(number=8))


@pytest.fixture
async def metering(place: Place, database: Database) -> AsyncIterator[Metering]:
    """A running metering service on the machine's clock, whose held answers really wait."""
    clock = SystemClock()
    now = clock.now() // 1_000
    for meter in place.meters.values():
        meter.time = now
    service = place.metering(database, clock)
    await service.start()
    yield service
    await service.close()


@pytest.fixture
def app(metering: Metering) -> FastAPI:
    """The units' routes in the gateway's frame."""
    return application.create([units_router(metering)], [])


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, without a network."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as opened:
        yield opened


@pytest.fixture
async def port(app: FastAPI) -> AsyncIterator[int]:
    """The port of a real server."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event for it
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


def unharmed(place: Place) -> bool:
    """Whether nothing was handed on."""
    return not place.batches and not place.requests


async def test_readings(client: httpx.AsyncClient, place: Place, meter: Meter) -> None:
    """A POST of batches is answered by one command, of known length."""
    answer = await client.post("/v1/units/7/readings", content=meter.send() + meter.send())
    assert (answer.status_code, answer.headers["content-type"]) == (200, OCTETS)
    assert answer.headers["content-length"] == str(len(answer.content))
    assert meter.read(answer.content).acknowledged == 2
    assert len(place.batches) == 2


async def test_configuration(client: httpx.AsyncClient) -> None:
    """A GET is answered by the configuration for the boot count that it names."""
    answer = await client.get("/v1/units/7/configuration", params={"boot": 5})
    assert (answer.status_code, answer.headers["content-type"]) == (200, OCTETS)
    assert decode_configuration(answer.content[:BODY_BYTES]).boot == 5


async def test_requests(client: httpx.AsyncClient, place: Place, meter: Meter) -> None:
    """A start request is answered by a command."""
    answer = await client.post("/v1/units/7/requests", content=meter.ask())
    assert meter.read(answer.content).kind is CommandKind.ACKNOWLEDGE
    assert len(place.requests) == 1


@pytest.mark.parametrize(
    ("asked", "status", "field"),
    [
        ("GET /v1/units/99/configuration?boot=1", 404, "unit"),
        ("GET /v1/units/7/configuration", 422, "boot"),
        ("GET /v1/units/7/configuration?boot=4294967296", 422, "boot"),
        ("GET /v1/units/7/configuration?boot=x", 422, "boot"),
        ("GET /v1/units/65536/configuration?boot=1", 422, "unit"),
        ("POST /v1/units/7/readings?wait=26", 422, "wait"),
        ("POST /v1/units/7/readings?wait=-1", 422, "wait"),
        ("POST /v1/units/-1/readings", 422, "unit"),
        ("POST /v1/units/7/readings", 422, "batch"),
        ("POST /v1/units/8/readings", 422, "batch"),
        ("POST /v1/units/7/requests", 422, "request"),
        ("PUT /v1/units/7/readings", 405, "method"),
    ],
)
async def test_what_is_wrong_is_named(
    client: httpx.AsyncClient, place: Place, asked: str, status: int, field: str
) -> None:
    """A problem body with field and rule."""
    answer = await client.request(*asked.split())
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert answer.headers["content-type"] == "application/problem+json"
    assert unharmed(place)


async def test_statuses_of_unsound_messages(client: httpx.AsyncClient, meter: Meter) -> None:
    """403 for what is forged, 409 for what contradicts the store, 422 for another unit's."""
    forged = Meter(unit_class="mac", name="mallory").send()
    assert (await client.post("/v1/units/7/readings", content=forged)).status_code == 403
    assert (await client.post("/v1/units/8/readings", content=meter.send())).status_code == 422
    assert (await client.post("/v1/units/7/readings", content=meter.send())).status_code == 200
    lower = meter.seal(meter.batch(register=1).encode())
    answer = await client.post("/v1/units/7/readings", content=lower)
    assert (answer.status_code, answer.json()["field"]) == (409, "batch.register")


async def test_a_body_that_is_too_long(client: httpx.AsyncClient, meter: Meter) -> None:
    """Refused by the service's own limit, and long before memory is at stake by the frame's."""
    answer = await client.post("/v1/units/7/readings", content=meter.send() + bytes(MAX_BODY_BYTES))
    assert (answer.status_code, answer.json()["field"]) == (422, "body")
    answer = await client.post("/v1/units/7/readings", content=bytes(100_000))
    assert answer.status_code == 413


async def test_a_database_that_fails(client: httpx.AsyncClient, database: Database, meter: Meter) -> None:
    """503 and come back: the batch is sound, and is not acknowledged."""
    await database.close()
    answer = await client.post("/v1/units/7/readings", content=meter.send())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_a_held_answer(port: int, metering: Metering, meter: Meter) -> None:
    """Over a real connection: the answer comes when the command does."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        asking = asyncio.create_task(
            client.post("/v1/units/7/readings?wait=25", content=meter.send(), timeout=20)
        )
        done, _ = await asyncio.wait({asking}, timeout=0.3)
        assert not done
        metering.outbox.send(7, CommandKind.ON, SESSION, grant=60)
        assert meter.read((await asking).content).kind is CommandKind.ON


async def test_a_client_of_1996(port: int, meter: Meter) -> None:
    """HTTP/1.0, no Host, several small writes: a plain answer with its length, then the connection closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = meter.send()
    head = f"POST /v1/units/7/readings HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for start in range(0, len(head + body), 32):
        writer.write((head + body)[start : start + 32])
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 10)
    headers, _, content = answer.partition(b"\r\n\r\n")
    assert headers.split(b"\r\n")[0].split()[1] == b"200"
    assert b"transfer-encoding" not in headers.lower()
    assert f"content-length: {len(content)}".encode() in headers.lower()
    assert meter.read(content).acknowledged == 1
    writer.close()


async def test_a_client_that_hangs_up(
    port: int, place: Place, meter: Meter, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a body and a closed connection leave neither a batch nor a traceback."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/units/7/readings HTTP/1.1\r\nHost: g\r\nContent-Length: 104\r\n\r\n" + bytes(50))
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.post("/v1/units/7/readings", content=meter.send())
    assert answer.status_code == 200
    assert len(place.batches) == 1
    assert "Traceback" not in caplog.text


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_hostile_requests(
    client: httpx.AsyncClient, place: Place, metering: Metering, meter: Meter, data: st.DataObject
) -> None:
    """Whatever path, query, type and bytes: refused as the caller's fault, and nothing changed."""
    route = data.draw(st.sampled_from(["readings", "requests", "configuration"]))
    unit = data.draw(st.one_of(st.sampled_from(["7", "8", "99"]), st.text(max_size=6)))
    names = st.sampled_from(["wait", "boot", "x"])
    query = data.draw(st.dictionaries(names, st.text(max_size=12), max_size=2))
    head = data.draw(st.sampled_from([b"", meter.batch().encode(), meter.ask()[:40]]))
    kind = data.draw(st.sampled_from([OCTETS, "application/json", "multipart/form-data"]))
    answer = await client.request(
        "GET" if route == "configuration" else "POST",
        f"/v1/units/{quote(unit, safe='')}/{route}",
        params=query,
        content=head + data.draw(st.binary(max_size=300)),
        headers={"Content-Type": kind},
    )
    assert answer.status_code < 500
    if route != "configuration":
        assert answer.status_code >= 400
    assert unharmed(place)
    assert await metering.readings.last(meter.enrolled()) is None
