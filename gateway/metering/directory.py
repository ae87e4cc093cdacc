"""Which units there are, and by which keys their messages are known.

The ledger's record decides. It is read once a unit and kept until an event says that it changed, as a
look-up for each batch would cost more than everything else done with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chaincode.errors import NotFound
from chaincode.signing.domain import MAC_BYTES, SIGNATURE_BYTES
from chaincode.unit import ACTIVE, ED25519, MAC, Unit
from gateway.clock import Clock
from gateway.metering.keys import Keys
from network.ledger import Ledger

ABSENCE = 10_000
"""Milliseconds for which a unit that the ledger does not know is not asked for again."""
_MOST_ABSENT = 1_024


@dataclass(frozen=True, slots=True)
class EnrolledUnit:
    """A unit of class `ed25519` or `mac`, as its messages are checked."""

    number: int
    unit_class: str
    key: bytes
    """The Ed25519 public key (32 bytes), or the MAC key (16 bytes)."""
    enrolled_at: int
    """Unix seconds: new hardware at an old number counts its batches from the start again."""
    active: bool = True
    """False once the unit is retired."""
    retired_keys: tuple[bytes, ...] = ()
    """Public keys that it no longer signs with, oldest first."""

    @property
    def authentication_bytes(self) -> int:
        """How long the authentication at the end of its messages is."""
        return SIGNATURE_BYTES if self.unit_class == ED25519 else MAC_BYTES


class UnitDirectory(Protocol):
    """Finds units by number."""

    def peek(self, number: int) -> EnrolledUnit | None:
        """The unit if it is known without waiting; None says nothing."""

    async def find(self, number: int) -> EnrolledUnit | None:
        """The unit, None where there is no such unit or its class speaks another protocol."""


class Directory:
    """`UnitDirectory` over the ledger's records and the gateway's secret store."""

    def __init__(self, ledger: Ledger, namespace: str, keys: Keys, clock: Clock) -> None:
        self._ledger = ledger
        self._namespace = namespace
        self._keys = keys
        self._clock = clock
        self._known: dict[int, EnrolledUnit] = {}
        self._absent: dict[int, int] = {}

    def peek(self, number: int) -> EnrolledUnit | None:
        """The unit if its record is in memory."""
        return self._known.get(number)

    async def find(self, number: int) -> EnrolledUnit | None:
        """The unit as the ledger has it. Raises `LedgerError` where the ledger does not answer."""
        if (unit := self._known.get(number)) is not None:
            return unit
        now = self._clock.now()
        if self._absent.get(number, now) > now:
            return None
        unit = await self._read(number)
        if unit is not None:
            self._known[number] = unit
            return unit
        if len(self._absent) >= _MOST_ABSENT:
            self._absent.clear()
        self._absent[number] = now + ABSENCE
        return None

    def forget(self, number: int) -> None:
        """Read the record anew at the next message: an event said that it, or its MAC key, changed."""
        self._known.pop(number, None)
        self._absent.pop(number, None)

    async def _read(self, number: int) -> EnrolledUnit | None:
        try:
            value = await self._ledger.evaluate(self._namespace, "unit.get", [str(number).encode()])
        except NotFound:
            return None
        record = Unit.decode(value)
        if record.key_class == MAC:
            key = await self._keys.mac_key(number)
        elif record.key_class == ED25519 and record.key is not None:
            key = bytes.fromhex(record.key)
        else:
            key = None
        if key is None:
            return None
        return EnrolledUnit(
            number=record.number,
            unit_class=record.key_class,
            key=key,
            enrolled_at=record.enrolled_at,
            active=record.state == ACTIVE,
            retired_keys=tuple(bytes.fromhex(each) for each in record.retired_keys),
        )
