"""What a batch shows that should not be (paper section 4.3.3: current, temperature, charging time)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chaincode.evidence import CURRENT_MARGIN_PERCENT
from chaincode.signing.batch import NO_TEMPERATURE, Batch, Flag
from gateway.monitor.unit import UnitFacts
from gateway.monitor.vehicle import DRAWING

STRAY_ENERGY = 10_000
"""mWh between two batches that no sensor's noise explains."""
OVERTIME = 60
"""Seconds after its deadline in which a relay that is told to open has done so."""


class Kind(StrEnum):
    """What can be wrong with a unit, a session or the gateway itself."""

    OVER_CURRENT = "over-current"
    OVER_TEMPERATURE = "over-temperature"
    STRAY_ENERGY = "energy-without-session"
    RELAY_STUCK = "relay-stuck"
    OVERTIME = "charging-time-exceeded"
    SILENT = "unit-silent"
    NOT_BEGUN = "unit-did-not-begin"
    SWITCH = "switch-failed"
    REFUSED = "ledger-refused"
    MESSAGE = "message-refused"
    CLOCK = "clock-set"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One thing that is wrong; `value` and `limit` in the unit that `text` names."""

    kind: Kind
    text: str
    value: int | None = None
    limit: int | None = None


MEASURED = (
    Kind.OVER_CURRENT,
    Kind.OVER_TEMPERATURE,
    Kind.STRAY_ENERGY,
    Kind.RELAY_STUCK,
    Kind.OVERTIME,
)
"""The kinds that `inspect` finds: each lasts until a batch no longer shows it."""


def inspect(batch: Batch, facts: UnitFacts, register: int | None, deadline: int | None) -> list[Anomaly]:
    """What is wrong in one batch.

    `register` is the unit's before, in mWh, None where it is not known; `deadline` is that of the live
    session that the batch belongs to, Unix seconds, None where it belongs to none."""
    found = [_current(batch, facts), _temperature(batch, facts), _stray(batch, register, deadline)]
    if Flag.FAULT in batch.flags:
        found.append(Anomaly(Kind.RELAY_STUCK, "current flows though the relay was told to open"))
    if deadline is not None and Flag.CLOSED in batch.flags and batch.time > deadline + OVERTIME:
        over = batch.time - deadline
        found.append(Anomaly(Kind.OVERTIME, f"the relay is closed {over} s after the time is up", over, 0))
    return [anomaly for anomaly in found if anomaly is not None]


def _current(batch: Batch, facts: UnitFacts) -> Anomaly | None:
    greatest = max((sample.current for sample in batch.samples), default=0)
    most = facts.maximum_current
    if greatest * 100 <= most * (100 + CURRENT_MARGIN_PERCENT):
        return None
    return Anomaly(Kind.OVER_CURRENT, f"{greatest} mA flow where {most} mA are allowed", greatest, most)


def _temperature(batch: Batch, facts: UnitFacts) -> Anomaly | None:
    measured, most = batch.temperature, facts.maximum_temperature
    if measured == NO_TEMPERATURE or measured <= most:
        return None
    return Anomaly(Kind.OVER_TEMPERATURE, f"{measured} °C where {most} °C are allowed", measured, most)


def _stray(batch: Batch, register: int | None, deadline: int | None) -> Anomaly | None:
    if deadline is not None:
        return None
    energy = 0 if register is None else batch.register - register
    current = batch.samples[-1].current if batch.samples else 0
    if energy < STRAY_ENERGY and current < DRAWING:
        return None
    return stray(energy)


def stray(energy: int) -> Anomaly:
    """mWh that were drawn outside any session, or too late for one."""
    return Anomaly(
        Kind.STRAY_ENERGY, f"{energy} mWh were drawn that no session pays for", energy, STRAY_ENERGY
    )
