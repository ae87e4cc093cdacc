"""The cars of the file's rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from demonstration.replay.dataset import load
from demonstration.replay.row import SOCKET_POWER, STARTING, Row
from demonstration.replay.vehicle import car_for

DATA = Path(__file__).parents[3] / "demonstration" / "data" / "acn-caltech-2019-05-08.csv.gz"


def test_every_car_takes_its_energy_in_time() -> None:
    """All 3,527: what was delivered, within the stay, at no more than the socket gives."""
    for row in load(DATA).rows:
        car = car_for(row)
        assert car.wants == pytest.approx(row.delivered)
        assert car.rated <= 32
        assert car.time_to_full(230) <= row.departure - row.arrival - STARTING


def test_the_hardest_row_that_is_accepted_can_be_charged() -> None:
    """Full power to the last second."""
    most = SOCKET_POWER * (3_600 - STARTING) // 3_600
    row = Row(1, 1_000_000, 1_003_600, None, most, "A", "s", None)
    assert car_for(row).time_to_full(230) <= 3_600 - STARTING


def test_a_car_that_takes_nothing_is_full() -> None:
    """It plugs in all the same."""
    assert car_for(Row(1, 0, 3_600, None, 0, "A", "s", None)).wants == 0
