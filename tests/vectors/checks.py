"""The test vectors that say what is accepted and what is refused, and by which rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from chaincode.signing import domain, firmware
from chaincode.signing.offer import Offer
from chaincode.signing.request import RequestKind
from tests.vectors.messages import (
    CLASSES,
    FIRMWARE_PUBLIC,
    FIRMWARE_SECRET,
    IMAGE,
    NETWORK,
    NOON,
    OTHER_MAC_KEY,
    OTHER_NETWORK,
    OTHER_SECRET,
    SIGNING_SECRET,
    Case,
    authenticate,
    example_chain,
    example_command,
    example_configuration,
    example_firmware,
    example_request,
    example_status,
    gateway_keys,
    unit_keys,
)


def _alter(message: bytes, at: int) -> bytes:
    return message[:at] + bytes((message[at] ^ 1,)) + message[at + 1 :]


def _unit_checks(what: str, body: bytes, others: dict[str, bytes], wrong_domain: bytes) -> Iterator[Case]:
    """Checks that batches and requests have in common; `others` are bodies that are authentic but refused."""
    context = domain.BATCH if what == "batch" else domain.REQUEST
    for unit_class in CLASSES:

        def case(
            name: str, why: str, message: bytes, accepted: int = 0, unit_class: str = unit_class
        ) -> Case:
            keys = {k: v for k, v in unit_keys(unit_class).items() if k != "unit_seed"}
            expected: Case = {"unit": 7, "network": NETWORK.hex(), "message": message.hex()}
            return {"name": f"{unit_class}: {name}", **keys, **expected, "accepted": accepted, "why": why}

        good = authenticate(unit_class, body, context)
        foreign = authenticate(unit_class, body, context, secret=OTHER_SECRET, key=OTHER_MAC_KEY)
        other_class = "mac" if unit_class == "ed25519" else "ed25519"
        yield case("sound", "", good, 1)
        for at in (0, 1, 2, 4, 12, 16, 20, 24, len(body) - 1, len(body), len(good) - 1):
            yield case(f"byte {at} altered", "authentication", _alter(good, at))
        yield case("another domain", "authentication", authenticate(unit_class, body, wrong_domain))
        yield case("another unit's key", "authentication", foreign)
        yield case("another class", "length", authenticate(other_class, body, context))
        yield case("cut off", "length", good[:-1])
        yield case("a byte too many", "length", good + b"\0")
        yield case("nothing", "length", b"")
        for why, other in others.items():
            yield case(f"another {why}", why, authenticate(unit_class, other, context))


def batch_checks() -> Iterator[Case]:
    batch = example_chain()[2]
    body = batch.encode()
    others = {
        "unit": replace(batch, unit=8).encode(),
        "network": replace(batch, network=OTHER_NETWORK).encode(),
        "version": b"\x02" + body[1:],
        "reason": body[:85] + b"\x07" + body[86:],
        "reserved": body[:86] + b"\x01\x00" + body[88:],
        "register": body[:24] + (2**53).to_bytes(8, "little") + body[32:],
        "count": body[:84] + b"\x79" + body[85:] + bytes(4 * (121 - len(batch.samples))),
    }
    yield from _unit_checks("batch", body, others, domain.REQUEST)


def request_checks() -> Iterator[Case]:
    request = example_request(RequestKind.TAG)
    body = request.encode()
    others = {
        "unit": replace(request, unit=8).encode(),
        "network": replace(request, network=OTHER_NETWORK).encode(),
        "version": b"\x02" + body[1:],
        "kind": body[:1] + b"\x03" + body[2:],
    }
    yield from _unit_checks("request", body, others, domain.BATCH)


def command_checks() -> Iterator[Case]:
    on = example_command()
    body = on.encode()
    for unit_class in CLASSES:
        make = partial(authenticate, unit_class, context=domain.COMMAND, secret=SIGNING_SECRET)
        good = make(body)
        foreign = authenticate(unit_class, body, domain.COMMAND, secret=OTHER_SECRET, key=OTHER_MAC_KEY)
        other_domain = authenticate(unit_class, body, domain.CONFIGURATION, secret=SIGNING_SECRET)
        other_class = "mac" if unit_class == "ed25519" else "ed25519"
        set_at = {"clock_set": 1, "clock": NOON + 1, "last_counter": 999}
        rows: list[tuple[str, str, bytes, dict[str, int]]] = [
            ("sound", "", good, set_at),
            ("120 s old", "", good, set_at | {"clock": NOON + 120}),
            ("121 s old", "issued", good, set_at | {"clock": NOON + 121}),
            ("120 s ahead", "", good, set_at | {"clock": NOON - 120}),
            ("121 s ahead", "issued", good, set_at | {"clock": NOON - 121}),
            ("any age while the clock is not set", "", good, set_at | {"clock_set": 0, "clock": 12}),
            ("the same counter again", "counter", good, set_at | {"last_counter": 1_000}),
            ("an older counter", "counter", good, set_at | {"last_counter": 1_001}),
            ("an earlier boot", "boot", make(replace(on, boot=2).encode()), set_at),
            ("a later boot", "boot", make(replace(on, boot=4).encode()), set_at),
            ("another unit", "unit", make(replace(on, unit=8).encode()), set_at),
            ("another network", "network", make(replace(on, network=OTHER_NETWORK).encode()), set_at),
            ("another version", "version", make(b"\x02" + body[1:]), set_at),
            ("an unknown kind", "kind", make(body[:1] + b"\x04" + body[2:]), set_at),
            ("another domain", "authentication", other_domain, set_at),
            ("another key", "authentication", foreign, set_at),
            ("another class", "length",
             authenticate(other_class, body, domain.COMMAND, secret=SIGNING_SECRET), set_at),
            ("cut off", "length", good[:-1], set_at),
            ("a byte too many", "length", good + b"\0", set_at),
            ("nothing", "length", b"", set_at),
        ]  # fmt: skip
        altered = (0, 1, 2, 4, 12, 16, 20, 24, 40, 42, 44, len(body), len(good) - 1)
        rows += [(f"byte {at} altered", "authentication", _alter(good, at), set_at) for at in altered]
        keys = {k: v for k, v in gateway_keys(unit_class).items() if k != "signing_seed"}
        for name, why, message, state in rows:
            unit: Case = {"unit": 7, "network": NETWORK.hex(), "boot": 3, **state, "message": message.hex()}
            yield {"name": f"{unit_class}: {name}", **keys, **unit, "obeyed": int(not why), "why": why}


def configuration_checks() -> Iterator[Case]:
    configuration = example_configuration()
    body = configuration.encode()
    for unit_class in CLASSES:
        make = partial(authenticate, unit_class, context=domain.CONFIGURATION, secret=SIGNING_SECRET)
        good = make(body)
        rows = [
            ("sound", "", good),
            ("an earlier boot", "boot", make(replace(configuration, boot=2).encode())),
            ("another unit", "unit", make(replace(configuration, unit=8).encode())),
            ("another version", "version", make(b"\x02" + body[1:])),
            ("unknown options", "options", make(body[:1] + b"\x04" + body[2:])),
            ("another domain", "authentication",
             authenticate(unit_class, body, domain.COMMAND, secret=SIGNING_SECRET)),
            ("another key", "authentication",
             authenticate(unit_class, body, domain.CONFIGURATION, secret=OTHER_SECRET, key=OTHER_MAC_KEY)),
            ("cut off", "length", good[:-1]),
            ("a byte too many", "length", good + b"\0"),
            ("nothing", "length", b""),
        ]  # fmt: skip
        altered = (0, 1, 4, 12, 16, 24, 48, 88, len(body), len(good) - 1)
        rows += [(f"byte {at} altered", "authentication", _alter(good, at)) for at in altered]
        keys = {k: v for k, v in gateway_keys(unit_class).items() if k != "signing_seed"}
        for name, why, message in rows:
            unit: Case = {"unit": 7, "boot": 3, "message": message.hex()}
            yield {"name": f"{unit_class}: {name}", **keys, **unit, "accepted": int(not why), "why": why}


def firmware_checks() -> Iterator[Case]:
    """Envelopes as a unit of board `host` whose slot holds 4,096 bytes judges them."""
    example = example_firmware()
    header = example.encode()

    def sign(body: bytes, secret: bytes = FIRMWARE_SECRET, context: bytes = domain.FIRMWARE) -> bytes:
        return body + domain.sign(secret, context, body)

    good = sign(header)
    rows = [
        ("sound", "", good),
        ("the longest image", "", sign(replace(example, length=4_096).encode())),
        ("an image too long", "size", sign(replace(example, length=4_097).encode())),
        ("no image", "size", sign(header[:28] + bytes(4) + header[32:])),
        ("another magic", "magic", sign(b"CCFV" + header[4:])),
        ("another format", "version", sign(header[:4] + b"\x02" + header[5:])),
        ("reserved bytes", "reserved", sign(header[:7] + b"\x01" + header[8:])),
        ("another board", "board", sign(replace(example, board="hosts").encode())),
        ("a board's name with something behind it", "board", sign(header[:23] + b"x" + header[24:])),
        ("another key", "signature", sign(header, OTHER_SECRET)),
        ("the condominium's signing key", "signature", sign(header, SIGNING_SECRET)),
        ("another domain", "signature", sign(header, context=domain.OFFER)),
        ("cut off", "length", good[:-1]),
        ("a byte too many", "length", good + b"\0"),
        ("nothing", "length", b""),
    ]
    altered = (0, 4, 7, 8, 24, 27, 28, 32, 63, 64, 127)
    rows += [(f"byte {at} altered", "signature", _alter(good, at)) for at in altered]
    for name, why, message in rows:
        yield {
            "name": name, "firmware_public": FIRMWARE_PUBLIC.hex(), "board": "host", "most": 4_096,
            "message": message.hex(), "accepted": int(not why), "why": why,
        }  # fmt: skip


def offer_checks() -> Iterator[Case]:
    status = example_status()
    envelope = firmware.sign_firmware(firmware.describe("host", 0x01020003, IMAGE), FIRMWARE_SECRET)
    body = Offer(status, envelope).encode()
    for unit_class in CLASSES:
        make = partial(authenticate, unit_class, context=domain.OFFER, secret=SIGNING_SECRET)
        good = make(body)
        rows = [
            ("an image", "", good),
            ("nothing", "", make(Offer(status).encode())),
            ("of an earlier boot", "boot", make(Offer(replace(status, boot=2), envelope).encode())),
            ("to an earlier question", "counter", make(Offer(replace(status, number=1), envelope).encode())),
            ("another unit", "unit", make(Offer(replace(status, unit=8), envelope).encode())),
            ("another network", "network",
             make(Offer(replace(status, network=OTHER_NETWORK), envelope).encode())),
            ("another version", "version", make(b"\x02" + body[1:])),
            ("nothing with an image", "kind", make(body[:1] + b"\x00" + body[2:])),
            ("an image without one", "kind", make(body[:1] + b"\x01" + body[2:20])),
            ("another domain", "authentication",
             authenticate(unit_class, body, domain.COMMAND, secret=SIGNING_SECRET)),
            ("another key", "authentication",
             authenticate(unit_class, body, domain.OFFER, secret=OTHER_SECRET, key=OTHER_MAC_KEY)),
            ("cut off", "length", good[:-1]),
            ("a byte too many", "length", good + b"\0"),
            ("nothing at all", "length", b""),
        ]  # fmt: skip
        altered = (0, 1, 2, 4, 12, 16, 20, 147, len(body), len(good) - 1)
        rows += [(f"byte {at} altered", "authentication", _alter(good, at)) for at in altered]
        keys = {k: v for k, v in gateway_keys(unit_class).items() if k != "signing_seed"}
        for name, why, message in rows:
            unit: Case = {"unit": 7, "network": NETWORK.hex(), "boot": 3, "number": 2}
            sent: Case = {"message": message.hex(), "accepted": int(not why), "why": why}
            yield {"name": f"{unit_class}: {name}", **keys, **unit, **sent}
