"""Firmware over REST: what operators see and order, problem bodies, and the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaincode.signing import domain
from chaincode.signing.firmware import version_number
from chaincode.signing.query import sign_query
from chaincode.signing.status import UnitStatus
from gateway.app import Gateway
from gateway.clock import SimulatedClock
from gateway.settings import load
from tests.gateway.firmware.image import BOARD, FIRMWARE_KEY, OTHER_SECRET, signed
from tests.gateway.house import CHEAP, ENVIRONMENT, START, House

KEY = {"CONDOCHARGE_UNITS_FIRMWARE_KEY": FIRMWARE_KEY.hex()}


@dataclass
class Unit:
    """Unit 7 of class mac, as its gateway hears it."""

    house: House
    key: bytes
    number: int = 0

    async def tell(self, firmware: str) -> bytes:
        self.number += 1
        gateway = self.house.gateway
        network = domain.network_tag(gateway.ledger.channel, gateway.condominium.code)
        said = UnitStatus(
            unit=7, network=network, boot=1, number=self.number, firmware=version_number(firmware),
            board=BOARD, updates=True,
        )  # fmt: skip
        body = said.encode()
        message = body + domain.mac(self.key, domain.STATUS, body)
        async with self.house.client() as client:
            answer = await client.post("/v1/units/7/firmware?boot=1", content=message)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-length"] == str(len(answer.content))
        return answer.content


@pytest.fixture
async def unit(tmp_path: Path) -> AsyncIterator[Unit]:
    environment = ENVIRONMENT | KEY | {"CONDOCHARGE_DIRECTORY": str(tmp_path)}
    clock = SimulatedClock(START)
    async with await Gateway.open(load(None, environment), clock, CHEAP) as gateway:
        await gateway.start()
        house = House(gateway, clock)
        async with await house.caller("ADMIN") as admin:
            group = {"code": "hall", "name": "Hall", "maximum_load": 22_000}
            assert (await admin.post("/v1/groups", json=group)).status_code == 201
            enrolment = {
                "unit": 7, "class": "mac", "nominal_current": 16_000, "nominal_voltage": 2_300, "phases": 1,
                "settings": {"name": "Unit 7", "group": "hall"},
            }  # fmt: skip
            answer = await admin.post("/v1/units", json=enrolment)
        yield Unit(house, bytes.fromhex(answer.json()["mac_key"]))


async def test_an_update(unit: Unit) -> None:
    """Upload, order, offer, pieces, done; each of the manager's steps is on the audit log."""
    file = signed("2.0.0", image=bytes(200_000))
    await unit.tell("1.0.0")
    async with await unit.house.caller("ADMIN") as admin:
        uploaded = await admin.post("/v1/firmware", content=file)
        assert uploaded.status_code == 201, uploaded.text
        assert uploaded.json()["version"] == "2.0.0"
        assert (await admin.get("/v1/firmware")).json()["images"] == [uploaded.json()]
        ordered = await admin.put("/v1/units/7/firmware-target", json={"version": "2.0.0"})
        assert ordered.json()["state"] == "offered", ordered.text
    assert file[:128] in await unit.tell("1.0.0")
    async with unit.house.client() as client:
        named = uploaded.json()["hash"][:32]
        target = f"/v1/units/7/firmware?image={named}&from=199000&count=1000"
        piece = await client.get(target)
        assert (piece.status_code, piece.content) == (200, bytes(1_000))
        beyond = await client.get(target.replace("count=1000", "count=1001"))
        assert (beyond.status_code, beyond.json()["field"]) == (422, "count")
        other = await client.get(target.replace(named, named[::-1]))
        guessed = await client.get(target.replace(f"image={named}", f"version={version_number('2.0.0')}"))
        assert (other.status_code, guessed.status_code) == (404, 422)
        await unit.tell("2.0.0")
        assert (await client.get(target)).status_code == 404, "a stranger would know what runs"
    async with await unit.house.caller("AUDITOR") as auditor:
        (row,) = (await auditor.get("/v1/unit-firmware")).json()["units"]
        log = (await auditor.get("/v1/audit-log")).json()["entries"]
    assert (row["firmware"], row["state"], row["target"]) == ("2.0.0", "done", "2.0.0")
    entries = {each["operation"]: each for each in log if each["detail"]}
    assert entries["upload_firmware"]["detail"]["hash"] == uploaded.json()["hash"]
    assert entries["order_firmware"]["detail"] == {"unit": 7, "version": "2.0.0"}


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (signed("2.0.0", secret=OTHER_SECRET), "firmware.signature"),
        (signed("2.0.0")[:-1], "firmware.length"),
        (b"", "firmware"),
    ],
    ids=["another key", "cut off", "nothing"],
)
async def test_refused_uploads(unit: Unit, content: bytes, field: str) -> None:
    """A problem body names field and rule."""
    async with await unit.house.caller("ADMIN") as admin:
        answer = await admin.post("/v1/firmware", content=content)
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert answer.json()["rule"]


