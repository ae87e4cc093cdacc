"""Flash and RAM of every image stay within its budget, and a budget that is passed fails the build."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from firmware import footprint
from firmware.footprint import PARTS, static

pytestmark = [pytest.mark.firmware, pytest.mark.slow]


@pytest.fixture
def folder(image: Callable[[str, str], Path]) -> Path:
    """Where the images of all boards are."""
    (place,) = {image(board, part.image).parent for board, part in PARTS.items()}
    return place


@pytest.mark.parametrize("board", PARTS)
def test_it_fits(board: str, image: Callable[[str, str], Path]) -> None:
    """Flash, RAM, and RAM with the stack that the budget allows: the part has them."""
    part = PARTS[board]
    flash, ram = static(board, image(board, part.image))
    assert 0 < flash <= part.flash_budget <= part.flash
    assert 0 < ram <= part.ram_budget
    assert part.ram_budget + part.stack_budget <= part.ram


def test_every_board_on_a_microcontroller_has_a_budget() -> None:
    """A folder with sizes of its own is a board; the Makefile builds one image of each."""
    boards = Path(footprint.__file__).parent / "boards"
    folders = {path.name for path in boards.iterdir() if path.is_dir()}
    assert folders - {"bench", "cortex", "posix"} == set(PARTS)


def test_the_table_names_all(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Within their budgets: the build goes on."""
    assert footprint.main(folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(PARTS)


@pytest.mark.parametrize("which", [0, 1], ids=["flash", "ram"])
def test_a_byte_too_many_fails_the_build(
    which: int, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The board is named, and no other."""
    nucleo = PARTS["nucleo"]
    flash, ram = static("nucleo", folder / nucleo.image)
    less = [replace(nucleo, flash_budget=flash - 1), replace(nucleo, ram_budget=ram - 1)]
    monkeypatch.setitem(PARTS, "nucleo", less[which])
    assert footprint.main(folder) == 1
    assert capsys.readouterr().out.endswith(f"over its budget: nucleo{os.linesep}")
