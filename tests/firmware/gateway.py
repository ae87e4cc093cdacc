"""A gateway of the tests' own: it checks all that a unit sends, by `chaincode.signing`, and can misbehave."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from nacl.bindings import crypto_sign_seed_keypair

from chaincode.signing import batch, configuration, domain, request
from chaincode.signing.batch import Batch
from chaincode.signing.command import Command, CommandKind
from chaincode.signing.firmware import ENVELOPE_BYTES
from chaincode.signing.offer import Offer
from chaincode.signing.status import UnitStatus, decode_status

NETWORK = domain.network_tag("condocharge", "aurora")
MAC_KEY = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
SIGNING_PUBLIC, SIGNING_SECRET = crypto_sign_seed_keypair(bytes(range(32)))
SALT = bytes(range(64, 96))
NOON = 1_767_268_800
SESSION = bytes.fromhex("3d7b86937810e9c92f0d555f3239001b")
OTHER_SESSION = bytes.fromhex("aa7b86937810e9c92f0d555f323900bb")
_QUESTION = re.compile(
    rb"(GET|POST) /v1/units/(\d+)/(configuration|readings|requests|firmware)\?(boot|wait|image)=([0-9a-f]+)"
    rb"(?:&from=(\d+)&count=(\d+))? HTTP/1\.0\r\n"
    rb"Host: ([^\r\n]+)\r\n(?:Content-Type: application/octet-stream\r\nContent-Length: (\d+)\r\n)?\r\n"
)


class Refused(AssertionError):
    """A unit sent something that no gateway would accept."""


@dataclass
class Gateway:
    """The state of one unit as its gateway knows it; `clock` gives Unix seconds."""

    unit_class: str
    clock: Callable[[], int]
    unit: int = 7
    public_key: bytes = b""
    transmission: int = 60
    sampling: int = 10
    maximum: int = 160
    fallback: int = 0
    voltage: int = 2300
    always_on: bool = False
    port: int = 8080
    server: str = "127.0.0.1"
    time_server: str = "127.0.0.1"
    boot: int = 0
    counter: int = 1000
    stored: dict[int, Batch] = field(default_factory=dict)
    messages: dict[int, bytes] = field(default_factory=dict)
    requests: list[request.StartRequest] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)
    configured: int = 0
    addresses: dict[str, object] = field(default_factory=dict)
    """Of a configuration without DHCP."""
    order: tuple[CommandKind, bytes, int, int] | None = None
    """What to answer instead of ACKNOWLEDGE: kind, session, grant, current."""
    acknowledges: bool = True
    statuses: list[UnitStatus] = field(default_factory=list)
    firmware: bytes = b""
    """Envelope and image to offer."""
    fetched: list[tuple[int, int]] = field(default_factory=list)
    """Where each piece of an image began, and its length."""

    @property
    def tag_bytes(self) -> int:
        return domain.SIGNATURE_BYTES if self.unit_class == "ed25519" else domain.MAC_BYTES

    @property
    def batches(self) -> list[Batch]:
        """What was stored, in order of number."""
        return [self.stored[number] for number in sorted(self.stored)]

    def on(self, session: bytes = SESSION, grant: int = 600, current: int = 0) -> None:
        """Answer ON from now on."""
        self.order = (CommandKind.ON, session, grant, current)

    def off(self, session: bytes = SESSION) -> None:
        self.order = (CommandKind.OFF, session, 0, 0)

    def end(self, session: bytes = SESSION) -> None:
        self.order = (CommandKind.END, session, 0, 0)

    def hears(self, context: bytes, message: bytes) -> bytes:
        """The body of an authentic message. Raises Refused."""
        body, tag = message[: -self.tag_bytes], message[-self.tag_bytes :]
        if self.unit_class == "ed25519":
            authentic = domain.verifies(self.public_key, context, body, tag)
        else:
            authentic = domain.authenticates(MAC_KEY, context, body, tag)
        if not authentic:
            raise Refused(f"not authentic: {message.hex()}")
        return body

    def take_batches(self, content: bytes) -> list[Batch]:
        """Check, split and store one POST of readings. Raises Refused."""
        taken = []
        while content:
            length = batch.body_length(content) + self.tag_bytes
            message, content = content[:length], content[length:]
            taken.append(self.take_batch(message))
        return taken

    def take_batch(self, message: bytes) -> Batch:
        """Check one batch against all that came before it, and store it. Raises Refused."""
        reading = batch.decode_batch(self.hears(domain.BATCH, message))
        if reading.unit != self.unit or reading.network != NETWORK:
            raise Refused(f"of unit {reading.unit}")
        if self.messages.get(reading.number, message) != message:
            raise Refused(f"number {reading.number} came with two contents")
        before = [b for b in self.stored.values() if b.number < reading.number]
        after = [b for b in self.stored.values() if b.number > reading.number]
        if any(b.register > reading.register or b.boot > reading.boot for b in before):
            raise Refused(f"number {reading.number}: its register or boot is below an earlier one")
        if any(b.register < reading.register or b.boot < reading.boot for b in after):
            raise Refused(f"number {reading.number}: its register or boot is above a later one")
        previous = self.messages.get(reading.number - 1)
        same_start = (
            previous is not None and self.stored.get(reading.number - 1, reading).boot == reading.boot
        )
        if previous is not None and same_start and reading.previous != batch.batch_hash(previous):
            raise Refused(f"number {reading.number} does not chain")
        if self.acknowledges:
            self.stored[reading.number] = reading
            self.messages[reading.number] = message
            self.boot = max(self.boot, reading.boot)
        return reading

    def authenticate(self, context: bytes, body: bytes) -> bytes:
        """`body` with the authentication that this unit's class asks of its gateway."""
        if self.unit_class == "ed25519":
            return body + domain.sign(SIGNING_SECRET, context, body)
        return body + domain.mac(MAC_KEY, context, body)

    def command(self, **changes: object) -> bytes:
        """The next command's message; `changes` replace fields of it."""
        self.counter += 1
        kind, session, grant, current = self.order or (CommandKind.ACKNOWLEDGE, bytes(16), 0, 0)
        fields: dict[str, object] = {
            "kind": kind, "unit": self.unit, "network": NETWORK, "boot": self.boot, "counter": self.counter,
            "issued": self.clock(), "session": session, "grant": grant, "current": current,
            "acknowledged": max(self.stored, default=0),
        }  # fmt: skip
        return self.authenticate(domain.COMMAND, Command(**(fields | changes)).encode())  # type: ignore[arg-type]

    def configuration(self, boot: int, **changes: object) -> bytes:
        """The configuration's message for a unit that started `boot` times."""
        fields: dict[str, object] = {
            "unit": self.unit, "network": NETWORK, "boot": boot, "issued": self.clock(),
            "transmission": self.transmission, "sampling": self.sampling, "maximum": self.maximum,
            "fallback": self.fallback, "voltage": self.voltage, "port": self.port, "server": self.server,
            "time_server": self.time_server, "always_on": self.always_on,
        }  # fmt: skip
        made = configuration.Configuration(**(fields | self.addresses | changes))  # type: ignore[arg-type]
        return self.authenticate(domain.CONFIGURATION, made.encode())

    def offer(self, content: bytes) -> bytes:
        """The answer to a status: the image that there is, where the unit can use it."""
        status = decode_status(self.hears(domain.STATUS, content))
        if status.unit != self.unit or status.network != NETWORK:
            raise Refused(f"a status of unit {status.unit}")
        self.statuses.append(status)
        takes = self.firmware and status.updates
        envelope = self.firmware[:ENVELOPE_BYTES] if takes else b""
        return self.authenticate(domain.OFFER, Offer(status, envelope).encode())

    def piece(self, image: bytes, begin: int, count: int) -> bytes:
        """A piece of the image. Raises Refused where there is none of that name or so long."""
        if image != self.firmware[32:48]:
            raise Refused(f"no image {image.hex()}")
        piece = self.firmware[ENVELOPE_BYTES + begin :][:count]
        if len(piece) != count:
            raise Refused(f"no {count} bytes at {begin}")
        self.fetched.append((begin, count))
        return piece

    def answer(self, question: bytes) -> bytes:
        """The whole HTTP answer to a whole HTTP question. Raises Refused."""
        match = _QUESTION.match(question)
        if match is None:
            raise Refused(f"no question: {question[:200]!r}")
        method, unit, what, name, value, begin, count, _, length = match.groups()
        content = question[match.end() :]
        if int(unit) != self.unit or (length and int(length) != len(content)):
            raise Refused(f"wrong unit or length: {question[:200]!r}")
        if (method, what, name) == (b"GET", b"configuration", b"boot"):
            self.configured += 1
            return http(self.configuration(int(value)))
        if (method, what, name) == (b"GET", b"firmware", b"image"):
            return http(self.piece(bytes.fromhex(value.decode()), int(begin), int(count)))
        if (what, name) == (b"firmware", b"boot"):
            return http(self.offer(content))
        self.waits.append(int(value))
        if what == b"readings":
            self.take_batches(content)
        else:
            self.requests.append(request.decode_request(self.hears(domain.REQUEST, content)))
        return http(self.command())


