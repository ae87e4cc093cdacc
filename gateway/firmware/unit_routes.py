"""The units' routes for firmware (docs/protocol.md, "Firmware"): small binary questions and answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from gateway.firmware.image import NAME_DIGITS
from gateway.firmware.service import MAX_PIECE, Firmware
from gateway.metering.refusal import Refused
from gateway.rest.caller import Caller, allow
from gateway.rest.units import OCTETS, Boot, UnitNumber, binary, read_body, takes

_Image = Annotated[
    str,
    Query(
        pattern=f"^[0-9a-f]{{{NAME_DIGITS}}}$",
        description="The first 16 bytes of the offered image's hash, in hexadecimal.",
    ),
]
_Begin = Annotated[int, Query(alias="from", ge=0, le=2**32 - 1, description="The first byte.")]
_Count = Annotated[int, Query(ge=1, le=MAX_PIECE, description="How many bytes.")]


def unit_router(firmware: Firmware) -> APIRouter:
    """The two routes by which a unit reports, and fetches what it was offered."""
    router = APIRouter(
        prefix="/v1/units/{unit}/firmware",
        tags=["units"],
        dependencies=[allow(Caller.UNIT)],
        default_response_class=Response,
    )

    @router.post(
        "",
        summary="Tell which firmware runs, get an offer",
        responses=binary("One offer."),
        openapi_extra=takes("One status."),
    )
    async def report_firmware(unit: UnitNumber, request: Request, boot: Boot) -> Response:
        """`boot` is for whoever reads a log of requests; what counts is in the status."""
        try:
            return Response(await firmware.report(await read_body(request), unit), media_type=OCTETS)
        except Refused as refused:
            raise refused.error from refused

    @router.get("", summary="A piece of the image that was offered", responses=binary("`count` bytes."))
    async def fetch_firmware(unit: UnitNumber, image: _Image, begin: _Begin, count: _Count) -> Response:
        """Nothing in an image is secret, and the unit checks the whole of it. That it is offered to
        this unit is told to those alone who know its name, and until the unit runs it."""
        return Response(await firmware.piece(unit, image, begin, count), media_type=OCTETS)

    return router
