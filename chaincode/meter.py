"""Where a unit's meter stands on the ledger: the last reading of it that any transaction used.

One row a unit, written only by sessions at that unit. It is why a reading cannot be used twice, cannot go
back, and why energy is never sold to two sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from chaincode.errors import NotFound
from chaincode.record import Record
from chaincode.stub import composite_key

KIND = "meter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Record):
    """A reading batch as the ledger remembers it."""

    boot: int
    number: int
    time: int
    """Unix seconds at the end of the batch."""
    register: int
    """mWh."""
    flags: int
    """`chaincode.signing.batch.Flag`."""
    hash: str
    """`batch_hash`, hexadecimal: commits to every batch before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter(Record):
    """A unit's last used reading and the session that is drawing from it."""

    nested: ClassVar[dict[str, type[Record]]] = {"last": Reading}

    last: Reading | None
    session: str
    """The started session, empty between sessions."""

    @classmethod
    def fresh(cls) -> Meter:
        """A meter of which nothing has been read."""
        return cls(last=None, session="")

    @classmethod
    def existing(cls, value: bytes | None) -> Meter:
        """The meter in `value`. Raises NotFound."""
        if value is None:
            raise NotFound("unit", "is enrolled at this condominium")
        return cls.decode(value)


def key_of(unit: int) -> str:
    """Where a unit's meter is kept."""
    return composite_key(KIND, f"{unit:05d}")
