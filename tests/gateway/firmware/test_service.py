"""Reports, images and offers: what is taken, what is refused, and what a unit is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chaincode.errors import ContractError, InvalidArgument, NotFound, StateConflict
from chaincode.signing import domain
from chaincode.signing.firmware import ENVELOPE_BYTES, version_number
from chaincode.signing.status import UnitStatus
from chaincode.unit import ED25519, MAC
from gateway.clock import SimulatedClock
from gateway.firmware.image import NAME_DIGITS
from gateway.firmware.report import State
from gateway.firmware.service import Firmware
from gateway.metering.refusal import RefusalKind, Refused
from gateway.metering.service import Metering
from gateway.store.database import Database
from tests.gateway.firmware.image import BOARD, FIRMWARE_KEY, OTHER_SECRET, signed
from tests.gateway.metering.meter import SIGNING_PUBLIC, START, Meter, Place

V1, V2, V3 = (version_number(f"{major}.0.0") for major in (1, 2, 3))


@pytest.fixture(params=[ED25519, MAC])
def meter(request: pytest.FixtureRequest) -> Meter:
    return Meter(unit_class=request.param)


@pytest.fixture
def place(meter: Meter) -> Place:
    return Place(meter, Meter(number=8, unit_class=ED25519))


@pytest.fixture
def metering(place: Place, database: Database) -> Metering:
    return place.metering(database, SimulatedClock(START * 1_000))


@pytest.fixture
def firmware(metering: Metering, database: Database) -> Firmware:
    return Firmware(database, metering.identification, metering.clock, FIRMWARE_KEY)


def status(meter: Meter, number: int, **changes: object) -> UnitStatus:
    made = UnitStatus(
        unit=meter.number, network=meter.network, boot=meter.boot, number=number, firmware=V1, board=BOARD,
        updates=True,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def sealed(meter: Meter, said: UnitStatus) -> bytes:
    return meter.seal(said.encode(), domain.STATUS)


async def tell(service: Firmware, meter: Meter, number: int, **changes: object) -> bytes:
    """What the unit is offered, once the answer is seen to be the gateway's, to this question."""
    said = status(meter, number, **changes)
    answer = await service.report(sealed(meter, said), meter.number)
    size = 64 if meter.unit_class == ED25519 else 16
    body, tag = answer[:-size], answer[-size:]
    if meter.unit_class == ED25519:
        assert domain.verifies(SIGNING_PUBLIC, domain.OFFER, body, tag)
    else:
        assert domain.authenticates(meter.mac_key, domain.OFFER, body, tag)
    assert body[2:4] == meter.number.to_bytes(2, "little")
    assert body[12:20] == said.boot.to_bytes(4, "little") + number.to_bytes(4, "little")
    assert body[1] == int(len(body) > 20)
    return body[20:]


async def test_an_update(firmware: Firmware, meter: Meter) -> None:
    """Reported, ordered, offered, fetched in pieces, reported done; then nothing more is offered."""
    assert await tell(firmware, meter, 1) == b""
    file = signed("2.0.0")
    image = await firmware.upload(file)
    assert (image.board, image.version) == (BOARD, V2)
    assert await tell(firmware, meter, 2) == b"", "nobody ordered it"
    report = await firmware.order(meter.number, V2)
    assert report.state is State.OFFERED
    assert await tell(firmware, meter, 3) == file[:ENVELOPE_BYTES]
    name = image.hash[:NAME_DIGITS]
    pieces = [await firmware.piece(meter.number, name, begin, 300) for begin in range(0, 1_200, 300)]
    assert b"".join(pieces) == file[ENVELOPE_BYTES:]
    meter.restart()
    assert await tell(firmware, meter, 1, firmware=V2) == b""
    (report,) = await firmware.reports()
    assert (report.state, report.version) == (State.DONE, V2)
    with pytest.raises(NotFound):
        await firmware.piece(meter.number, name, 0, 1)


async def test_a_fall_back_is_offered_again_only_when_ordered(firmware: Firmware, meter: Meter) -> None:
    """A unit that tried and went back is left in peace until somebody orders anew."""
    name = (await firmware.upload(signed("2.0.0"))).hash[:NAME_DIGITS]
    await tell(firmware, meter, 1)
    await firmware.order(meter.number, V2)
    assert await tell(firmware, meter, 2, failed=V2, falls=1) == b""
    (report,) = await firmware.reports()
    assert report.state is State.FELL_BACK
    with pytest.raises(NotFound):
        await firmware.piece(meter.number, name, 0, 1)
    await firmware.order(meter.number, V2)
    assert await tell(firmware, meter, 3, failed=V2, falls=1) != b""
    await firmware.withdraw(meter.number)
    assert await tell(firmware, meter, 4, failed=V2, falls=1) == b""
    with pytest.raises(NotFound):
        await firmware.withdraw(meter.number)
    with pytest.raises(NotFound):
        await firmware.piece(meter.number, name, 0, 1)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (signed("2.0.0", secret=OTHER_SECRET), "firmware.signature"),
        (signed("2.0.0")[:-1], "firmware.length"),
        (signed("2.0.0") + b"\0", "firmware.length"),
        (signed("2.0.0")[:-1] + b"x", "firmware.hash"),
        (signed("2.0.0")[:100], "firmware"),
        (b"", "firmware"),
        (b"\x7fELF" * 100, "firmware.signature"),
    ],
    ids=["another key", "cut off", "too long", "altered", "half an envelope", "nothing", "not signed"],
)
async def test_uploads_that_are_refused(firmware: Firmware, content: bytes, field: str) -> None:
    """Nothing is kept, and the error names the field."""
    with pytest.raises(InvalidArgument) as caught:
        await firmware.upload(content)
    assert caught.value.field == field
    assert await firmware.images() == []


