"""Why a session ended, in OCPP's words (`chaincode.ending.STOPPED_REASONS`)."""

from __future__ import annotations

from enum import StrEnum

from chaincode.signing.batch import Batch, Flag, Reason


class StoppedReason(StrEnum):
    """OCPP 2.0.1, part 2, section 3.76 (ReasonEnumType)."""

    DISCONNECTED = "EVDisconnected"
    ENERGY_REACHED = "EnergyLimitReached"
    LOCAL = "Local"
    OTHER = "Other"
    POWER_LOSS = "PowerLoss"
    REMOTE = "Remote"
    """The resident stopped it."""
    FULL = "StoppedByEV"
    TIME_REACHED = "TimeLimitReached"
    CREDIT_USED = "LocalOutOfCredit"
    OVER_CURRENT = "OvercurrentFault"
    TIMEOUT = "Timeout"
    """No vehicle was connected in time, or the unit did not begin."""


_BY_UNIT = {
    Reason.POWER_LOST: StoppedReason.POWER_LOSS,
    Reason.OVER_CURRENT: StoppedReason.OVER_CURRENT,
    Reason.OVER_TEMPERATURE: StoppedReason.OTHER,
    Reason.GRANT_EXPIRED: StoppedReason.OTHER,
}

# A socket without a pilot clears CONNECTED when charging has ended; COMPLETE says that the vehicle ended it.
_STILL_THERE = Flag.CONNECTED | Flag.COMPLETE


def reason_of(batch: Batch) -> StoppedReason:
    """Why a unit ended a session by itself, from its last batch."""
    if batch.reason is Reason.NO_CURRENT:
        return StoppedReason.FULL if batch.flags & _STILL_THERE else StoppedReason.DISCONNECTED
    return _BY_UNIT.get(batch.reason, StoppedReason.OTHER)
