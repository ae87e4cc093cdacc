"""The core makes and judges messages as tests/vectors say on an ATmega328P, a Cortex-M3 and
Cortex-M4s, each with the compiler's flags and sizes of its board.

Of a firmware update each board makes the status and judges the offer: that code is in every image.
Envelopes are judged on the Cortex-M only, and there by the probe alone. No microcontroller board takes a
new firmware (UNIT_UPDATE is 0), so no image of one has that code, and an AVR's has no Ed25519 for it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chaincode.signing.domain import network_tag
from firmware.footprint import PARTS
from tests.firmware.host.core import CLASSES, FIRMWARE_REFUSALS, REFUSALS
from tests.firmware.probe.probe import Line, Probe, QemuLine, UnoLine

pytestmark = [pytest.mark.firmware, pytest.mark.slow, pytest.mark.xdist_group("probe")]
NETWORK = network_tag("condocharge", "aurora")
VECTORS = Path(__file__).parents[2] / "vectors"
_KEY_BYTES = 32
_WITH_ENVELOPES = [name for name, part in PARTS.items() if part.tools != "avr"]
"""The boards whose probes judge envelopes."""


class Board:
    """A probe, and the classes of units that its part can be."""

    def __init__(self, line: Line, classes: tuple[str, ...]) -> None:
        self.probe = Probe(line)
        self._classes = classes

    def cases(self, name: str) -> list[Any]:
        """The vectors that this board can make or judge: at least one."""
        cases = json.loads((VECTORS / f"{name}.json").read_text())["cases"]
        chosen = [case for case in cases if case.get("class", self._classes[0]) in self._classes]
        assert chosen, name
        return chosen


@pytest.fixture(scope="module", params=list(PARTS))
def board(
    request: pytest.FixtureRequest,
    image: Callable[[str, str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Board]:
    """Each board, with the core's functions on its serial port."""
    name = str(request.param)
    program = image(f"probe-{name}", f"probe-{name}.elf")
    line: Line
    classes: tuple[str, ...] = ("mac",)
    if PARTS[name].tools == "avr":
        line = UnoLine(image("uno-simulator", "libuno.so"), program)
    else:
        line = QemuLine(name, program, tmp_path_factory.mktemp(name) / "line")
        classes = ("mac", "ed25519")
    made = Board(line, classes)
    yield made
    line.close()


def _key(case: dict[str, Any], ed25519: str) -> bytes:
    key = bytes.fromhex(case[ed25519] if case["class"] == "ed25519" else case["unit_key"])
    return struct.pack(f"<B{_KEY_BYTES}s", CLASSES[case["class"]], key)


def test_batches(board: Board) -> None:
    """From a batch's fields its bytes, its tag, and the hash that the next one names."""
    for case in board.cases("batch"):
        header = struct.pack(
            "<BBH8sIIIQ16s32sHbBBBH", 1, case["flags"], case["unit"], bytes.fromhex(case["network"]),
            case["boot"], case["number"], case["time"], case["register"], bytes.fromhex(case["session"]),
            bytes.fromhex(case["previous"]), case["period"], case["temperature"], case["humidity"],
            case["count"], case["reason"], 0,
        )  # fmt: skip
        fields = _key(case, "unit_seed") + header + bytes.fromhex(case["samples"])
        assert board.probe.ask(b"B", fields).hex() == case["message"] + case["hash"], case["name"]


def test_requests(board: Board) -> None:
    """From a start request's fields its bytes and tag."""
    for case in board.cases("request"):
        fields = struct.pack(
            "<BH8sIII16s", case["kind"], case["unit"], bytes.fromhex(case["network"]), case["boot"],
            case["number"], case["time"], bytes.fromhex(case["tag"]),
        )  # fmt: skip
        made = board.probe.ask(b"R", _key(case, "unit_seed") + fields)
        assert made.hex() == case["message"], case["name"]


def test_tag_hashes(board: Board) -> None:
    """What of a tag's id leaves the reader."""
    for case in board.cases("tag_hash"):
        made = board.probe.ask(b"T", bytes.fromhex(case["salt"] + case["tag_id"]))
        assert made.hex() == case["hash"], case["name"]


def test_commands(board: Board) -> None:
    """Each command is obeyed, or refused by the very rule that the vector names."""
    for case in board.cases("command_check"):
        state = struct.pack(
            "<H8sIIBI", case["unit"], bytes.fromhex(case["network"]), case["boot"], case["last_counter"],
            case["clock_set"], case["clock"],
        )  # fmt: skip
        question = _key(case, "signing_public") + state + bytes.fromhex(case["message"])
        (refusal,) = board.probe.ask(b"C", question)
        assert REFUSALS[refusal] == case["why"], case["name"]


def test_configurations(board: Board) -> None:
    """Likewise each configuration."""
    for case in board.cases("configuration_check"):
        state = struct.pack("<H8sI", case["unit"], NETWORK, case["boot"])
        question = _key(case, "signing_public") + state + bytes.fromhex(case["message"])
        (refusal,) = board.probe.ask(b"G", question)
        assert REFUSALS[refusal] == case["why"], case["name"]


def test_statuses(board: Board) -> None:
    """From a status's fields, the board's name and version among them, its bytes and tag."""
    for case in board.cases("status"):
        fields = struct.pack(
            "<BH8sIIIIH16s", case["flags"], case["unit"], bytes.fromhex(case["network"]), case["boot"],
            case["number"], case["firmware"], case["failed"], case["falls"], case["board"].encode(),
        )  # fmt: skip
        made = board.probe.ask(b"S", _key(case, "unit_seed") + fields)
        assert made.hex() == case["message"], case["name"]


def _judge_offer(board: Board, case: dict[str, Any]) -> bytes:
    state = struct.pack("<H8sII", case["unit"], bytes.fromhex(case["network"]), case["boot"], case["number"])
    question = _key(case, "signing_public") + state + bytes.fromhex(case["message"])
    return board.probe.ask(b"O", question)


def test_offers(board: Board) -> None:
    """An offer to the unit that asked is taken as the kind that it is."""
    for case in board.cases("offer"):
        assert _judge_offer(board, case) == bytes((0, case["kind"])), case["name"]


def test_judged_offers(board: Board) -> None:
    """Each offer is taken, or refused by the very rule that the vector names."""
    for case in board.cases("offer_check"):
        refusal = _judge_offer(board, case)[0]
        assert REFUSALS[refusal] == case["why"], case["name"]


def _judge_envelope(board: Board, public: str, case: dict[str, Any], most: int) -> bytes:
    key = struct.pack("<B32s", CLASSES["ed25519"], bytes.fromhex(public))
    slot = struct.pack("<16sI", case["board"].encode(), most)
    return board.probe.ask(b"F", key + slot + bytes.fromhex(case["message"]))


@pytest.mark.parametrize("board", _WITH_ENVELOPES, indirect=True)
def test_envelopes(board: Board) -> None:
    """An envelope for the board tells the version, length and hash that were signed."""
    for case in board.cases("firmware"):
        told = struct.pack("<BII32s", 0, case["firmware"], case["length"], bytes.fromhex(case["digest"]))
        assert _judge_envelope(board, case["signing_public"], case, case["length"]) == told, case["name"]


@pytest.mark.parametrize("board", _WITH_ENVELOPES, indirect=True)
def test_judged_envelopes(board: Board) -> None:
    """Each envelope is taken, or refused by the very rule that the vector names."""
    for case in board.cases("firmware_check"):
        refusal = _judge_envelope(board, case["firmware_public"], case, case["most"])[0]
        assert FIRMWARE_REFUSALS[refusal] == case["why"], case["name"]
