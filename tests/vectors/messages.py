"""The keys, batches, commands, configurations and start requests of the test vectors, and their cases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from nacl.bindings import crypto_sign_seed_keypair

from chaincode.signing import batch as batches
from chaincode.signing import domain, firmware
from chaincode.signing import request as requests
from chaincode.signing.batch import Batch, Flag, Reason, Sample
from chaincode.signing.command import Command, CommandKind
from chaincode.signing.configuration import Configuration
from chaincode.signing.firmware import Firmware
from chaincode.signing.offer import Offer
from chaincode.signing.request import RequestKind, StartRequest
from chaincode.signing.status import UnitStatus

Case = dict[str, str | int]

CHANNEL = "condocharge"
CONDOMINIUM = "aurora"
NETWORK = domain.network_tag(CHANNEL, CONDOMINIUM)
OTHER_NETWORK = domain.network_tag(CHANNEL, "boreal")
NOON = 1_767_268_800
"""2026-01-01 12:00:00 UTC."""


def seed(name: str) -> bytes:
    return hashlib.sha256(f"test vector: {name}".encode()).digest()


UNIT_SEED = seed("unit")
UNIT_PUBLIC, UNIT_SECRET = crypto_sign_seed_keypair(UNIT_SEED)
OTHER_SECRET = crypto_sign_seed_keypair(seed("another unit"))[1]
SIGNING_SEED = seed("condominium")
SIGNING_PUBLIC, SIGNING_SECRET = crypto_sign_seed_keypair(SIGNING_SEED)
MAC_KEY = seed("mac")[: domain.MAC_KEY_BYTES]
OTHER_MAC_KEY = seed("another mac")[: domain.MAC_KEY_BYTES]
SESSION = hashlib.sha256(b"test vector: session").digest()[: batches.SESSION_BYTES]

CLASSES = ("ed25519", "mac")


def unit_keys(unit_class: str) -> Case:
    """The keys of a message that a unit makes."""
    if unit_class == "ed25519":
        return {"class": unit_class, "unit_seed": UNIT_SEED.hex(), "unit_public": UNIT_PUBLIC.hex()}
    return {"class": unit_class, "unit_key": MAC_KEY.hex()}


def gateway_keys(unit_class: str) -> Case:
    """The keys of a message that a gateway makes."""
    if unit_class == "ed25519":
        return {
            "class": unit_class,
            "signing_seed": SIGNING_SEED.hex(),
            "signing_public": SIGNING_PUBLIC.hex(),
        }
    return {"class": unit_class, "unit_key": MAC_KEY.hex()}


def authenticate(
    unit_class: str, body: bytes, context: bytes, *, secret: bytes = UNIT_SECRET, key: bytes = MAC_KEY
) -> bytes:
    if unit_class == "ed25519":
        return body + domain.sign(secret, context, body)
    return body + domain.mac(key, context, body)


# Batches


def example_chain() -> list[Batch]:
    """A session's batches in order: started, begun, measured, ended; `previous` is filled in later."""
    measured = Flag.CLOSED | Flag.CONNECTED | Flag.MEASURED_VOLTAGE
    first = Batch(
        unit=7,
        network=NETWORK,
        boot=3,
        number=41,
        time=NOON,
        register=1_234_567_890,
        session=batches.NO_SESSION,
        previous=batches.NO_BATCH,
        period=10,
        flags=Flag(0),
        temperature=21,
        humidity=48,
        reason=Reason.NONE,
        samples=(),
    )
    begin = replace(first, number=42, time=NOON + 13, session=SESSION, flags=Flag.BEGIN | measured)
    charging = replace(
        begin,
        number=43,
        time=NOON + 60,
        register=1_234_567_890 + 43_155,
        flags=measured,
        samples=(Sample(0, 2304), Sample(14_870, 2298), Sample(15_990, 2296), Sample(16_012, 2297)),
    )
    full = replace(
        charging,
        number=48,
        time=NOON + 420,
        register=1_234_567_890 + 405_712,
        flags=measured | Flag.COMPLETE,
        temperature=-7,
        samples=tuple(Sample(16_000 - 130 * i, 2_300 + i % 5) for i in range(batches.MAX_SAMPLES)),
    )
    end = replace(
        full,
        number=49,
        time=NOON + 431,
        register=1_234_567_890 + 405_713,
        flags=Flag.END | Flag.CONNECTED,
        temperature=22,
        reason=Reason.COMMAND,
        samples=(Sample(0, 2_300),),
    )
    return [first, begin, charging, full, end]


def _extremes() -> Batch:
    """Every field at the end of its range."""
    return Batch(
        unit=65_535,
        network=OTHER_NETWORK,
        boot=2**32 - 1,
        number=2**32 - 1,
        time=2**32 - 1,
        register=2**53 - 1,
        session=b"\xff" * 16,
        previous=b"\xff" * 32,
        period=65_535,
        flags=Flag(255),
        temperature=batches.NO_TEMPERATURE,
        humidity=batches.NO_HUMIDITY,
        reason=Reason.NO_CURRENT,
        samples=(Sample(65_535, 65_535),),
    )


