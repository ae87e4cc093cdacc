"""Records of the ledger that change seldom, read once: the condominium, its tariffs and its units.

Forgotten when an event says that one has changed. Tariffs never change.
"""

from __future__ import annotations

from chaincode.condominium import Condominium
from chaincode.errors import NotFound
from chaincode.tariff import Tariff
from chaincode.unit import Unit
from gateway.transaction.submission import Submitter


class Catalogue:
    """The records of one namespace."""

    def __init__(self, submitter: Submitter) -> None:
        self._submitter = submitter
        self._condominium: Condominium | None = None
        self._tariffs: dict[int, Tariff] = {}
        self._units: dict[int, Unit] = {}

    async def condominium(self) -> Condominium:
        """The namespace's condominium. Raises NotFound before it is registered, LedgerError."""
        if self._condominium is None:
            self._condominium = Condominium.decode(await self._submitter.evaluate("condominium.get"))
        return self._condominium

    async def tariff(self, number: int) -> Tariff:
        """A published tariff. Raises NotFound, LedgerError."""
        known = self._tariffs.get(number)
        if known is None:
            value = await self._submitter.evaluate("tariff.get", [str(number).encode()])
            known = self._tariffs[number] = Tariff.decode(value)
        return known

    async def tariff_in_force(self) -> Tariff | None:
        """The tariff that a new session is to name now, None before the first. Raises LedgerError."""
        try:
            return Tariff.decode(await self._submitter.evaluate("tariff.in_force"))
        except NotFound:
            return None

    async def unit(self, number: int) -> Unit:
        """A unit's record. Raises NotFound, LedgerError."""
        known = self._units.get(number)
        if known is None:
            value = await self._submitter.evaluate("unit.get", [str(number).encode()])
            known = self._units[number] = Unit.decode(value)
        return known

    def forget(self, event: str) -> None:
        """An event of this name may have changed what is remembered."""
        if event.startswith("unit."):
            self._units.clear()
        elif event.startswith("condominium."):
            self._condominium = None