def http(body: bytes, status: str = "200 OK") -> bytes:
    """An answer as a common server sends it."""
    head = f"HTTP/1.1 {status}\r\ndate: Thu, 01 Jan 2026 12:00:00 GMT\r\nserver: uvicorn\r\n"
    return (
        f"{head}content-length: {len(body)}\r\ncontent-type: application/octet-stream\r\n\r\n".encode() + body
    )


def identity(
    unit_class: str, *, unit: int = 7, seed: bytes = bytes(32), gain: int = 75_753, noise: int = 21,
    starting: int = 200, sensor: int = 1, hold: int = 25, port: int = 8080, server: str = "127.0.0.1",
) -> bytes:  # fmt: skip
    """The provisioned start of persistent memory: the table of firmware/core/identity.h."""
    ed25519 = unit_class == "ed25519"
    body = struct.pack(
        "<2sBBH8s32s32s32sBBIHH6sH40s", b"CU", 1, ed25519, unit, NETWORK, SALT,
        seed if ed25519 else MAC_KEY, SIGNING_PUBLIC if ed25519 else bytes(32), sensor, hold, gain, noise,
        starting, bytes.fromhex("02c0de000007"), port, server.encode(),
    )  # fmt: skip
    return body + struct.pack("<I", zlib.crc32(body))