def _batch_case(name: str, unit_class: str, batch: Batch, chain: int) -> Case:
    body = batch.encode()
    message = authenticate(unit_class, body, domain.BATCH)
    return {
        "name": name,
        **unit_keys(unit_class),
        "chain": chain,
        "flags": int(batch.flags),
        "unit": batch.unit,
        "network": batch.network.hex(),
        "boot": batch.boot,
        "number": batch.number,
        "time": batch.time,
        "register": batch.register,
        "session": batch.session.hex(),
        "previous": batch.previous.hex(),
        "period": batch.period,
        "temperature": batch.temperature,
        "humidity": batch.humidity,
        "count": len(batch.samples),
        "reason": int(batch.reason),
        "samples": body[batches.HEADER_BYTES :].hex(),
        "body": body.hex(),
        "authentication": message[len(body) :].hex(),
        "message": message.hex(),
        "hash": batches.batch_hash(message).hex(),
    }


def batch_cases() -> Iterator[Case]:
    names = ("after a start", "begin", "charging", "as many samples as there may be, complete", "end")
    for unit_class in CLASSES:
        previous = batches.NO_BATCH
        for place, (name, batch) in enumerate(zip(names, example_chain(), strict=True)):
            case = _batch_case(f"{unit_class}: {name}", unit_class, replace(batch, previous=previous), place)
            previous = bytes.fromhex(str(case["hash"]))
            yield case
        yield _batch_case(f"{unit_class}: the ends of all ranges", unit_class, _extremes(), -1)


def attestation_cases() -> Iterator[Case]:
    message = authenticate("mac", example_chain()[2].encode(), domain.BATCH)
    request = authenticate("mac", example_request(RequestKind.TAG).encode(), domain.REQUEST)
    for name, evidence in (("a batch", message), ("a start request", request)):
        attestation = batches.attest(evidence, SIGNING_SECRET)
        yield {
            "name": name,
            "signing_seed": SIGNING_SEED.hex(),
            "signing_public": SIGNING_PUBLIC.hex(),
            "message": evidence.hex(),
            "attestation": attestation.hex(),
            "evidence": (evidence + attestation).hex(),
        }


# Commands, configurations and requests


def example_command(kind: CommandKind = CommandKind.ON) -> Command:
    return Command(
        kind=kind,
        unit=7,
        network=NETWORK,
        boot=3,
        counter=1_000,
        issued=NOON,
        session=batches.NO_SESSION if kind is CommandKind.ACKNOWLEDGE else SESSION,
        grant=180 if kind is CommandKind.ON else 0,
        current=160 if kind is CommandKind.ON else 0,
        acknowledged=42,
    )


def command_cases() -> Iterator[Case]:
    most = Command(
        CommandKind.ON, 65_535, OTHER_NETWORK, 2**32 - 1, 2**32 - 1, 2**32 - 1, b"\xff" * 16, 65_535, 65_535,
        2**32 - 1,
    )  # fmt: skip
    for unit_class in CLASSES:
        for name, command in [(kind.name.lower(), example_command(kind)) for kind in CommandKind] + [
            ("most", most)
        ]:
            body = command.encode()
            message = authenticate(unit_class, body, domain.COMMAND, secret=SIGNING_SECRET)
            yield {
                "name": f"{unit_class}: {name}",
                **gateway_keys(unit_class),
                "kind": int(command.kind),
                "unit": command.unit,
                "network": command.network.hex(),
                "boot": command.boot,
                "counter": command.counter,
                "issued": command.issued,
                "session": command.session.hex(),
                "grant": command.grant,
                "current": command.current,
                "acknowledged": command.acknowledged,
                "body": body.hex(),
                "authentication": message[len(body) :].hex(),
                "message": message.hex(),
            }


def example_configuration() -> Configuration:
    return Configuration(
        unit=7,
        network=NETWORK,
        boot=3,
        issued=NOON,
        transmission=60,
        sampling=10,
        maximum=160,
        fallback=60,
        voltage=2_300,
        port=8_080,
        server="gateway.aurora.example",
        time_server="192.0.2.123",
    )


def configuration_cases() -> Iterator[Case]:
    fixed = replace(
        example_configuration(),
        dhcp=False,
        always_on=True,
        fallback=0,
        server="s" * 39,
        address=bytes((192, 0, 2, 7)),
        mask=bytes((255, 255, 255, 0)),
        router=bytes((192, 0, 2, 1)),
        resolver=bytes((192, 0, 2, 53)),
    )
    for unit_class in CLASSES:
        for name, configuration in (
            ("addresses by DHCP", example_configuration()),
            ("fixed addresses", fixed),
        ):
            body = configuration.encode()
            message = authenticate(unit_class, body, domain.CONFIGURATION, secret=SIGNING_SECRET)
            yield {
                "name": f"{unit_class}: {name}",
                **gateway_keys(unit_class),
                "dhcp": int(configuration.dhcp),
                "always_on": int(configuration.always_on),
                "unit": configuration.unit,
                "network": configuration.network.hex(),
                "boot": configuration.boot,
                "issued": configuration.issued,
                "transmission": configuration.transmission,
                "sampling": configuration.sampling,
                "maximum": configuration.maximum,
                "fallback": configuration.fallback,
                "voltage": configuration.voltage,
                "port": configuration.port,
                "address": configuration.address.hex(),
                "mask": configuration.mask.hex(),
                "router": configuration.router.hex(),
                "resolver": configuration.resolver.hex(),
                "server": configuration.server,
                "time_server": configuration.time_server,
                "body": body.hex(),
                "authentication": message[len(body) :].hex(),
                "message": message.hex(),
            }


