"""The NUCLEO-F429ZI's image: no simulator has its parts, so only what can be read off it is checked.
Its core runs in the probe."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware.footprint import PARTS

pytestmark = [pytest.mark.firmware, pytest.mark.slow]
PART = PARTS["nucleo"]
FLASH = 0x0800_0000
RAM = 0x2000_0000


@pytest.fixture
def elf(image: Callable[[str, str], Path]) -> Path:
    """The image, built without a warning."""
    return image("nucleo", PART.image)


def _symbols(elf: Path) -> dict[str, int]:
    said = subprocess.run(["arm-none-eabi-nm", elf], check=True, capture_output=True, text=True).stdout
    return {line.split()[2]: int(line.split()[0], 16) for line in said.splitlines() if line[0] != " "}


def test_the_stack_has_room(elf: Path) -> None:
    """Four times what the boards with the same network stack need: here nothing measures it."""
    symbols = _symbols(elf)
    assert symbols["stack_end"] - symbols["bss_end"] >= 4 * PART.stack_budget


def test_it_starts_where_the_part_does(elf: Path, tmp_path: Path) -> None:
    """The first word of flash is the stack's end in RAM, the second the reset function, in Thumb."""
    flat = tmp_path / "flat"
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, flat], check=True)
    stack, entry = struct.unpack_from("<II", flat.read_bytes())
    assert stack == RAM + PART.ram
    assert entry == _symbols(elf)["reset"] | 1
    assert FLASH <= entry < FLASH + PART.flash_budget


def test_what_the_controllers_write_lies_in_ram_that_they_reach(elf: Path) -> None:
    """Frames, their lists and the conversions are in the main RAM, lists on the boundary that they need."""
    symbols = _symbols(elf)
    for name in ("sending", "receiving", "sent", "received", "samples"):
        assert RAM <= symbols[name] < RAM + PART.ram, name
    assert symbols["sending"] % 16 == symbols["receiving"] % 16 == 0


def test_nothing_of_the_bench_is_in_it(elf: Path) -> None:
    """Sensors and relay are the board's own."""
    assert not [name for name in _symbols(elf) if name.startswith("bench_")]
