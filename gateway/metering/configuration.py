"""A unit's configuration, as it asks for it at its first start (paper, section 4.1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chaincode.signing.configuration import Configuration, seal_configuration, sign_configuration
from chaincode.unit import ED25519
from gateway.clock import Clock
from gateway.metering.identification import Identification
from gateway.metering.refusal import RefusalKind, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitConfiguration:
    """What an operator set for a unit; ranges as in `chaincode.signing.configuration`."""

    transmission: int
    """Seconds between batches."""
    sampling: int
    """Seconds between samples."""
    maximum: int
    """0.1 A above which the unit opens its relay."""
    fallback: int
    """0.1 A that is safe when no command is heard; 0 opens the relay."""
    voltage: int
    """Nominal, 0.1 V."""
    server: str
    port: int
    time_server: str
    dhcp: bool = True
    always_on: bool = False
    address: bytes = bytes(4)
    mask: bytes = bytes(4)
    router: bytes = bytes(4)
    resolver: bytes = bytes(4)


class ConfigurationSource(Protocol):
    """Where units' settings are kept."""

    async def unit_configuration(self, unit: int) -> UnitConfiguration | None:
        """The settings of an enrolled unit, None where nobody has set any."""


class Configurations:
    """Composes configurations and makes them authentic."""

    def __init__(self, source: ConfigurationSource, identification: Identification, clock: Clock) -> None:
        self._source = source
        self._identification = identification
        self._clock = clock

    async def compose(self, unit: int, boot: int) -> bytes:
        """The configuration of `unit` in the start that it calls `boot`.

        Raises `Refused` (UNKNOWN_UNIT, RETIRED_UNIT) where there is none, and `InvalidArgument` where the
        settings do not fit the format."""
        enrolled = await self._identification.enrolled(unit)
        settings = await self._source.unit_configuration(unit)
        if settings is None:
            raise Refused(RefusalKind.UNKNOWN_UNIT, "unit", f"{unit} has settings at this gateway")
        if not enrolled.active:
            raise Refused(RefusalKind.RETIRED_UNIT, "unit", f"{unit} is not retired")
        configuration = Configuration(
            unit=unit,
            network=self._identification.network,
            boot=boot,
            issued=self._clock.now() // 1_000,
            transmission=settings.transmission,
            sampling=settings.sampling,
            maximum=settings.maximum,
            fallback=settings.fallback,
            voltage=settings.voltage,
            port=settings.port,
            server=settings.server,
            time_server=settings.time_server,
            dhcp=settings.dhcp,
            always_on=settings.always_on,
            address=settings.address,
            mask=settings.mask,
            router=settings.router,
            resolver=settings.resolver,
        )
        if enrolled.unit_class == ED25519:
            return sign_configuration(configuration, self._identification.keys.signing_key())
        return seal_configuration(configuration, enrolled.key)