# Firmware: statuses, offers and envelopes

FIRMWARE_SEED = seed("firmware")
FIRMWARE_PUBLIC, FIRMWARE_SECRET = crypto_sign_seed_keypair(FIRMWARE_SEED)
IMAGE = bytes(range(256)) * 4


def example_firmware() -> Firmware:
    return firmware.describe("host", firmware.version_number("1.2.3"), IMAGE)


def firmware_cases() -> Iterator[Case]:
    for name, made in (
        ("an image", example_firmware()),
        ("the ends of all ranges", Firmware("b" * 15, 2**32 - 1, firmware.MAX_IMAGE_BYTES, b"\xff" * 32)),
    ):
        body = made.encode()
        envelope = firmware.sign_firmware(made, FIRMWARE_SECRET)
        yield {
            "name": name,
            "class": "ed25519",
            "signing_seed": FIRMWARE_SEED.hex(),
            "signing_public": FIRMWARE_PUBLIC.hex(),
            "magic": b"CCFW".hex(),
            "format": 1,
            "board": made.board,
            "firmware": made.version,
            "length": made.length,
            "digest": made.hash.hex(),
            "body": body.hex(),
            "authentication": envelope[len(body) :].hex(),
            "message": envelope.hex(),
        }


def example_status() -> UnitStatus:
    return UnitStatus(
        unit=7, network=NETWORK, boot=3, number=2, firmware=firmware.version_number("1.0.0"), board="host",
        updates=True,
    )  # fmt: skip


def status_cases() -> Iterator[Case]:
    fallen = replace(example_status(), updates=False, failed=firmware.version_number("1.0.1"), falls=2)
    for unit_class in CLASSES:
        for name, status in (("takes images", example_status()), ("fell back", fallen)):
            body = status.encode()
            message = authenticate(unit_class, body, domain.STATUS)
            yield {
                "name": f"{unit_class}: {name}",
                **unit_keys(unit_class),
                "flags": int(status.updates),
                "unit": status.unit,
                "network": status.network.hex(),
                "boot": status.boot,
                "number": status.number,
                "firmware": status.firmware,
                "failed": status.failed,
                "falls": status.falls,
                "board": status.board,
                "body": body.hex(),
                "authentication": message[len(body) :].hex(),
                "message": message.hex(),
            }


def offer_cases() -> Iterator[Case]:
    envelope = firmware.sign_firmware(example_firmware(), FIRMWARE_SECRET)
    for unit_class in CLASSES:
        for name, offer in (
            ("nothing", Offer(example_status())),
            ("an image", Offer(example_status(), envelope)),
        ):
            body = offer.encode()
            message = authenticate(unit_class, body, domain.OFFER, secret=SIGNING_SECRET)
            yield {
                "name": f"{unit_class}: {name}",
                **gateway_keys(unit_class),
                "kind": int(bool(offer.envelope)),
                "unit": offer.status.unit,
                "network": offer.status.network.hex(),
                "boot": offer.status.boot,
                "number": offer.status.number,
                "envelope": offer.envelope.hex(),
                "body": body.hex(),
                "authentication": message[len(body) :].hex(),
                "message": message.hex(),
            }


def example_request(kind: RequestKind) -> StartRequest:
    tag = requests.tag_hash(seed("salt"), bytes.fromhex("04a1b2c3d4e5f6"))
    return StartRequest(
        kind=kind,
        unit=7,
        network=NETWORK,
        boot=3,
        number=2,
        time=NOON,
        tag=tag if kind is RequestKind.TAG else bytes(requests.TAG_BYTES),
    )


def request_cases() -> Iterator[Case]:
    for unit_class in CLASSES:
        for kind in RequestKind:
            request = example_request(kind)
            body = request.encode()
            message = authenticate(unit_class, body, domain.REQUEST)
            yield {
                "name": f"{unit_class}: {kind.name.lower().replace('_', ' ')}",
                **unit_keys(unit_class),
                "kind": int(kind),
                "unit": request.unit,
                "network": request.network.hex(),
                "boot": request.boot,
                "number": request.number,
                "time": request.time,
                "tag": request.tag.hex(),
                "body": body.hex(),
                "authentication": message[len(body) :].hex(),
                "message": message.hex(),
                "session": requests.session_of_request(body),
            }
