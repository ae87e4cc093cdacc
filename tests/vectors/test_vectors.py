"""The vectors, read by code that shares nothing with `chaincode/signing` but the documents."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.vectors import write

HERE = Path(__file__).parent
Case = dict[str, Any]

LAYOUTS: dict[str, list[tuple[str, int]]] = {
    "batch": [
        ("version", 1), ("flags", 1), ("unit", 2), ("network", 8), ("boot", 4), ("number", 4), ("time", 4),
        ("register", 8), ("session", 16), ("previous", 32), ("period", 2), ("temperature", 1),
        ("humidity", 1), ("count", 1), ("reason", 1), ("zero", 2),
    ],
    "command": [
        ("version", 1), ("kind", 1), ("unit", 2), ("network", 8), ("boot", 4), ("counter", 4), ("issued", 4),
        ("session", 16), ("grant", 2), ("current", 2), ("acknowledged", 4),
    ],
    "configuration": [
        ("version", 1), ("options", 1), ("unit", 2), ("network", 8), ("boot", 4), ("issued", 4),
        ("transmission", 2), ("sampling", 2), ("maximum", 2), ("fallback", 2), ("voltage", 2), ("port", 2),
        ("address", 4), ("mask", 4), ("router", 4), ("resolver", 4), ("server", 40), ("time_server", 40),
    ],
    "request": [
        ("version", 1), ("kind", 1), ("unit", 2), ("network", 8), ("boot", 4), ("number", 4), ("time", 4),
        ("tag", 16),
    ],
    "firmware": [
        ("magic", 4), ("format", 1), ("zero", 3), ("board", 16), ("firmware", 4), ("length", 4),
        ("digest", 32),
    ],
    "status": [
        ("version", 1), ("flags", 1), ("unit", 2), ("network", 8), ("boot", 4), ("number", 4),
        ("firmware", 4), ("failed", 4), ("falls", 2), ("zero", 2), ("board", 16),
    ],
    "offer": [("version", 1), ("kind", 1), ("unit", 2), ("network", 8), ("boot", 4), ("number", 4)],
}  # fmt: skip
BYTES = {"network", "session", "previous", "address", "mask", "router", "resolver", "tag", "magic", "digest"}
NAMES = {"server", "time_server", "board"}
SIGNED = {"ed25519": 64, "mac": 16}
CHECKS = ("batch_check", "request_check", "command_check", "configuration_check", "offer_check")


def load(name: str) -> list[Case]:
    """The cases of one file."""
    content = json.loads((HERE / f"{name}.json").read_text())
    assert content["format"] == name
    cases: list[Case] = content["cases"]
    return cases


def fields(kind: str, body: bytes) -> Case:
    """Cut a body by its layout."""
    values: Case = {}
    at = 0
    for field, size in LAYOUTS[kind]:
        raw = body[at : at + size]
        if field in BYTES:
            values[field] = raw.hex()
        elif field in NAMES:
            values[field] = raw.rstrip(b"\0").decode()
        else:
            values[field] = int.from_bytes(raw, "little", signed=field == "temperature")
        at += size
    values["rest"] = body[at:].hex()
    return values


def authentic(kind: str, case: Case, body: bytes, tag: bytes) -> bool:
    """Whether the case's key made `tag` for `body`, by another library's Ed25519."""
    line = f"condocharge/{kind}/1\n".encode()
    if case["class"] == "mac":
        key = bytes.fromhex(case["unit_key"])
        return hashlib.blake2b(line + body, digest_size=16, key=key).digest() == tag
    public = case.get("unit_public") or case["signing_public"]
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(tag, line + body)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("name", [name for name, _ in write.vectors()])
def test_files_are_what_the_formats_give(name: str) -> None:
    """Writing a file anew changes nothing: a change of format is a change of the vectors."""
    cases = dict(write.vectors())[name]
    assert (HERE / f"{name}.json").read_text() == write.text(name, cases)


def test_no_file_is_left_over() -> None:
    """Every file in the folder is one that the script writes."""
    assert {p.stem for p in HERE.glob("*.json")} == {name for name, _ in write.vectors()}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_layouts(kind: str) -> None:
    """Each field is where the documents' tables put it, and the authentication is over line and body."""
    for case in load(kind):
        body, tag = bytes.fromhex(case["body"]), bytes.fromhex(case["authentication"])
        assert case["message"] == case["body"] + case["authentication"]
        assert len(tag) == SIGNED[case["class"]]
        found = fields(kind, body)
        assert found.pop("version", 1) == 1
        assert found.pop("rest") == case.get("samples", case.get("envelope", ""))
        assert found.pop("zero", 0) == 0
        if "options" in found:
            assert found.pop("options") == case["dhcp"] + 2 * case["always_on"]
        assert found == {name: case[name] for name in found}
        assert authentic(kind, case, body, tag)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_public_keys_belong_to_the_seeds(kind: str) -> None:
    """An implementation that signs with the seed is checked by the public key beside it."""
    for case in load(kind):
        for who in ("unit", "signing"):
            if f"{who}_seed" in case:
                key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(case[f"{who}_seed"]))
                assert key.public_key().public_bytes_raw().hex() == case[f"{who}_public"]


