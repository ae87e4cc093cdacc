"""The deepest stack that a busy session needs on a board."""

from __future__ import annotations

import subprocess

from firmware.footprint import PARTS, static
from tests.firmware.avr.conftest import Station as UnoStation
from tests.firmware.avr.tag_reader import TagReader
from tests.firmware.station import Station

_UNO_DATA = 0x100


def uno_stack(board: str, station: UnoStation) -> int:
    """Bytes of the deepest stack on a configured Uno, from power-up on: free memory is painted, then the unit
    talks, measures, reads a tag and its climate sensor."""
    uno = station.uno
    _, ram = static(board, uno.program)
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
    return PARTS[board].ram - ram - int(uno.c.uno_unpainted(end_of_data))


def cortex_stack(station: Station) -> int:
    """Bytes of the deepest stack so far on a board in QEMU, whose memory begins as zeros."""
    symbols = subprocess.run(
        ["arm-none-eabi-nm", str(station.image)], check=True, capture_output=True, text=True
    ).stdout
    places = {line.split()[2]: int(line.split()[0], 16) for line in symbols.splitlines() if line[0] != " "}
    begin, end = places["bss_end"], places["stack_end"]
    free = station.memory(begin, end - begin)
    return len(free.lstrip(b"\0"))
