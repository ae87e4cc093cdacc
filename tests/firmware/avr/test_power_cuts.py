"""Power that fails at any instruction of a charge, and within every write to the EEPROM."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from chaincode.signing.batch import Batch, Flag
from tests.firmware.avr.conftest import Station
from tests.firmware.avr.network import ROUTER, quad
from tests.firmware.avr.uno import HERTZ

pytestmark = [pytest.mark.firmware, pytest.mark.slow]
AMPERES = 16.0
CHARGED = 100.0
"""Seconds of the charge that is cut."""
STATIC = {
    "dhcp": False, "address": quad("10.0.0.77"), "mask": quad("255.255.255.0"), "router": quad(ROUTER),
    "resolver": quad(ROUTER),
}  # fmt: skip
"""Addresses with which a unit is heard soon after its start."""
_STEP = 0.001
_A_STEP = round(HERTZ * _STEP)
_BOOT = 20.0
"""Seconds within which a unit is heard again."""


@dataclass(frozen=True)
class Cut:
    """What is left when power fails, and what was true at that moment."""

    eeprom: bytes
    writing: bool
    """Whether a byte was being written, and is spoilt."""
    energy: float
    """mWh that had truly flowed."""
    stored: dict[int, Batch]
    messages: dict[int, bytes]


def _cut(station: Station, energy: float) -> Cut:
    whole, torn = station.uno.eeprom(), station.uno.eeprom(torn=True)
    gateway = station.gateway
    return Cut(torn, whole != torn, energy, dict(gateway.stored), dict(gateway.messages))


def _writing(station: Station) -> bool:
    """Whether the EEPROM is busy with a byte."""
    return bool(station.uno.c.uno_tear(station.uno.ffi.new("uint8_t[1024]")))


def _charge(station: Station) -> Iterator[float]:
    """A whole session, a millisecond at a time: what has flowed by then, in mWh."""
    station.gateway.on()
    until = station.passed + CHARGED

    def ended() -> bool:
        return any(Flag.END in batch.flags for batch in station.gateway.batches)

    while not ended():
        if station.passed > until:
            station.gateway.end()
        assert station.passed < until + 120
        station.run(_STEP, AMPERES)
        yield station.energy * 1000


def _cuts(station: Station, count: int, chance: random.Random) -> list[Cut]:
    """Cuts at random instructions of one charge, as many within writes as outside; every write has some."""
    cuts: list[Cut] = []
    everywhere = count / 2 / ((CHARGED + 20) / _STEP)
    for energy in _charge(station):
        if chance.random() < everywhere or (_writing(station) and chance.random() < 0.9):
            station.uno.c.uno_run(chance.randrange(_A_STEP))
            cuts.append(_cut(station, energy))
    return cuts


def _alike(cuts: list[Cut]) -> list[list[Cut]]:
    """Cuts by what they left in the EEPROM and at the gateway: a start from the same is the same start."""
    groups: dict[tuple[bytes, tuple[int, ...]], list[Cut]] = {}
    for cut in cuts:
        groups.setdefault((cut.eeprom, tuple(cut.stored)), []).append(cut)
    return list(groups.values())


def _survive(station: Station, cuts: list[Cut]) -> None:
    """Give power again after cuts that are alike, and hear what the unit says first. The gateway refuses a
    register or boot count that fell and a number with two contents."""
    gateway = station.gateway
    left = cuts[0]
    gateway.stored, gateway.messages = dict(left.stored), dict(left.messages)
    boot = gateway.boot = max(batch.boot for batch in left.stored.values())
    told = max(batch.register for batch in left.stored.values())
    station.uno.power(left.eeprom)
    begin = station.passed
    while left.stored.keys() == gateway.stored.keys():
        assert station.passed < begin + _BOOT, "it is not heard again"
        station.run(0.02)
    (first,) = gateway.stored.keys() - left.stored.keys()
    register = gateway.stored[first].register
    period = AMPERES * 230 * (gateway.sampling + 2) / 3.6
    assert gateway.stored[first].boot > boot
    assert register >= told
    for cut in cuts:
        # A second in which the relay moved counts by its RMS current: at most a quarter too much.
        assert cut.energy * 0.99 - period <= register <= cut.energy * 1.01 + 0.25 * AMPERES * 230 / 3.6


@pytest.mark.timeout(900)
def test_a_thousand_instants_of_one_charge(station: Station) -> None:
    """Whatever a cut leaves, the unit starts from it, and each cut is held to what that start says: the
    register is not below what was told, at most a sampling period is lost, no number comes twice with other
    content."""
    running = station
    running.gateway.addresses = STATIC
    running.until(lambda: len(running.gateway.stored) >= 2, most=30)
    cuts = _cuts(running, 1_000, random.Random(3))
    assert len(cuts) >= 1_000
    assert sum(cut.writing for cut in cuts) >= 200
    groups = _alike(cuts)
    assert len(groups) >= 100
    for group in groups:
        _survive(running, group)


def test_cut_after_cut_in_one_session(running: Station) -> None:
    """Ten cuts at random instructions: the register never falls below what was told, loses at most
    a sampling period, and the session goes on under a new boot count."""
    _go_on(running, 10, seed=1)


@pytest.mark.soak
def test_a_thousand_cuts_in_one_session(running: Station) -> None:
    """The same a thousand times."""
    _go_on(running, 1000, seed=2)


def _go_on(station: Station, times: int, seed: int) -> None:
    chance = random.Random(seed)
    station.gateway.on()
    station.until(station.uno.closed, most=60, amperes=AMPERES)
    for _ in range(times):
        station.run(chance.uniform(0.1, 12.0), AMPERES)
        station.uno.c.uno_run(chance.randrange(80_000))
        told = station.gateway.batches[-1].register
        before, boot = station.energy, station.gateway.boot
        eeprom = station.uno.eeprom(torn=True)
        station.uno.power(eeprom)
        station.until(station.uno.closed, most=120)
        register = station.gateway.batches[-1].register
        period = AMPERES * 230 * (station.gateway.sampling + 2) / 3.6
        assert station.gateway.boot == boot + 1
        assert register >= told
        assert register >= (before * 1000) * 0.98 - period
        station.energy = register / 1000
    assert station.gateway.boot == times + 1