@pytest.mark.parametrize("unit_class", SIGNED)
def test_chain(unit_class: str) -> None:
    """Each batch of a chain names the hash of the whole one before, the first one zeros."""
    chain = sorted(
        (c for c in load("batch") if c["class"] == unit_class and c["chain"] >= 0),
        key=lambda c: int(c["chain"]),
    )
    previous = bytes(32).hex()
    for case in chain:
        assert case["previous"] == previous
        previous = hashlib.blake2b(bytes.fromhex(case["message"]), digest_size=32).hexdigest()
        assert case["hash"] == previous


def test_attestations() -> None:
    """A gateway's attestation is its signature over the line and the whole message."""
    for case in load("attestation"):
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(case["signing_public"]))
        message = bytes.fromhex(case["message"])
        key.verify(bytes.fromhex(case["attestation"]), b"condocharge/attestation/1\n" + message)
        assert case["evidence"] == case["message"] + case["attestation"]


def test_tags_and_sessions() -> None:
    """Network tags, tag hashes and the sessions that requests open are the hashes that the documents say."""
    for case in load("network_tag"):
        text = f"{case['channel']}\n{case['condominium']}".encode()
        assert case["tag"] == hashlib.blake2b(text, digest_size=8).hexdigest()
    for case in load("tag_hash"):
        salt, tag_id = bytes.fromhex(case["salt"]), bytes.fromhex(case["tag_id"])
        assert case["hash"] == hashlib.blake2b(tag_id, digest_size=16, key=salt).hexdigest()
    for case in load("request"):
        text = b"condocharge/request/1\n" + bytes.fromhex(case["body"])
        assert case["session"] == hashlib.sha256(text).hexdigest()


def _verdict(kind: str, case: Case) -> str:
    """The first rule that a message breaks, by the documents; empty where it is accepted."""
    message = bytes.fromhex(case["message"])
    size = SIGNED[case["class"]]
    head = sum(width for _, width in LAYOUTS[kind])
    count = message[84] if kind == "batch" and len(message) > 84 else 0
    envelope = 128 * (kind == "offer" and len(message) >= head + 128 + size)
    body, tag = message[:-size], message[-size:]
    if len(message) < head + size:
        return "length"
    if not authentic(kind, case, body, tag):
        return "length" if len(message) != head + 4 * count + envelope + size else "authentication"
    found = fields(kind, body)
    kinds = {"command": range(4), "request": range(1, 3), "offer": [bool(envelope)]}.get(kind)
    clock_off = abs(found.get("issued", 0) - case.get("clock", 0)) > 120 and case.get("clock_set") == 1
    broken = {
        "version": found["version"] != 1,
        "count": count > 120,
        "reason": found.get("reason", 0) > 6,
        "reserved": found.get("zero", 0) != 0,
        "register": found.get("register", 0) >= 2**53,
        "kind": kinds is not None and found["kind"] not in kinds,
        "options": found.get("options", 0) > 3,
        "unit": found["unit"] != case["unit"],
        "network": "network" in case and found["network"] != case["network"],
        "boot": "boot" in case and found["boot"] != case["boot"],
        "counter": ("last_counter" in case and found["counter"] <= case["last_counter"])
        or ("number" in case and found["number"] != case["number"]),
        "issued": clock_off,
    }
    return next((rule for rule, is_broken in broken.items() if is_broken), "")


@pytest.mark.parametrize("name", CHECKS)
def test_checks(name: str) -> None:
    """Each message that is to be refused breaks exactly the rule that it names; the sound ones break none."""
    verdicts = {case["name"]: _verdict(name.removesuffix("_check"), case) for case in load(name)}
    assert verdicts == {case["name"]: case["why"] for case in load(name)}
    for case in load(name):
        assert case.get("accepted", case.get("obeyed")) == int(not case["why"])


def _envelope_verdict(case: Case) -> str:
    """The first rule that an envelope breaks, by the documents; empty where it is accepted."""
    message = bytes.fromhex(case["message"])
    if len(message) != 128:
        return "length"
    key = {"class": "ed25519", "signing_public": case["firmware_public"]}
    if not authentic("firmware", key, message[:64], message[64:]):
        return "signature"
    found = fields("firmware", message[:64])
    broken = {
        "magic": found["magic"] != b"CCFW".hex(),
        "version": found["format"] != 1,
        "reserved": found["zero"] != 0,
        "board": message[8:24] != case["board"].encode().ljust(16, b"\0"),
        "size": not 0 < found["length"] <= case["most"],
    }
    return next((rule for rule, is_broken in broken.items() if is_broken), "")


def test_envelopes() -> None:
    """Each envelope that is to be refused breaks just the rule that it names; sound ones break none."""
    for case in load("firmware_check"):
        assert _envelope_verdict(case) == case["why"], case["name"]
        assert case["accepted"] == int(not case["why"])
