"""What an image takes of its part: flash, RAM, and the deepest stack that a busy session needs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.firmware.avr.conftest import Station as UnoStation
from tests.firmware.avr.tag_reader import TagReader
from tests.firmware.station import Station

UNO_RAM = 2_048
_UNO_DATA = 0x100
_PREFIXES = {"uno": "avr", "mps2": "arm-none-eabi", "lm3s": "arm-none-eabi"}


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes that a board's part has, and what an image may take: its budget."""

    name: str
    flash: int
    ram: int
    flash_budget: int
    ram_budget: int
    """Of data and zeros, without stack."""
    stack_budget: int


PARTS = {
    "uno": Part("ATmega328P", 32_768, UNO_RAM, 32_256, 1_348, 572),
    "mps2": Part("a Cortex-M4 of 512 KB and 128 KB", 512 * 1024, 128 * 1024, 96 * 1024, 48 * 1024, 4_096),
    "lm3s": Part("LM3S6965", 256 * 1024, 64 * 1024, 96 * 1024, 48 * 1024, 4_096),
}
"""The Uno's budgets: flash below its boot loader, and RAM that leaves 128 bytes untouched below the stack. Of
the others: a fifth of a common part's flash, three quarters of the smaller one's RAM."""


def static(board: str, image: Path) -> tuple[int, int]:
    """Flash, and RAM of data and zeros, in bytes."""
    size = [f"{_PREFIXES[board]}-size", str(image)]
    sizes = subprocess.run(size, check=True, capture_output=True, text=True).stdout
    text, data, zeros = (int(word) for word in sizes.splitlines()[1].split()[:3])
    return text + data, data + zeros


def uno_stack(station: UnoStation) -> int:
    """Bytes of the deepest stack on a configured Uno, from power-up on: free memory is painted, then the unit
    talks, measures, reads a tag and its climate sensor."""
    uno = station.uno
    _, ram = static("uno", uno.program)
    end_of_data = _UNO_DATA + ram
    uno.power(uno.eeprom())
    uno.c.uno_paint(end_of_data)
    station.gateway.on()
    uno.c.uno_dht11(bytes((48, 0, 21, 0, 69)), 5)
    reader = TagReader(uno, b"\1\2\3\4")
    station.until(uno.closed, most=60)
    station.run(70, 10.0)
    station.gateway.order = None
    station.until(lambda: bool(station.gateway.requests), most=90)
    assert reader.uid
    return UNO_RAM - ram - int(uno.c.uno_unpainted(end_of_data))


def cortex_stack(station: Station) -> int:
    """Bytes of the deepest stack so far on a board in QEMU, whose memory begins as zeros."""
    symbols = subprocess.run(
        ["arm-none-eabi-nm", str(station.image)], check=True, capture_output=True, text=True
    ).stdout
    places = {line.split()[2]: int(line.split()[0], 16) for line in symbols.splitlines() if line[0] != " "}
    begin, end = places["bss_end"], places["stack_end"]
    free = station.memory(begin, end - begin)
    return len(free.lstrip(b"\0"))
