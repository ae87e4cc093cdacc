"""Power cuts at every byte that is written, worn cells, and what a cut may cost."""

from __future__ import annotations

import random

import pytest

from chaincode.signing.batch import Flag
from tests.firmware.gateway import SESSION
from tests.firmware.host.conftest import Site
from tests.firmware.host.core import PowerLost

pytestmark = pytest.mark.firmware
SAMPLING = 10
ENERGY_AT = 172 + 132 + 4 * 36
"""Where the register's records begin: behind identity, configuration and state (firmware/core/store.h)."""
RECORD = 10
ERASED = b"\xff" * RECORD
AMPERES = 16.0
PERIOD_ENERGY = AMPERES * 230 * (SAMPLING + 1) / 3.6
"""mWh that flow in one sampling period and the window under way."""


def _charge(site: Site, seconds: int) -> None:
    site.gateway.on()
    site.run(seconds, AMPERES)


def _survive(site: Site, budget: int, tears: bool) -> None:
    """Charge until the cut, start again, and check what was promised."""
    unit = site.unit
    unit.c.harness_cut(budget, tears)
    true_energy = unit.energy
    try:
        for _ in range(600):
            site.run(1, AMPERES)
            true_energy = unit.energy
        pytest.fail("the cut never came")
    except PowerLost:
        pass
    told = max((b.register for b in site.gateway.batches), default=0)
    unit.c.harness_cut(-1, 0)
    boots = site.gateway.boot
    assert unit.start()
    assert not unit.closed()
    assert unit.energy >= told
    assert unit.energy >= true_energy - PERIOD_ENERGY
    assert unit.energy <= true_energy + PERIOD_ENERGY
    assert unit.c.harness_boot() > boots or not site.gateway.batches


@pytest.mark.parametrize("tears", [False, True])
def test_power_cut_at_every_byte(running: Site, tears: bool) -> None:
    """Cut after each byte that minutes of charging write: the register never falls below what was told,
    loses at most a sampling period, and no number comes twice with another content (the gateway checks)."""
    _charge(running, 30)
    for budget in range(130):
        _survive(running, budget, tears)
        running.run(25, AMPERES)


def test_power_cut_while_starting(running: Site) -> None:
    """Cut within the start itself, at every byte: the next start finds register and boot count."""
    _charge(running, 65)
    before, boot = running.unit.energy, running.unit.c.harness_boot()
    stored = running.unit.c.harness_stored_energy()
    for budget in range(36):
        running.unit.c.harness_cut(budget, 1)
        with pytest.raises(PowerLost):
            running.unit.start()
        running.unit.c.harness_cut(-1, 0)
    assert running.unit.start()
    assert running.unit.energy == stored <= before
    assert running.unit.c.harness_boot() > boot
    running.run(30)


def test_power_cut_while_configuring(site: Site) -> None:
    """Cut while the configuration is written: it is asked for again, never half used."""
    for budget in range(36, 200, 3):
        assert site.unit.start()
        site.gateway.public_key = bytes(site.unit.core.ffi.buffer(site.unit.c.harness_public_key(), 32))
        site.unit.c.harness_cut(budget, 1)
        try:
            site.run(3)
        except PowerLost:
            site.unit.c.harness_cut(-1, 0)
            continue
        site.unit.c.harness_cut(-1, 0)
    assert site.unit.start()
    site.run(5)
    assert site.unit.c.harness_configured()
    assert site.gateway.batches


def test_worn_cells_are_passed_over(running: Site) -> None:
    """Where a cell no longer takes what is written, the next slot does, and nothing is lost."""
    _charge(running, 60)
    running.unit.c.harness_wear(500, 60)
    running.run(600, AMPERES)
    told = running.gateway.batches[-1].register
    assert running.unit.start()
    assert running.unit.energy >= told


def test_writes_are_spread(running: Site) -> None:
    """An hour of charging with a sample every ten seconds writes no byte of the register's log more than a
    fiftieth of the samples."""
    written = [0] * len(running.unit.memory)
    running.gateway.on()
    before = bytes(running.unit.memory)
    for _ in range(3600 // SAMPLING):
        running.run(SAMPLING, AMPERES)
        after = bytes(running.unit.memory)
        for at, (old, new) in enumerate(zip(before, after, strict=True)):
            written[at] += old != new
        before = after
    assert max(written) <= 3600 // SAMPLING // 50 + 8


def test_random_cuts_in_a_long_charge(running: Site) -> None:
    """A hundred cuts at random bytes of one long charge, with its session going on each time."""
    chance = random.Random(5)
    _charge(running, 30)
    for _ in range(100):
        _survive(running, chance.randrange(400), tears=bool(chance.getrandbits(1)))
        running.run(chance.randrange(12, 40), AMPERES)
    running.gateway.end()
    running.run(60, AMPERES)
    ends = [b for b in running.gateway.batches if Flag.END in b.flags]
    assert [e.session for e in ends] == [SESSION]


def test_failing_power_saves_the_register(running: Site) -> None:
    """Where the board sees power fail, nothing at all is lost."""
    _charge(running, 30)
    running.run(7, AMPERES)
    before = running.unit.energy
    assert running.unit.c.harness_power_failing() == 1
    assert running.unit.start()
    assert running.unit.energy == before


@pytest.mark.parametrize("order", [(*range(10),), (5, 4, 3, 2, 1, 0, 9, 8, 7, 6)], ids=["up", "down"])
@pytest.mark.parametrize("written", range(11))
def test_half_a_record_in_erased_memory_is_none(site: Site, written: int, order: tuple[int, ...]) -> None:
    """A register's record that was cut off in a slot never written before counts where it is whole alone.
    AVR's library writes each piece from its end: an erased record with zeros there has an erased CRC-32."""
    unit = site.unit
    assert unit.start()
    site.gateway.public_key = bytes(unit.core.ffi.buffer(unit.c.harness_public_key(), 32))
    _charge(site, 25)
    slot = next(
        at for at in range(ENERGY_AT, len(unit.memory), RECORD) if unit.memory[at : at + RECORD] != ERASED
    )
    whole, torn = bytes(unit.memory[slot : slot + RECORD]), bytearray(ERASED)
    for at in order[:written]:
        torn[at] = whole[at]
    unit.memory[ENERGY_AT:] = b"\xff" * (len(unit.memory) - ENERGY_AT)
    unit.memory[slot : slot + RECORD] = torn
    assert unit.start()
    assert unit.energy == (int.from_bytes(whole[:6], "little") if written == RECORD else 0)
