"""The firmware's footprint as the README has it, against the images as they are built now."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.__main__ import RESULTS
from bench.measure_firmware import KIBIBYTE
from firmware.footprint import PARTS, static
from tests.firmware.conftest import image  # noqa: F401 - a fixture of the firmware's tests

pytestmark = [pytest.mark.firmware, pytest.mark.slow]


@pytest.mark.parametrize("board", PARTS)
def test_the_readme_knows_what_an_image_takes(
    board: str,
    image: Callable[[str, str], Path],  # noqa: F811
) -> None:
    """Within a twentieth, as compilers differ a little; `python -m bench firmware` records it anew."""
    recorded = {row["what"]: row["value"] for row in json.loads(RESULTS.read_text())}
    flash, ram = static(board, image(board, PARTS[board].image))
    assert recorded[f"{board}: flash"] == pytest.approx(flash / KIBIBYTE, rel=0.05)
    assert recorded[f"{board}: RAM without stack"] == pytest.approx(ram / KIBIBYTE, rel=0.05)
