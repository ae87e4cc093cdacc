"""The units' routes (docs/protocol.md, "REST"): small binary requests, small binary answers.

An 8-bit board reads an answer byte by byte and counts them, so every answer has its length and none is
chunked. Messages carry their own proof of origin; who asks for a configuration needs none, as only the
unit that it is for can use it.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.requests import ClientDisconnect

from gateway.metering.poll import MAX_WAIT
from gateway.metering.refusal import Refused
from gateway.metering.service import Metering
from gateway.metering.verification import MAX_BODY_BYTES
from gateway.rest.caller import Caller, allow
from gateway.rest.problem import ProblemError

OCTETS = "application/octet-stream"

UnitNumber = Annotated[int, Path(ge=0, le=65_535, description="The unit's number.")]
Wait = Annotated[
    int,
    Query(
        ge=0,
        le=MAX_WAIT,
        description="Seconds for which the answer is held while there is no command but an acknowledgement.",
    ),
]
Boot = Annotated[int, Query(ge=0, le=2**32 - 1, description="How often the unit has started.")]


def binary(what: str) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of an answer of bytes."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"description": what, "content": {OCTETS: schema}}}


def takes(what: str) -> dict[str, Any]:
    """What OpenAPI says of a request of bytes."""
    schema = {"schema": {"type": "string", "format": "binary", "maxLength": MAX_BODY_BYTES}}
    return {"requestBody": {"required": True, "description": what, "content": {OCTETS: schema}}}


def units_router(metering: Metering) -> APIRouter:
    """The three routes of configurations, readings and requests."""
    router = APIRouter(
        prefix="/v1/units/{unit}",
        tags=["units"],
        dependencies=[allow(Caller.UNIT)],
        default_response_class=Response,
    )

    @router.get("/configuration", summary="A unit's configuration", responses=binary("The configuration."))
    async def configuration(unit: UnitNumber, boot: Boot) -> Response:
        try:
            return Response(await metering.configurations.compose(unit, boot), media_type=OCTETS)
        except Refused as refused:
            raise refused.error from refused

    @router.post(
        "/readings",
        summary="Send reading batches, get a command",
        responses=binary("One command."),
        openapi_extra=takes("One or more batches one after another, oldest first."),
    )
    async def readings(unit: UnitNumber, request: Request, wait: Wait = 0) -> Response:
        try:
            return Response(await metering.exchange(await read_body(request), unit, wait), media_type=OCTETS)
        except Refused as refused:
            raise refused.error from refused

    @router.post(
        "/requests",
        summary="Ask for a session, get a command",
        responses=binary("One command."),
        openapi_extra=takes("One start request."),
    )
    async def requests(unit: UnitNumber, request: Request, wait: Wait = 0) -> Response:
        try:
            return Response(await metering.request(await read_body(request), unit, wait), media_type=OCTETS)
        except Refused as refused:
            raise refused.error from refused

    return router


async def read_body(request: Request) -> bytes:
    """A request's whole body. Raises ProblemError where whoever sent it has gone."""
    try:
        return await request.body()
    except ClientDisconnect:
        # Nobody is left to read it, but the log would otherwise show a failure of the gateway's.
        raise ProblemError(400, "invalid-argument", "body", "arrives whole") from None