async def test_who_may_upload_how_much(unit: Unit) -> None:
    """The longer limit is that one path's, and whoever may not upload is refused before the body is read."""
    async with await unit.house.caller("ADMIN") as admin:
        longest = await admin.post("/v1/firmware", content=bytes(8 * 1024 * 1024 + 128))
        assert longest.status_code == 422
        longer = await admin.post("/v1/firmware", content=bytes(8 * 1024 * 1024 + 129))
        assert longer.status_code == 413
        elsewhere = await admin.post("/v1/groups", content=bytes(70_000))
        assert elsewhere.status_code == 413
    async with await unit.house.caller("OPERATOR") as operator:
        assert (await operator.post("/v1/firmware", content=signed("2.0.0"))).status_code == 403


@pytest.mark.parametrize("proof", ["none", "no query", "a stranger's wallet"])
async def test_no_byte_is_read_of_a_stranger(unit: Unit, proof: str) -> None:
    """Whoever proves nothing that an administrator could is refused before the first byte of a body that may
    be long and never end."""
    query = sign_query(
        bytes(range(32)) + bytes(32), wallet=bytes(32), method="POST", target="/v1/firmware",
        network="condocharge", body=b"", time=START // 1_000, nonce=bytes(16),
    )  # fmt: skip
    header = {"no query": "Condocharge x", "a stranger's wallet": query.encode()}.get(proof)
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield bytes(1_024)

    async with unit.house.client(**({"authorization": header} if header else {})) as stranger:
        answer = await stranger.post("/v1/firmware", content=endless())
    assert (answer.status_code, read) == (401, 0)


async def test_overdue(unit: Unit) -> None:
    """An update that is not made within a day is told as overdue, until it is made."""
    clock = unit.house.clock
    await unit.house.person("reader", "AUDITOR")
    await unit.tell("1.0.0")
    async with await unit.house.caller("ADMIN") as admin:
        assert (await admin.post("/v1/firmware", content=signed("2.0.0"))).status_code == 201
        ordered = (await admin.put("/v1/units/7/firmware-target", json={"version": "2.0.0"})).json()
    assert (ordered["overdue"], ordered["ordered_at"]) == (False, clock.now() // 1_000)
    await clock.advance(86_399)
    (report,) = await unit.house.gateway.firmware.reports()
    assert not report.overdue(clock.now())
    await clock.advance(1)
    async with unit.house.client(await unit.house.login("reader")) as auditor:
        (late,) = (await auditor.get("/v1/unit-firmware")).json()["units"]
        await unit.tell("2.0.0")
        (done,) = (await auditor.get("/v1/unit-firmware")).json()["units"]
    assert (late["state"], late["overdue"], late["ordered_at"]) == ("offered", True, ordered["ordered_at"])
    assert (done["state"], done["overdue"]) == ("done", False)


async def test_other_boards_image(unit: Unit) -> None:
    """An image for a board that the unit is not cannot be ordered for it."""
    await unit.tell("1.0.0")
    async with await unit.house.caller("ADMIN") as admin:
        assert (await admin.post("/v1/firmware", content=signed("2.0.0", board="mps2"))).status_code == 201
        answer = await admin.put("/v1/units/7/firmware-target", json={"version": "2.0.0"})
        assert (answer.status_code, answer.json()["field"]) == (404, "firmware.version")
        bad = await admin.put("/v1/units/7/firmware-target", json={"version": "2.0"})
        assert bad.status_code == 422
