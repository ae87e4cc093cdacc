"""REST for firmware: images, and what units run and are to run."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import Field, StringConstraints

from chaincode.signing.firmware import ENVELOPE_BYTES, MAX_IMAGE_BYTES, version_number, version_text
from chaincode.signing.intent import MAX_UNIT
from gateway.access.authentication import note
from gateway.clock import Clock
from gateway.firmware.image import Image
from gateway.firmware.report import Report, State
from gateway.firmware.service import Firmware
from gateway.rest import body
from gateway.rest.caller import Caller, allow
from gateway.rest.units import OCTETS, read_body

UPLOAD = "/v1/firmware"
MAX_UPLOAD = ENVELOPE_BYTES + MAX_IMAGE_BYTES
"""Bytes of one upload."""
_READERS = (Caller.ADMIN, Caller.OPERATOR, Caller.AUDITOR)
UnitNumber = Annotated[int, Path(ge=0, le=MAX_UNIT)]
Board = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9_-]{0,14}$")]
_VERSION = StringConstraints(pattern=r"^[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,5}$")


class ImageAnswer(body.Answer):
    """An image. Times in Unix seconds."""

    board: str
    version: str
    length: int = Field(description="Bytes, without its envelope.")
    hash: str = Field(description="BLAKE2b-256.")
    uploaded_at: int


class ImageList(body.Answer):
    """Every image, by board and version."""

    images: list[ImageAnswer]


class ReportAnswer(body.Answer):
    """What a unit runs. Times in Unix seconds."""

    unit: int
    board: str
    firmware: str = Field(description="The version that it runs.")
    updates: bool = Field(description="Whether it takes images; other boards are updated by cable.")
    failed: str | None = Field(description="The version that an update last fell back from.")
    falls: int = Field(description="How often one did.")
    reported_at: int
    target: str | None = Field(description="The version that it is to run.")
    state: State = Field(description="free, offered, done or fell-back.")
    ordered_at: int | None = Field(description="Since when it is to run that.")
    overdue: bool = Field(description="It was offered for a day, and the unit does not run it.")


class ReportList(body.Answer):
    """Every unit that told what it runs, by number."""

    units: list[ReportAnswer]


class TargetBody(body.Request):
    """What a unit is to run."""

    version: Annotated[str, _VERSION, Field(description="major.minor.patch of an image for its board.")]


def router(firmware: Firmware, clock: Clock) -> APIRouter:
    """The routes of firmware. Which version a unit runs is for its operators: it tells a stranger what holes
    to look for."""
    routes = APIRouter(tags=["firmware"])
    _images(routes, firmware)
    _units(routes, firmware, clock)
    return routes


def _images(routes: APIRouter, firmware: Firmware) -> None:
    @routes.get(UPLOAD, dependencies=[allow(*_READERS)], summary="Firmware images")
    async def list_firmware() -> ImageList:
        return ImageList(images=[_image(each) for each in await firmware.images()])

    @routes.post(
        UPLOAD,
        status_code=201,
        dependencies=[allow(Caller.ADMIN)],
        summary="Upload a firmware image",
        openapi_extra={
            "requestBody": {
                "required": True,
                "description": "A file that `condocharge unit sign-firmware` made.",
                "content": {
                    OCTETS: {"schema": {"type": "string", "format": "binary", "maxLength": MAX_UPLOAD}}
                },
            }
        },
    )
    async def upload_firmware(request: Request) -> ImageAnswer:
        """Refused where the condominium's firmware key did not sign it. No unit runs it until told to."""
        image = await firmware.upload(await read_body(request))
        answer = _image(image)
        note(request, board=answer.board, version=answer.version, hash=answer.hash)
        return answer

    @routes.delete(
        UPLOAD + "/{board}/{version}",
        status_code=204,
        dependencies=[allow(Caller.ADMIN)],
        summary="Remove a firmware image",
    )
    async def remove_firmware(board: Board, version: Annotated[str, Path(), _VERSION]) -> None:
        await firmware.remove(board, version_number(version))


def _units(routes: APIRouter, firmware: Firmware, clock: Clock) -> None:
    @routes.get("/v1/unit-firmware", dependencies=[allow(*_READERS)], summary="What units run")
    async def list_unit_firmware() -> ReportList:
        now = clock.now()
        return ReportList(units=[_report(each, now) for each in await firmware.reports()])

    @routes.put(
        "/v1/units/{unit}/firmware-target", dependencies=[allow(Caller.ADMIN)], summary="Update a unit"
    )
    async def order_firmware(unit: UnitNumber, target: TargetBody, request: Request) -> ReportAnswer:
        """The unit asks every ten minutes, fetches and checks the image, and tries it when nobody charges.
        Ordered again, a version that it fell back from is offered again."""
        note(request, unit=unit, version=target.version)
        return _report(await firmware.order(unit, version_number(target.version)), clock.now())

    @routes.delete(
        "/v1/units/{unit}/firmware-target",
        status_code=204,
        dependencies=[allow(Caller.ADMIN)],
        summary="Call an update off",
    )
    async def withdraw_firmware(unit: UnitNumber) -> None:
        """What the unit has fetched and checked already it still tries."""
        await firmware.withdraw(unit)


def _image(image: Image) -> ImageAnswer:
    return ImageAnswer(
        board=image.board,
        version=version_text(image.version),
        length=image.length,
        hash=image.hash,
        uploaded_at=image.uploaded_at // 1_000,
    )


def _report(report: Report, now: int) -> ReportAnswer:
    return ReportAnswer(
        unit=report.unit,
        board=report.board,
        firmware=version_text(report.version),
        updates=report.updates,
        failed=version_text(report.failed) if report.failed else None,
        falls=report.falls,
        reported_at=report.reported_at // 1_000,
        target=None if report.rollout is None else version_text(report.rollout.version),
        state=report.state,
        ordered_at=None if report.rollout is None else report.rollout.ordered_at // 1_000,
        overdue=report.overdue(now),
    )
