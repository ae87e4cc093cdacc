"""Whole sessions through monitor, scheduler, metering and the real rules on the embedded ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chaincode.signing.command import CommandKind
from tests.gateway.garage import Car, Garage, Socket, wallet

HOUR = 3_600


@pytest.fixture
async def garage(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Garage]:
    """Three units of 16 A behind a supply for two."""
    opened = await Garage.open(tmp_path, [Socket(n) for n in (1, 2, 3)], limit=2 * 3_680)
    yield opened
    await opened.close()


async def test_a_car_charges_until_it_is_full_and_the_rest_comes_back(garage: Garage) -> None:
    """11.5 kWh at 2.3 kW: five hours, 2.30, and 2.70 of the 5.00 are refunded."""
    resident = wallet()
    await garage.fund(resident)
    session = await garage.plug_in(1, resident, Car(current=10_000, need=11_500_000))
    await garage.clock.settle()
    assert garage.sockets[1].heard[0][0] is CommandKind.ON
    await garage.run(6 * HOUR)
    record = await garage.session(session)
    assert record.settlement is not None
    assert (record.state, record.settlement.reason) == ("settled", "StoppedByEV")
    assert (record.settlement.energy, record.settlement.cost) == (11_500_000, 230)
    assert await garage.balance(resident) == 10_000 - 230
    assert not garage.sockets[1].closed
    assert len(garage.monitor.floor) == 0