async def test_uploads_are_idempotent_and_versions_are_unique(firmware: Firmware) -> None:
    """The same bytes are the same image; others under its version are none."""
    first = await firmware.upload(signed("2.0.0"))
    assert await firmware.upload(signed("2.0.0")) == first
    with pytest.raises(StateConflict) as caught:
        await firmware.upload(signed("2.0.0", image=b"another"))
    assert caught.value.field == "firmware.version"
    await firmware.upload(signed("2.0.0", board="posix-arm"))
    assert [(each.board, each.version) for each in await firmware.images()] == [
        ("posix-arm", V2),
        (BOARD, V2),
    ]


async def test_removal(firmware: Firmware, meter: Meter) -> None:
    """An image goes, but not while a unit is to run it."""
    await firmware.upload(signed("2.0.0"))
    await tell(firmware, meter, 1)
    await firmware.order(meter.number, V2)
    with pytest.raises(StateConflict):
        await firmware.remove(BOARD, V2)
    await firmware.withdraw(meter.number)
    await firmware.remove(BOARD, V2)
    with pytest.raises(NotFound):
        await firmware.remove(BOARD, V2)


async def test_without_a_key_no_image(metering: Metering, database: Database, meter: Meter) -> None:
    """A gateway whose settings name no key keeps no image; reports it takes."""
    service = Firmware(database, metering.identification, metering.clock, b"")
    with pytest.raises(StateConflict) as caught:
        await service.upload(signed("2.0.0"))
    assert caught.value.field == "units.firmware_key"
    assert await tell(service, meter, 1) == b""


async def test_orders_that_are_refused(firmware: Firmware, meter: Meter) -> None:
    """Of a unit that never spoke, a board that takes none, no image, and an older version."""

    async def refusal(version: int) -> tuple[type[ContractError], str]:
        with pytest.raises(ContractError) as caught:
            await firmware.order(meter.number, version)
        return type(caught.value), caught.value.field

    await firmware.upload(signed("2.0.0"))
    assert await refusal(V2) == (NotFound, "unit")
    await tell(firmware, meter, 1, updates=False, board="uno")
    assert await refusal(V2) == (StateConflict, "unit")
    await tell(firmware, meter, 2)
    assert await refusal(V3) == (NotFound, "firmware.version")
    await tell(firmware, meter, 3, firmware=V2)
    assert await refusal(V2) == (StateConflict, "version")


async def test_offers_are_for_the_board(firmware: Firmware, meter: Meter) -> None:
    """A unit whose hardware became another board, or takes no images any more, is offered nothing."""
    await firmware.upload(signed("2.0.0"))
    await tell(firmware, meter, 1)
    await firmware.order(meter.number, V2)
    assert await tell(firmware, meter, 2, updates=False) == b""
    assert await tell(firmware, meter, 3, board="posix-arm") == b""
    assert await tell(firmware, meter, 4) != b""


async def test_new_hardware_begins_anew(firmware: Firmware, place: Place, meter: Meter) -> None:
    """What was ordered for the hardware before is no order for the one that follows at its number."""
    await firmware.upload(signed("2.0.0"))
    meter.boot = 9
    await tell(firmware, meter, 1)
    await firmware.order(meter.number, V2)
    meter.boot, meter.enrolled_at = 1, meter.enrolled_at + 1
    assert await tell(firmware, meter, 1) == b""
    (report,) = await firmware.reports()
    assert report.state is State.FREE


@pytest.mark.parametrize(
    ("forge", "kind"),
    [
        (lambda m: sealed(m, status(m, 1))[:-1], RefusalKind.MALFORMED),
        (lambda m: sealed(m, status(m, 2))[:-1] + b"\0", RefusalKind.FORGED),
        (lambda m: m.seal(status(m, 2).encode(), domain.REQUEST), RefusalKind.FORGED),
        (lambda m: sealed(m, status(m, 2, network=bytes(8))), RefusalKind.WRONG_NETWORK),
        (lambda m: sealed(m, status(m, 2, unit=8)), RefusalKind.WRONG_UNIT),
        (lambda m: m.seal(b"\x02" + status(m, 2).encode()[1:], domain.STATUS), RefusalKind.MALFORMED),
        (lambda m: sealed(m, status(m, 1)), RefusalKind.OLD_REQUEST),
    ],
    ids=["cut off", "altered", "another domain", "another network", "another unit", "version", "replayed"],
)
async def test_reports_that_are_refused(
    firmware: Firmware, meter: Meter, forge: Callable[[Meter], bytes], kind: RefusalKind
) -> None:
    """Nobody but the unit, now, says what it runs."""
    await tell(firmware, meter, 1)
    before = await firmware.reports()
    with pytest.raises(Refused) as caught:
        await firmware.report(forge(meter), meter.number)
    assert caught.value.kind is kind
    assert await firmware.reports() == before


async def test_pieces_that_are_refused(firmware: Firmware, meter: Meter) -> None:
    """Of another image than the one ordered, or beyond the image's end."""
    name = (await firmware.upload(signed("2.0.0"))).hash[:NAME_DIGITS]
    other = (await firmware.upload(signed("3.0.0", image=b"another"))).hash[:NAME_DIGITS]
    await tell(firmware, meter, 1)
    await firmware.order(meter.number, V2)
    with pytest.raises(NotFound):
        await firmware.piece(meter.number, other, 0, 10)
    for begin, count in ((1_199, 2), (1_200, 1), (2**32 - 1, 1)):
        with pytest.raises(InvalidArgument):
            await firmware.piece(meter.number, name, begin, count)
