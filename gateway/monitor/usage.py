"""A resident's usage by the quarter of an hour: what charts of days and months show (paper, figure 8a).

Meters are read off in quarters of an hour; energy between two readings belongs to them in proportion to time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chaincode.evidence import CLOCK_TOLERANCE
from chaincode.readings import END_TOLERANCE
from chaincode.session import Session
from chaincode.signing.batch import NO_HUMIDITY, NO_TEMPERATURE, Batch

QUARTER = 900
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One quarter of an hour of one session. Energy in Wh; the other figures are of the samples in it."""

    time: int
    """Unix seconds at which it begins."""
    energy: int
    power: int
    """W, mean."""
    current: int
    """mA, mean."""
    least: int
    """mA."""
    greatest: int
    """mA."""
    samples: int
    temperature: int | None
    """°C, mean."""
    humidity: int | None
    """Percent, mean."""


@dataclass(slots=True)
class _Quarter:
    """What is gathered of one quarter of an hour."""

    energy: int = 0
    currents: list[int] = field(default_factory=list)
    powers: list[int] = field(default_factory=list)
    temperatures: list[int] = field(default_factory=list)
    humidities: list[int] = field(default_factory=list)


def usage(record: Session, batches: Sequence[Batch]) -> list[Usage]:
    """The quarters of an hour of one session's batches, which come in the order of their numbers.

    The energies add up to the session's, rounded down to whole Wh. Only batches count, and samples, that the
    ledger would take by their time (`chaincode.readings`): a unit whose clock was wrong says any time up to
    2106, and a row for each quarter of an hour until then would be more than a gateway can hold."""
    earliest, latest = record.opened_at - CLOCK_TOLERANCE, record.deadline + END_TOLERANCE
    batches = [batch for batch in batches if earliest <= batch.time <= latest]
    quarters: dict[int, _Quarter] = {}
    for batch in batches:
        _measure(quarters, batch, earliest)
    if batches:
        _meter(quarters, batches)
    return [_closed(start, quarters[start]) for start in sorted(quarters)]


def _measure(quarters: dict[int, _Quarter], batch: Batch, earliest: int) -> None:
    here = quarters.setdefault(_quarter(batch.time), _Quarter())
    if batch.temperature != NO_TEMPERATURE:
        here.temperatures.append(batch.temperature)
    if batch.humidity != NO_HUMIDITY:
        here.humidities.append(batch.humidity)
    for age, sample in enumerate(reversed(batch.samples)):
        taken = batch.time - age * batch.period
        if taken < earliest:
            break
        there = quarters.setdefault(_quarter(taken), _Quarter())
        there.currents.append(sample.current)
        there.powers.append(sample.current * sample.voltage // 10_000)


def _meter(quarters: dict[int, _Quarter], batches: Sequence[Batch]) -> None:
    """Share the registers' differences out. Whole Wh are counted from the first register, so none is lost."""
    first = previous = batches[0]
    for batch in batches[1:]:
        begun, known = previous.time, (previous.register - first.register) // 1000
        while begun < batch.time:
            end = min(batch.time, _quarter(begun) + QUARTER)
            passed = (batch.register - previous.register) * (end - previous.time)
            reached = previous.register - first.register + passed // (batch.time - previous.time)
            quarters.setdefault(_quarter(begun), _Quarter()).energy += reached // 1000 - known
            begun, known = end, reached // 1000
        if batch.time > previous.time:
            previous = batch


def _quarter(time: int) -> int:
    return time - time % QUARTER


def _closed(start: int, quarter: _Quarter) -> Usage:
    return Usage(
        time=start,
        energy=quarter.energy,
        power=_mean(quarter.powers) or 0,
        current=_mean(quarter.currents) or 0,
        least=min(quarter.currents, default=0),
        greatest=max(quarter.currents, default=0),
        samples=len(quarter.currents),
        temperature=_mean(quarter.temperatures),
        humidity=_mean(quarter.humidities),
    )


def _mean(values: Sequence[int]) -> int | None:
    return (2 * sum(values) + len(values)) // (2 * len(values)) if values else None
