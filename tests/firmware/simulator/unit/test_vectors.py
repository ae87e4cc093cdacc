"""The simulated unit's own codecs against the vectors that every implementation shares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firmware.simulator.unit.authentication import (
    BATCH,
    REQUEST,
    Authentication,
    MacAuthentication,
    SignatureAuthentication,
)
from firmware.simulator.unit.batch import batch_hash, encode_batch
from firmware.simulator.unit.command import Addressee, open_command
from firmware.simulator.unit.configuration import open_configuration
from firmware.simulator.unit.refusal import Refusal
from firmware.simulator.unit.request import RequestKind, encode_request, tag_hash

VECTORS = Path(__file__).parents[3] / "vectors"
Case = dict[str, Any]
UNUSED_SEED = bytes(32)


def cases(name: str) -> list[Any]:
    """The cases of one file, named."""
    return [
        pytest.param(case, id=case["name"])
        for case in json.loads((VECTORS / f"{name}.json").read_text())["cases"]
    ]


def unit_side(case: Case) -> Authentication:
    """What a unit of the case's class holds."""
    if case["class"] == "mac":
        return MacAuthentication(bytes.fromhex(case["unit_key"]))
    return SignatureAuthentication.from_seed(
        bytes.fromhex(case.get("unit_seed", UNUSED_SEED.hex())),
        bytes.fromhex(case.get("signing_public", "")),
    )


@pytest.mark.parametrize("case", cases("batch"))
def test_batches_are_those_of_the_vectors(case: Case) -> None:
    """Body, authentication and hash come out byte for byte."""
    body = encode_batch(
        flags=case["flags"],
        unit=case["unit"],
        network=bytes.fromhex(case["network"]),
        boot=case["boot"],
        number=case["number"],
        time=case["time"],
        register=case["register"],
        session=bytes.fromhex(case["session"]),
        previous=bytes.fromhex(case["previous"]),
        period=case["period"],
        temperature=case["temperature"],
        humidity=case["humidity"],
        reason=case["reason"],
        samples=bytes.fromhex(case["samples"]),
    )
    assert body.hex() == case["body"]
    message = body + unit_side(case).seal(BATCH, body)
    assert message.hex() == case["message"]
    assert batch_hash(message).hex() == case["hash"]


@pytest.mark.parametrize("case", cases("request"))
def test_requests_are_those_of_the_vectors(case: Case) -> None:
    """Body and authentication come out byte for byte."""
    body = encode_request(
        kind=RequestKind(case["kind"]),
        unit=case["unit"],
        network=bytes.fromhex(case["network"]),
        boot=case["boot"],
        number=case["number"],
        time=case["time"],
        tag=bytes.fromhex(case["tag"]),
    )
    assert (body + unit_side(case).seal(REQUEST, body)).hex() == case["message"]


@pytest.mark.parametrize("case", cases("command"))
def test_commands_read_as_the_vectors_say(case: Case) -> None:
    """Every field of a sound command is read."""
    addressee = Addressee(
        case["unit"], bytes.fromhex(case["network"]), case["boot"], case["counter"] - 1, case["issued"]
    )
    command = open_command(bytes.fromhex(case["message"]), unit_side(case), addressee)
    assert [command.kind, command.session.hex(), command.grant, command.current, command.acknowledged] == [
        case["kind"],
        case["session"],
        case["grant"],
        case["current"],
        case["acknowledged"],
    ]


@pytest.mark.parametrize("case", cases("command_check"))
def test_commands_are_obeyed_as_the_vectors_say(case: Case) -> None:
    """The unit obeys what it should and refuses the rest, for the reason that the vector gives."""
    addressee = Addressee(
        case["unit"],
        bytes.fromhex(case["network"]),
        case["boot"],
        case["last_counter"],
        case["clock"] if case["clock_set"] else None,
    )
    message = bytes.fromhex(case["message"])
    if case["obeyed"]:
        open_command(message, unit_side(case), addressee)
        return
    with pytest.raises(Refusal) as refused:
        open_command(message, unit_side(case), addressee)
    assert refused.value.why == case["why"]


@pytest.mark.parametrize("case", cases("configuration"))
def test_configurations_read_as_the_vectors_say(case: Case) -> None:
    """Every field of a sound configuration is read."""
    read = open_configuration(bytes.fromhex(case["message"]), unit_side(case), case["unit"], case["boot"])
    for name in (
        "transmission",
        "sampling",
        "maximum",
        "fallback",
        "voltage",
        "port",
        "server",
        "time_server",
    ):
        assert getattr(read, name) == case[name]
    for name in ("network", "address", "mask", "router", "resolver"):
        assert getattr(read, name).hex() == case[name]
    assert [read.dhcp, read.always_on] == [bool(case["dhcp"]), bool(case["always_on"])]


@pytest.mark.parametrize("case", cases("configuration_check"))
def test_configurations_are_taken_as_the_vectors_say(case: Case) -> None:
    """The unit takes what it should and refuses the rest, for the reason that the vector gives."""
    message = bytes.fromhex(case["message"])
    if case["accepted"]:
        open_configuration(message, unit_side(case), case["unit"], case["boot"])
        return
    with pytest.raises(Refusal) as refused:
        open_configuration(message, unit_side(case), case["unit"], case["boot"])
    assert refused.value.why == case["why"]


@pytest.mark.parametrize("case", cases("tag_hash"))
def test_tags_are_hashed_as_the_vectors_say(case: Case) -> None:
    """A tag's id becomes the same 16 bytes everywhere."""
    assert tag_hash(bytes.fromhex(case["salt"]), bytes.fromhex(case["tag_id"])).hex() == case["hash"]
