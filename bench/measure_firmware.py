"""What the unit's firmware costs on each board: flash, RAM, the deepest stack, and the time of what it does.

The Uno's times are exact: libsimavr counts the cycles of a part at 16 MHz. QEMU does not know how long a
Cortex-M's instructions take; with `-icount shift=0` each is a nanosecond of its time, so instructions are
counted there. These parts need a cycle or more for each. Joules are not to be had from either simulator.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.result import Result
from firmware.footprint import PARTS, static
from tests.firmware.avr.conftest import make_station
from tests.firmware.avr.wireless import make_wireless_station
from tests.firmware.conftest import BUILD, make
from tests.firmware.probe.probe import Operation, Probe, QemuLine, UnoLine
from tests.firmware.site import provisioned
from tests.firmware.stack import cortex_stack, uno_stack

KIBIBYTE = 1_024
_LIBC = ctypes.CDLL(None)
_MAC, _ED25519 = 0, 1
_MEGAHERTZ = {"mps2": 25, "lm3s": 12.5, "nucleo": 168}
"""At which each board's timer counts: 1,000 / MHz instructions to a tick."""
_COUNTED = ["-icount", "shift=0,sleep=off"]
_OPERATIONS = {
    "MAC of a minute's batch": (Operation.SEAL, _MAC, 20),
    "signature of a minute's batch": (Operation.SEAL, _ED25519, 5),
    "check of a command's signature": (Operation.CHECK, _ED25519, 5),
    "a minute's batch, written, authenticated and hashed, class mac": (Operation.BATCH, _MAC, 10),
    "a minute's batch, written, authenticated and hashed, class ed25519": (Operation.BATCH, _ED25519, 5),
    "2,000 conversions of a second": (Operation.CONVERSIONS, _MAC, 10),
    "a second's window: RMS, current, energy": (Operation.WINDOW, _MAC, 50),
}


def measure() -> list[Result]:
    """Footprints and times of all boards. Raises AssertionError where a board does not do its work."""
    make("uno-simulator", *PARTS, *(f"probe-{board}" for board in PARTS))
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder, _own_output():
        for board in PARTS:
            results += _footprint(board, Path(folder) / board)
            results += _times(board, Path(folder) / f"{board}-line")
    return results


@contextmanager
def _own_output() -> Iterator[None]:
    """What libsimavr prints while it loads a program goes to standard error: results are on the output."""
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        _LIBC.fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


def _image(board: str) -> Path:
    return BUILD / PARTS[board].image


def _footprint(board: str, folder: Path) -> list[Result]:
    part = PARTS[board]
    flash, ram = static(board, _image(board))
    rows = [
        ("flash", flash, part.flash, part.flash_budget),
        ("RAM without stack", ram, part.ram, part.ram_budget),
    ]
    # No simulator runs the Nucleo's image, so nothing can tell its deepest stack.
    if board != "nucleo":
        stack = _uno_stack(board) if part.tools == "avr" else _cortex_stack(board, folder)
        budget = part.ram_budget + part.stack_budget
        rows.append(("RAM with the deepest stack", ram + stack, part.ram, budget))
    return [
        Result(
            id="firmware", what=f"{board}: {what}", value=value / KIBIBYTE, unit="KiB", reference=part.name,
            reference_value=limit / KIBIBYTE, target=f"at most {budget / KIBIBYTE:.4g}",
        )
        for what, value, limit, budget in rows
    ]  # fmt: skip


def _uno_stack(board: str) -> int:
    make = make_station if board == "uno" else make_wireless_station
    station = make(BUILD / "libuno.so", _image(board))
    station.until(lambda: len(station.gateway.stored) >= 2, most=90)
    return uno_stack(board, station)


def _cortex_stack(board: str, folder: Path) -> int:
    """After a key was made, and a session's batches were signed and its commands checked."""
    folder.mkdir()
    with provisioned(board, _image(board), folder) as site:
        site.station.power()
        site.until(lambda: len(site.gateway.stored) >= 2)
        site.gateway.on()
        site.until(lambda: site.station.bench.relay)
        site.run(70, 10.0)
        site.gateway.end()
        site.until(site.ended, amperes=10.0)
        return cortex_stack(site.station)


def _times(board: str, path: Path) -> list[Result]:
    program = BUILD / f"probe-{board}.elf"
    avr = PARTS[board].tools == "avr"
    line = UnoLine(BUILD / "libuno.so", program) if avr else QemuLine(board, program, path, _COUNTED)
    probe = Probe(line)
    results = []
    try:
        for what, (operation, unit_class, times) in _OPERATIONS.items():
            if avr and unit_class == _ED25519:
                continue
            ticks = probe.ticks(operation, unit_class, times)
            results.append((_uno_time if avr else _instructions)(board, what, ticks))
    finally:
        probe.close()
    return results


def _uno_time(board: str, what: str, cycles: float) -> Result:
    return Result(
        id="firmware", what=f"{board}: {what}", value=cycles / 16_000, unit="ms",
        reference="exact, at 16 MHz",
    )  # fmt: skip


def _instructions(board: str, what: str, ticks: float) -> Result:
    thousands = ticks * 1_000 / _MEGAHERTZ[board] / 1_000
    return Result(
        id="firmware", what=f"{board}: {what}", value=thousands, unit="thousand instructions",
        reference=f"at 48 MHz {thousands / 48:.2f} ms or more",
    )  # fmt: skip
