"""Values that survive torn writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.simulator.unit.eeprom import Eeprom, PowerCut
from firmware.simulator.unit.journal import Journal


@given(st.lists(st.tuples(st.binary(min_size=6, max_size=6), st.none() | st.integers(0, 13)), max_size=60))
def test_the_newest_whole_value_counts(writes: list[tuple[bytes, int | None]]) -> None:
    """Whatever byte the supply fails at, the value is the last one written whole, and writing goes on."""
    memory = Eeprom(64)
    journal = Journal(memory, 3, 6, 4)
    newest = None
    for value, cut in writes:
        if cut is None:
            journal.write(value)
            newest = value
        else:
            memory.cut_after(cut)
            with pytest.raises(PowerCut):
                journal.write(value)
            memory.restore()
            journal = Journal(memory, 3, 6, 4)
        assert Journal(memory, 3, 6, 4).value == newest


def test_wear_is_spread() -> None:
    """A hundred writes wear each of ten slots ten times."""
    memory = Eeprom(200)
    journal = Journal(memory, 0, 4, 10)
    for i in range(100):
        journal.write(bytes([i] * 4))
    assert set(memory.wear.values()) == {10}
    assert memory.writes == 100


def test_the_eeprom_outlives_the_process(tmp_path: Path) -> None:
    """With a file behind it the cells are there again."""
    file = tmp_path / "eeprom"
    Journal(Eeprom(64, file), 0, 4, 3).write(b"kept")
    assert Journal(Eeprom(64, file), 0, 4, 3).value == b"kept"
    with pytest.raises(ValueError, match="holds 64 bytes"):
        Eeprom(128, file)


def test_writes_stay_within() -> None:
    """Beyond the end is an error, not a wrap."""
    with pytest.raises(ValueError, match="within"):
        Eeprom(8).write(6, b"abc")
