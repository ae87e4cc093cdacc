"""A resident's usage by the quarter of an hour: what charts of days and months show (paper, figure 8a).

Meters are read off in quarters of an hour; energy between two readings belongs to them in proportion to time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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


def usage(batches: Sequence[Batch]) -> list[Usage]:
    """The quarters of an hour of one session's batches, which come in the order of their numbers.

    The energies add up to the session's, rounded down to whole Wh."""
    quarters: dict[int, _Quarter] = {}
    for batch in batches:
        _measure(quarters, batch)
    if batches:
        _meter(quarters, batches)
    return [_closed(start, quarters[start]) for start in sorted(quarters)]


def _measure(quarters: dict[int, _Quarter], batch: Batch) -> None:
    here = quarters.setdefault(_quarter(batch.time), _Quarter())
    if batch.temperature != NO_TEMPERATURE:
        here.temperatures.append(batch.temperature)
    if batch.humidity != NO_HUMIDITY:
        here.humidities.append(batch.humidity)
    for age, sample in enumerate(reversed(batch.samples)):
        there = quarters.setdefault(_quarter(batch.time - age * batch.period), _Quarter())
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
