"""The core's parsers under libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.firmware.gateway import http

pytestmark = [pytest.mark.firmware, pytest.mark.slow]
SEEDS = {
    "http": b"\0" + http(bytes(64)),
    "dns": b"\1"
    + bytes.fromhex("beef81800001000100000000")
    + b"\1a\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4",
    "sntp": b"\2" + b"\x24\2" + bytes(46),
    "dhcp": b"\3" + b"\2\1\6\0" + bytes(232) + bytes((99, 130, 83, 99, 53, 1, 2, 255)),
    "command": b"\4" + b"\1\1" + bytes(62),
    "signed": b"\5" + b"\1\1" + bytes(110),
}


@pytest.mark.parametrize(
    "cases", [20_000, pytest.param(1_000_000, marks=[pytest.mark.soak, pytest.mark.timeout(3_000)])]
)
def test_no_input_breaks_a_parser(cases: int, image: Callable[[str, str], Path], tmp_path: Path) -> None:
    """Mutations of sound answers find no memory error, no undefined behaviour and no forgery."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name, seed in SEEDS.items():
        (corpus / name).write_bytes(seed)
    command = [
        str(image("fuzz", "fuzz-answers")),
        f"-runs={cases}",
        "-seed=1",
        "-max_len=2600",
        "-verbosity=0",
        str(corpus),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
