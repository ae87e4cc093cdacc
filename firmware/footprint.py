"""What each board's image takes of its part, and what it may: flash, and RAM without and with stack.

Run as `python -m firmware.footprint DIRECTORY`, where the images are: it prints a table of them all and ends
with 1 where one is over its budget.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_KB = 1_024
_LINE = "{:<12} {:>8} {:>8} {:>8} {:>8}"


@dataclass(frozen=True, slots=True)
class Part:
    """A board's microcontroller and image. All sizes in bytes; a budget is what the image may take."""

    name: str
    image: str
    """Its file, as firmware/Makefile names it."""
    tools: str
    """What the names of its compiler and its companions begin with."""
    flash: int
    ram: int
    flash_budget: int
    ram_budget: int
    """Of data and zeros, without stack."""
    stack_budget: int


def _uno(network: str) -> Part:
    """Flash below the boot loader, and RAM that leaves 128 bytes untouched below the deepest stack."""
    return Part("ATmega328P", f"condocharge-uno-{network}.elf", "avr", 32 * _KB, 2 * _KB, 32_256, 1_348, 572)


def _cortex(board: str, name: str, flash: int, ram: int, ram_budget: int) -> Part:
    """A fifth of a common part's flash, and four kilobytes of stack."""
    image = f"condocharge-{board}.elf"
    return Part(name, image, "arm-none-eabi", flash * _KB, ram * _KB, 96 * _KB, ram_budget * _KB, 4 * _KB)


PARTS = {
    "uno": _uno("w5100"),
    "uno-esp8266": _uno("esp8266"),
    "mps2": _cortex("mps2", "a Cortex-M4 of 512 KB and 128 KB", 512, 128, 48),
    "lm3s": _cortex("lm3s", "LM3S6965", 256, 64, 48),
    "nucleo": _cortex("nucleo", "STM32F429ZI", 2_048, 192, 64),
}
"""By board: the name of its folder, and of the Makefile's target. RAM is what the link script gives."""


def static(board: str, image: Path) -> tuple[int, int]:
    """Flash, and RAM of data and zeros, in bytes."""
    size = [f"{PARTS[board].tools}-size", str(image)]
    sizes = subprocess.run(size, check=True, capture_output=True, text=True).stdout
    text, data, zeros = (int(word) for word in sizes.splitlines()[1].split()[:3])
    return text + data, data + zeros


def main(folder: Path) -> int:
    """Print what every image in `folder` takes. Returns 1 where one takes more than its budget."""
    print(_LINE.format("bytes of", "flash", "budget", "RAM", "budget"))
    over = []
    for board, part in PARTS.items():
        flash, ram = static(board, folder / part.image)
        sizes = (flash, part.flash_budget, ram, part.ram_budget)
        print(_LINE.format(board, *(f"{size:,}" for size in sizes)))
        if flash > part.flash_budget or ram > part.ram_budget:
            over.append(board)
    if over:
        print(f"over its budget: {', '.join(over)}")
    return int(bool(over))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
