"""Firmware for units: taking reports, keeping images, and offering them."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert

from chaincode.errors import InvalidArgument, NotFound, StateConflict
from chaincode.signing.firmware import open_firmware, version_text
from chaincode.signing.offer import Offer, seal_offer, sign_offer
from chaincode.signing.status import UnitStatus
from chaincode.unit import ED25519
from gateway.clock import Clock
from gateway.firmware import image
from gateway.firmware.image import Image
from gateway.firmware.records import ROLLOUT
from gateway.firmware.report import Report, State, keep, reports
from gateway.metering.directory import EnrolledUnit
from gateway.metering.identification import Identification
from gateway.metering.refusal import Refused
from gateway.metering.verification import check_status
from gateway.store.database import Database

MAX_PIECE = 16_384
"""Bytes that a unit may ask for at a time."""


class Firmware:
    """Which firmware units run, and which they are to run.

    Everything about images is refused while the settings name no firmware key; reports are always taken."""

    def __init__(
        self, database: Database, identification: Identification, clock: Clock, firmware_key: bytes
    ) -> None:
        """`firmware_key` is the condominium's public firmware key, empty where it has none."""
        self._database = database
        self._identification = identification
        self._clock = clock
        self._key = firmware_key

    async def report(self, message: bytes, unit: int | None = None) -> bytes:
        """Take a unit's status; the answer is an offer. `unit` is whose it is to be, where that is known.

        Raises `Refused`, `StoreError`, and `LedgerError` where the unit could not be looked up."""
        known = None
        try:
            known = await self._identification.unit(message, unit, "status")
            status = check_status(message, known, self._identification.network)
            now = self._clock.now()
            enrolled = known
            envelope = await self._database.write(lambda c: _take(c, enrolled, status, now))
        except Refused as refused:
            await self._identification.refusals.note(refused, None if known is None else known.number)
            raise
        offer = Offer(status, envelope)
        if known.unit_class == ED25519:
            return sign_offer(offer, self._identification.keys.signing_key())
        return seal_offer(offer, known.key)

    async def piece(self, unit: int, name: str, begin: int, count: int) -> bytes:
        """`count` bytes of the image that `unit` is offered, by its name (`image.is_named`).

        Raises NotFound where it is offered none of that name now, and InvalidArgument where the image has not
        so many. Nobody proves who asks: a version could be guessed, and would tell what the unit runs."""

        def cut(connection: Connection) -> bytes:
            found = reports(connection, unit)
            rollout = found[0].rollout if found and found[0].state is State.OFFERED else None
            if rollout is None or not image.is_named(connection, rollout.board, rollout.version, name):
                raise NotFound("image", f"{name} is offered to unit {unit}")
            piece = image.piece(connection, rollout.board, rollout.version, begin, count)
            if piece is None:
                raise InvalidArgument("count", "ends within the image")
            return piece

        return await self._database.read(cut)

    async def upload(self, content: bytes) -> Image:
        """Keep a file that `condocharge unit sign-firmware` made.

        Raises StateConflict where the settings name no key, InvalidArgument where the file is not signed by
        it or not whole, and StateConflict as `image.add` does."""
        if not self._key:
            raise StateConflict("units.firmware_key", "is in the gateway's settings")
        firmware = open_firmware(content, self._key)
        now = self._clock.now()
        return await self._database.write(lambda c: image.add(c, firmware, content, now))

    async def images(self) -> list[Image]:
        """All images, by board and version."""
        return await self._database.read(image.images)

    async def remove(self, board: str, version: int) -> None:
        """Forget an image. Raises as `image.remove` does."""
        await self._database.write(lambda c: image.remove(c, board, version))

    async def reports(self) -> list[Report]:
        """What every unit said last, by number."""
        return await self._database.read(reports)

    async def order(self, unit: int, version: int) -> Report:
        """Have `unit` run `version` from its next quiet moment on, also where it fell back from it before.

        Raises NotFound where the unit never told what it runs, or there is no such image for its board, and
        StateConflict where its board takes no images, or it runs that version or a later one."""
        now = self._clock.now()
        return await self._database.write(lambda c: _order(c, unit, version, now))

    async def withdraw(self, unit: int) -> None:
        """Offer `unit` nothing any more; what it has checked already it still tries. Raises NotFound."""

        def forget(connection: Connection) -> None:
            if connection.execute(delete(ROLLOUT).where(ROLLOUT.c.unit == unit)).rowcount == 0:
                raise NotFound("unit", f"{unit} is to run another firmware")

        await self._database.write(forget)


def _take(connection: Connection, unit: EnrolledUnit, status: UnitStatus, now: int) -> bytes:
    """Store the status; the envelope to offer, empty for nothing."""
    keep(connection, unit, status, now)
    (report,) = reports(connection, unit.number)
    rollout = report.rollout
    if rollout is None or report.state is not State.OFFERED or not status.updates:
        return b""
    if rollout.board != status.board:
        return b""
    return image.envelope(connection, rollout.board, rollout.version) or b""


def _order(connection: Connection, unit: int, version: int, now: int) -> Report:
    found = reports(connection, unit)
    if not found:
        raise NotFound("unit", f"{unit} has told which firmware it runs")
    (report,) = found
    if not report.updates:
        raise StateConflict("unit", f"takes images: {report.board} is updated by cable")
    if image.envelope(connection, report.board, version) is None:
        raise image.missing(report.board, version)
    if version <= report.version:
        raise StateConflict("version", f"is above {version_text(report.version)}, which runs")
    connection.execute(delete(ROLLOUT).where(ROLLOUT.c.unit == unit))
    connection.execute(
        insert(ROLLOUT).values(
            unit=unit, board=report.board, version=version, falls=report.falls, ordered_at=now
        )
    )
    return reports(connection, unit)[0]
