"""Units are looked up on the ledger once, and again when it says that they changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from chaincode.errors import NotFound
from chaincode.unit import ED25519, MAC, OCMF, RETIRED, Unit
from gateway.clock import SimulatedClock
from gateway.metering.directory import ABSENCE, Directory
from network.ledger import EvaluateError, Ledger

UNIT = Unit(
    number=7,
    key_class=ED25519,
    key="ab" * 32,
    nominal_current=16_000,
    nominal_voltage=2_300,
    phases=1,
    state="active",
    enrolled_at=1_000,
    generation=1,
    retired_keys=("cd" * 32,),
)


class Records:
    """As much of a ledger as answers `unit.get`; the secret store too."""

    def __init__(self, *units: Unit) -> None:
        self.units = {unit.number: unit for unit in units}
        self.asked = 0
        self.away = False

    async def evaluate(self, namespace: str, function: str, arguments: Sequence[bytes]) -> bytes:
        """`Ledger.evaluate`."""
        assert (namespace, function) == ("condocharge-aurora", "unit.get")
        self.asked += 1
        if self.away:
            raise EvaluateError("nobody answers")
        number = int(arguments[0])
        if number not in self.units:
            raise NotFound("unit", f"{number} is enrolled at this condominium")
        return self.units[number].encode()

    def signing_key(self) -> bytes:
        """`Keys.signing_key`; not asked for here."""
        raise NotImplementedError

    async def mac_key(self, unit: int) -> bytes | None:
        """`Keys.mac_key`."""
        return bytes(range(16)) if unit == 8 else None


@pytest.fixture
def records() -> Records:
    """A ledger with units of every class, one of which this gateway has no MAC key for."""
    return Records(
        UNIT,
        replace(UNIT, number=8, key_class=MAC, key=None, retired_keys=()),
        replace(UNIT, number=9, key_class=MAC, key=None, retired_keys=()),
        replace(UNIT, number=10, key_class=OCMF, key="ee" * 91),
        replace(UNIT, number=11, state=RETIRED),
    )


@pytest.fixture
def clock() -> SimulatedClock:
    """A clock that stands still."""
    return SimulatedClock(1_000_000)


@pytest.fixture
def directory(records: Records, clock: SimulatedClock) -> Directory:
    """A directory over those records."""
    return Directory(cast("Ledger", records), "condocharge-aurora", records, clock)


async def test_a_unit_that_signs(directory: Directory, records: Records) -> None:
    """Its key is the ledger's; the second look-up asks nobody."""
    assert directory.peek(7) is None
    unit = await directory.find(7)
    assert unit is not None
    assert (unit.key, unit.retired_keys, unit.active) == (b"\xab" * 32, (b"\xcd" * 32,), True)
    assert (unit.enrolled_at, unit.authentication_bytes) == (1_000, 64)
    assert await directory.find(7) is unit
    assert directory.peek(7) is unit
    assert records.asked == 1


async def test_a_unit_that_cannot_sign(directory: Directory) -> None:
    """Its key is the secret store's."""
    unit = await directory.find(8)
    assert unit is not None
    assert (unit.key, unit.authentication_bytes) == (bytes(range(16)), 16)


@pytest.mark.parametrize("number", [9, 10, 12])
async def test_units_that_cannot_be_checked(directory: Directory, number: int) -> None:
    """Without a key here, of another class or unknown: there is no such unit."""
    assert await directory.find(number) is None


async def test_a_retired_unit(directory: Directory) -> None:
    """It is found, as retired, so that its messages are refused as that."""
    unit = await directory.find(11)
    assert unit is not None
    assert not unit.active


async def test_a_change_is_seen(directory: Directory, records: Records) -> None:
    """After an event the record is read anew."""
    await directory.find(7)
    records.units[7] = replace(UNIT, key="ef" * 32)
    directory.forget(7)
    unit = await directory.find(7)
    assert unit is not None
    assert unit.key == b"\xef" * 32


async def test_an_unknown_unit_is_not_asked_for_again(
    directory: Directory, records: Records, clock: SimulatedClock
) -> None:
    """Whoever sends nonsense does not reach the ledger with every message; an enrolment is seen at once."""
    for _ in range(5):
        assert await directory.find(12) is None
    assert records.asked == 1
    await clock.advance(ABSENCE / 1_000)
    assert await directory.find(12) is None
    assert records.asked == 2
    records.units[12] = replace(UNIT, number=12)
    directory.forget(12)
    assert await directory.find(12) is not None


async def test_many_unknown_units(directory: Directory) -> None:
    """What is remembered of units that are not there is bounded, whatever numbers are tried."""
    for number in range(100, 3_000):
        assert await directory.find(number) is None
    assert await directory.find(7) is not None


async def test_a_ledger_that_does_not_answer(directory: Directory, records: Records) -> None:
    """Its error passes, and nothing is remembered of it."""
    records.away = True
    with pytest.raises(EvaluateError):
        await directory.find(7)
    records.away = False
    assert await directory.find(7) is not None
