"""REST for the units as the ledger has them, with the link that each one's code or sticker holds."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from chaincode.errors import NotFound
from gateway.configuration.service import Configuration
from gateway.rest import body
from gateway.rest.caller import Caller, allow


class EnrolmentAnswer(body.Answer):
    """A unit's record on the ledger. Current in mA, voltage in 0.1 V, times in Unix seconds."""

    unit: int
    unit_class: str = Field(serialization_alias="class")
    key: str | None = Field(description="Its public key; null for class mac, whose key is shared.")
    generation: int = Field(description="How many meters have been at this number, this one included.")
    retired_keys: tuple[str, ...] = Field(description="Keys that it no longer signs with, oldest first.")
    nominal_current: int
    nominal_voltage: int
    phases: int
    state: str = Field(description="active or retired.")
    enrolled_at: int
    link: str | None = Field(description="Opens the wallet at this unit; null where no wallet is served.")


class EnrolmentList(body.Answer):
    """Every unit that was enrolled here, by number; retired ones too."""

    units: list[EnrolmentAnswer]


def router(configuration: Configuration, code: str, wallet_url: str | None) -> APIRouter:
    """The route of enrolments; `code` is the condominium's, `wallet_url` where browsers find the wallet."""
    routes = APIRouter(tags=["configuration"])

    @routes.get(
        "/v1/enrolments",
        dependencies=[allow(Caller.ADMIN, Caller.OPERATOR, Caller.AUDITOR)],
        summary="Units as the ledger has them",
    )
    async def list_enrolments() -> EnrolmentList:
        found = []
        for settings in await configuration.units():
            try:
                record = await configuration.record(settings.unit)
            except NotFound:
                continue  # Its enrolment was interrupted: the ledger knows nothing of it.
            found.append(
                EnrolmentAnswer(
                    unit=record.number,
                    unit_class=record.key_class,
                    key=record.key,
                    generation=record.generation,
                    retired_keys=record.retired_keys,
                    nominal_current=record.nominal_current,
                    nominal_voltage=record.nominal_voltage,
                    phases=record.phases,
                    state=record.state,
                    enrolled_at=record.enrolled_at,
                    link=unit_link(wallet_url, record.number, code) if wallet_url else None,
                )
            )
        return EnrolmentList(units=found)

    return routes


def unit_link(wallet_url: str, unit: int, code: str) -> str:
    """What a unit's QR code or NFC sticker holds (docs/rest.md, "A socket's link")."""
    return f"{wallet_url.rstrip('/')}/#/unit/{unit}?at={code}"
