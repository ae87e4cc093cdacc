"""The core makes and judges the units' messages byte for byte as tests/vectors say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chaincode.signing.domain import network_tag
from tests.firmware.host.core import CLASSES, FIRMWARE_REFUSALS, REFUSALS, Core

pytestmark = pytest.mark.firmware
_NETWORK = network_tag("condocharge", "aurora")
VECTORS = Path(__file__).parents[2] / "vectors"


def _cases(name: str) -> list[Any]:
    cases = json.loads((VECTORS / f"{name}.json").read_text())["cases"]
    return [pytest.param(case, id=case["name"]) for case in cases]


def _key(case: dict[str, Any], ed25519: str) -> bytes:
    return bytes.fromhex(case[ed25519] if case["class"] == "ed25519" else case["unit_key"])


@pytest.mark.parametrize("case", _cases("batch"))
def test_batch(core: Core, case: dict[str, Any]) -> None:
    """A batch from its fields has the vector's bytes, tag and hash."""
    message = core.bytes(
        lambda buffer: core.c.harness_batch(
            CLASSES[case["class"]], _key(case, "unit_seed"), case["flags"], case["unit"],
            bytes.fromhex(case["network"]), case["boot"], case["number"], case["time"], case["register"],
            bytes.fromhex(case["session"]), bytes.fromhex(case["previous"]), case["period"],
            case["temperature"], case["humidity"], case["count"], case["reason"],
            bytes.fromhex(case["samples"]), buffer,
        )
    )  # fmt: skip
    assert message.hex() == case["message"]
    digest = core.ffi.new("uint8_t[32]")
    core.c.message_hash(message, len(message), digest)
    assert bytes(core.ffi.buffer(digest)).hex() == case["hash"]


@pytest.mark.parametrize("case", _cases("request"))
def test_request(core: Core, case: dict[str, Any]) -> None:
    """A start request from its fields has the vector's bytes and tag."""
    message = core.bytes(
        lambda buffer: core.c.harness_request(
            CLASSES[case["class"]], _key(case, "unit_seed"), case["kind"], case["unit"],
            bytes.fromhex(case["network"]), case["boot"], case["number"], case["time"],
            bytes.fromhex(case["tag"]), buffer,
        )
    )  # fmt: skip
    assert message.hex() == case["message"]


@pytest.mark.parametrize("case", _cases("status"))
def test_status(core: Core, case: dict[str, Any]) -> None:
    """A status from its fields has the vector's bytes and tag."""
    core.c.harness_version(case["firmware"])
    message = core.bytes(
        lambda buffer: core.c.harness_status(
            CLASSES[case["class"]], _key(case, "unit_seed"), case["flags"], case["unit"],
            bytes.fromhex(case["network"]), case["boot"], case["number"], case["failed"], case["falls"],
            buffer,
        )
    )  # fmt: skip
    assert message.hex() == case["message"]


@pytest.mark.parametrize("case", _cases("offer_check"))
def test_offer_check(core: Core, case: dict[str, Any]) -> None:
    """An offer is taken, or refused by the very rule that the vector names."""
    message = bytes.fromhex(case["message"])
    kind = core.ffi.new("uint8_t *")
    refusal = core.c.harness_offer(
        CLASSES[case["class"]], _key(case, "signing_public"), case["unit"], bytes.fromhex(case["network"]),
        case["boot"], case["number"], message, len(message), kind,
    )  # fmt: skip
    assert REFUSALS[refusal] == case["why"]


@pytest.mark.parametrize("case", _cases("firmware_check"))
def test_firmware_check(core: Core, case: dict[str, Any]) -> None:
    """An envelope is taken, or refused by the very rule that the vector names."""
    message = bytes.fromhex(case["message"])
    version, length = core.ffi.new("uint32_t *"), core.ffi.new("uint32_t *")
    refusal = core.c.harness_firmware(
        bytes.fromhex(case["firmware_public"]), message, len(message), case["most"], version, length
    )
    assert FIRMWARE_REFUSALS[refusal] == case["why"]


@pytest.mark.parametrize("case", _cases("tag_hash"))
def test_tag_hash(core: Core, case: dict[str, Any]) -> None:
    """A tag's id leaves the reader only as the vector's keyed hash."""
    digest = core.ffi.new("uint8_t[16]")
    tag_id = bytes.fromhex(case["tag_id"])
    core.c.tag_hash(bytes.fromhex(case["salt"]), tag_id, len(tag_id), digest)
    assert bytes(core.ffi.buffer(digest)).hex() == case["hash"]


@pytest.mark.parametrize("case", _cases("command_check"))
def test_command_check(core: Core, case: dict[str, Any]) -> None:
    """A command is obeyed, or refused by the very rule that the vector names."""
    message = bytes.fromhex(case["message"])
    refusal = core.c.harness_command(
        CLASSES[case["class"]], _key(case, "signing_public"), case["unit"], bytes.fromhex(case["network"]),
        case["boot"], case["last_counter"], case["clock_set"], case["clock"], message, len(message),
    )  # fmt: skip
    assert REFUSALS[refusal] == case["why"]
    assert (refusal == 0) == bool(case["obeyed"])


@pytest.mark.parametrize("case", _cases("configuration_check"))
def test_configuration_check(core: Core, case: dict[str, Any]) -> None:
    """A configuration is taken, or refused by the very rule that the vector names."""
    message = bytes.fromhex(case["message"])
    refusal = core.c.harness_configuration(
        CLASSES[case["class"]], _key(case, "signing_public"), case["unit"], _NETWORK,
        case["boot"], message, len(message),
    )  # fmt: skip
    assert REFUSALS[refusal] == case["why"]
    assert (refusal == 0) == bool(case["accepted"])
