"""What a body of batches came to; transports answer from it and the outbox learns from it."""

from __future__ import annotations

from dataclasses import dataclass

from chaincode.signing.batch import Batch
from gateway.metering.directory import EnrolledUnit
from gateway.metering.refusal import Refused


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of one body of batches, at least one of which is stored now."""

    unit: EnrolledUnit
    boot: int
    """Of the unit's latest batch."""
    acknowledged: int
    """The highest number stored of the unit."""
    lowest: int
    """The lowest number in the body."""
    latest: Batch | None
    """The unit's latest batch if this body brought it as a new one."""
    elsewhere: bool
    """Another gateway has served the unit since this one last did."""
    refused: tuple[Refused, ...]
    """Why others in the body were not stored."""

    @property
    def fresh(self) -> bool:
        """Whether the body brought the unit's latest batch: nobody could have replayed it."""
        return self.latest is not None
