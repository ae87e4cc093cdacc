"""The core under libFuzzer and two sanitizers, of addresses and undefined behaviour: parsers, and a unit."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.firmware.gateway import NOON, Gateway, http, identity
from tests.firmware.host.core import Core, HostUnit

pytestmark = [pytest.mark.firmware, pytest.mark.slow]
Image = Callable[[str, str], Path]
PARSERS = {
    "http": b"\0" + http(bytes(64)),
    "dns": b"\1"
    + bytes.fromhex("beef81800001000100000000")
    + b"\1a\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4",
    "sntp": b"\2" + b"\x24\2" + bytes(46),
    "dhcp": b"\3" + b"\2\1\6\0" + bytes(232) + bytes((99, 130, 83, 99, 53, 1, 2, 255)),
    "command": b"\4" + b"\1\1" + bytes(62),
    "signed": b"\5" + b"\1\1" + bytes(110),
    "offer": b"\5" + b"\1\1" + bytes(210),
    "envelope": b"\5" + b"CCFW\1" + bytes(123),
}
MEMORY_BYTES = 1_024
CASES = [20_000, pytest.param(1_000_000, marks=[pytest.mark.soak, pytest.mark.timeout(3_000)])]


def _fuzz(
    program: Path, cases: int, seeds: Mapping[str, bytes], folder: Path, environment: Mapping[str, str]
) -> None:
    corpus = folder / "corpus"
    corpus.mkdir()
    for name, seed in seeds.items():
        (corpus / name).write_bytes(seed)
    command = [str(program), f"-runs={cases}", "-seed=1", "-max_len=2600", "-verbosity=0", str(corpus)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | environment
    )
    assert done.returncode == 0, done.stderr[-3_000:]


@pytest.mark.parametrize("cases", CASES)
def test_no_input_breaks_a_parser(cases: int, image: Image, tmp_path: Path) -> None:
    """Mutations of sound answers find no memory error, no undefined behaviour and no forgery."""
    _fuzz(image("fuzz", "fuzz-answers"), cases, PARSERS, tmp_path, {})


def _configured(image: Image) -> tuple[bytes, Gateway]:
    """The memory of a unit of class mac that its gateway has configured."""
    start = identity("mac")
    memory = bytearray(start + b"\xff" * (MEMORY_BYTES - len(start)))
    gateway = Gateway("mac", clock=lambda: NOON)
    unit = HostUnit(Core(image("library", "libunit.so")), memory)
    assert unit.start()
    unit.seconds(5, gateway=gateway)
    assert unit.c.harness_configured()
    return bytes(memory), gateway


def _answers(*answers: bytes) -> bytes:
    return b"".join(struct.pack("<H", len(answer)) + answer for answer in answers)


@pytest.mark.parametrize("cases", CASES)
def test_no_answer_closes_the_relay(cases: int, image: Image, tmp_path: Path) -> None:
    """Authentic acknowledgements, and ON commands that are not for this start: cut, joined, mutated."""
    memory, gateway = _configured(image)
    (tmp_path / "memory").write_bytes(memory)
    next_boot = gateway.boot + 1
    acknowledge = [http(gateway.command(boot=next_boot)) for _ in range(4)]
    gateway.on()
    foreign = [
        http(gateway.command()),
        http(gateway.command(boot=next_boot, unit=8)),
        http(gateway.command(boot=next_boot, network=bytes(8))),
        http(gateway.command(boot=next_boot + 1)),
    ]
    seeds = {
        "acknowledged": _answers(*acknowledge),
        "foreign": _answers(*foreign),
        "mixed": _answers(acknowledge[0], foreign[0], acknowledge[1], foreign[1]),
        "configuration": _answers(http(gateway.configuration(next_boot))),
        "refusal": _answers(http(b"{}", "422 Unprocessable Content")),
    }
    environment = {"CONDOCHARGE_FUZZ_MEMORY": str(tmp_path / "memory")}
    _fuzz(image("fuzz", "fuzz-unit"), cases, seeds, tmp_path, environment)
