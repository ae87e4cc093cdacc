"""Who a message is from, before it is known to be authentic."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.metering.directory import EnrolledUnit, UnitDirectory
from gateway.metering.keys import Keys
from gateway.metering.refusal import RefusalKind, Refusals, Refused


@dataclass(frozen=True, slots=True)
class Identification:
    """What every way in needs to tell units' messages apart."""

    directory: UnitDirectory
    keys: Keys
    network: bytes
    """The tag that this condominium's units name (`domain.network_tag`)."""
    refusals: Refusals

    async def unit(self, message: bytes, expected: int | None, field: str) -> EnrolledUnit:
        """The unit that a message, called `field` in errors, says it is from; `expected` is whose it has to
        be, None for anybody's. Raises Refused, and `LedgerError` where the unit could not be looked up."""
        if len(message) < 4:
            raise Refused(RefusalKind.MALFORMED, field, "holds at least one whole message")
        number = int.from_bytes(message[2:4], "little")
        if expected is not None and number != expected:
            raise Refused(RefusalKind.WRONG_UNIT, f"{field}.unit", f"is {expected}")
        return await self.enrolled(number)

    async def enrolled(self, number: int) -> EnrolledUnit:
        """The unit with this number. Raises as `unit` does."""
        unit = self.directory.peek(number) or await self.directory.find(number)
        if unit is None:
            raise Refused(RefusalKind.UNKNOWN_UNIT, "unit", f"{number} is enrolled at this condominium")
        return unit
