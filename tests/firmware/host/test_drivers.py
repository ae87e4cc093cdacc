"""What the core has of its own so that small boards need no library: BLAKE2b, DHCP, the tag reader."""

from __future__ import annotations

import hashlib

import pytest

from tests.firmware.host.core import Core

pytestmark = pytest.mark.firmware
ETHERNET = bytes.fromhex("02c0de000007")
LEASE = 3600


@pytest.mark.parametrize("piece", [1, 127, 128, 129, 60_000])
@pytest.mark.parametrize("length", [0, 1, 3, 63, 127, 128, 129, 255, 256, 257, 1000])
def test_blake2b(core: Core, length: int, piece: int) -> None:
    """BLAKE2b is hashlib's for all lengths around a block's, keys and digests, however it is fed."""
    content = bytes(i * 7 & 0xFF for i in range(length))
    for key, size in ((b"", 64), (b"", 32), (b"", 8), (bytes(range(16)), 16), (bytes(range(64)), 64)):
        digest = core.ffi.new("uint8_t[64]")
        core.c.harness_blake2b(key, len(key), content, length, piece, size, digest)
        expected = hashlib.blake2b(content, digest_size=size, key=key).digest()
        assert bytes(core.ffi.buffer(digest, size)) == expected


def _message(core: Core, now: int) -> bytes:
    return core.bytes(lambda buffer: core.c.harness_dhcp_message(now, buffer))


def _options(message: bytes) -> dict[int, bytes]:
    """The options of a DHCP message (RFC 2132)."""
    found, at = {}, 240
    while message[at] != 255:
        if message[at] == 0:
            at += 1
            continue
        length = message[at + 1]
        found[message[at]] = message[at + 2 : at + 2 + length]
        at += 2 + length
    return found


def _reply(kind: int, *, transaction: bytes, address: str = "10.0.0.77", lease: int = LEASE) -> bytes:
    """A server's message (RFC 2131, section 2), with options known to the client and one unknown."""

    def quad(dotted: str) -> bytes:
        return bytes(int(part) for part in dotted.split("."))

    head = bytes((2, 1, 6, 0)) + transaction + bytes(8) + quad(address) + bytes(8) + ETHERNET + bytes(202)
    options = [
        (53, bytes((kind,))), (54, quad("10.0.0.1")), (51, lease.to_bytes(4, "big")), (15, b"example.org"),
        (1, quad("255.255.255.0")), (3, quad("10.0.0.1") + quad("10.0.0.2")), (6, quad("10.0.0.53")),
    ]  # fmt: skip
    body = b"".join(bytes((code, len(value))) + value for code, value in options)
    return head + bytes((99, 130, 83, 99)) + b"\0" + body + b"\xff" + bytes(40)


def _answer(core: Core, message: bytes, now: int) -> bool:
    return bool(core.c.harness_dhcp_answer(message, len(message), now))


def _addresses(core: Core) -> tuple[bool, str]:
    addresses = core.ffi.new("uint8_t[16]")
    bound = core.c.harness_dhcp_bound(addresses)
    return bool(bound), ".".join(str(b) for b in addresses[0:4])


def _bind(core: Core, now: int = 0) -> bytes:
    """Discover, offer, request, acknowledgement; the transaction."""
    core.c.harness_dhcp_start(0x01020304, now)
    discover = _message(core, now)
    assert len(discover) == 300
    assert (discover[0], discover[10], discover[28:34]) == (1, 0x80, ETHERNET)
    assert _options(discover)[53] == b"\x01"
    transaction = discover[4:8]
    assert not _answer(core, _reply(2, transaction=transaction), now + 10)
    request = _message(core, now + 20)
    assert _options(request)[53] == b"\x03"
    assert _options(request)[50] == bytes((10, 0, 0, 77))
    assert _options(request)[54] == bytes((10, 0, 0, 1))
    assert _answer(core, _reply(5, transaction=transaction), now + 30)
    assert _addresses(core) == (True, "10.0.0.77")
    return transaction


def test_dhcp_binds(core: Core) -> None:
    """The four messages give address, mask, router and resolver."""
    _bind(core)


def test_dhcp_renews(core: Core) -> None:
    """At half of the lease the client asks again, and goes on with what it is granted."""
    transaction = _bind(core)
    assert _message(core, (LEASE // 2 - 5) * 1000) == b""
    renewal = _message(core, (LEASE // 2 + 1) * 1000)
    assert _options(renewal)[53] == b"\x03"
    assert renewal[12:16] == bytes((10, 0, 0, 77))
    assert 50 not in _options(renewal)
    assert _answer(core, _reply(5, transaction=transaction), (LEASE // 2 + 2) * 1000)
    assert _message(core, (LEASE // 2 + 60) * 1000) == b""


def test_dhcp_gives_a_lost_lease_up(core: Core) -> None:
    """Unanswered, the address is used to the end of the lease and not a moment longer."""
    _bind(core)
    asked = [second for second in range(0, LEASE - 5, 5) if _message(core, second * 1000)]
    assert len(asked) == 4
    assert _addresses(core)[0]
    again = _message(core, (LEASE + 1) * 1000)
    assert _options(again)[53] == b"\x01"
    assert not _addresses(core)[0]


def test_dhcp_refused_begins_anew(core: Core) -> None:
    """A refusal sends the client back to the beginning."""
    transaction = _bind(core)
    _message(core, (LEASE // 2 + 1) * 1000)
    _answer(core, _reply(6, transaction=transaction), (LEASE // 2 + 2) * 1000)
    assert not _addresses(core)[0]
    assert _options(_message(core, (LEASE // 2 + 3) * 1000))[53] == b"\x01"


def test_dhcp_asks_again_ever_more_slowly(core: Core) -> None:
    """Unanswered questions are repeated after 4, 8, 16 … seconds."""
    core.c.harness_dhcp_start(1, 0)
    asked = [tenth / 10 for tenth in range(600) if _message(core, tenth * 100)]
    assert asked[:4] == [0.0, 4.0, 12.0, 28.0]


def test_dhcp_refuses_strangers(core: Core) -> None:
    """Another transaction, another direction, no cookie, endless options: none of it is believed."""
    core.c.harness_dhcp_start(0x01020304, 0)
    transaction = _message(core, 0)[4:8]
    good = _reply(2, transaction=transaction)
    for bad in (
        _reply(2, transaction=b"\0\0\0\0"),
        b"\x01" + good[1:],
        good[:236] + bytes(4) + good[240:],
        good[:240] + bytes((54, 200)) + bytes(300),
        good[:200],
        b"",
    ):
        _answer(core, bad, 10)
        assert _message(core, 20) == b""
    _answer(core, good, 30)
    assert _options(_message(core, 40))[53] == b"\x03"


ACK = bytes.fromhex("0000ff00ff00")


def _frame(data: bytes) -> bytes:
    """A normal information frame from the reader (UM0701-02, section 6.2.1.1)."""
    length = len(data) + 1
    check = -(0xD5 + sum(data)) & 0xFF
    return bytes((0, 0, 0xFF, length, -length & 0xFF, 0xD5)) + data + bytes((check, 0))


class _Reader:
    """The test's side of the dialogue."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.now = 0
        core.c.harness_pn532_present(1)

    def run(self, milliseconds: int) -> bytes:
        """Let time pass; the id that was read, if any."""
        for _ in range(milliseconds // 10):
            self.now += 10
            buffer = self.core.ffi.new("uint8_t[16]")
            count = self.core.c.harness_pn532(self.now, buffer)
            if count:
                return bytes(self.core.ffi.buffer(buffer, count))
        return b""

    def sent(self) -> bytes:
        return self.core.bytes(self.core.c.harness_pn532_sent)

    def ready(self, content: bytes) -> bytes:
        self.core.c.harness_pn532_ready(content, len(content))
        return self.run(200)

    def list_targets(self) -> None:
        """Past the configuration, to the point where the reader looks for targets."""
        sent = b""
        while not sent:
            self.run(10)
            sent = self.sent()
        assert sent[6:8] == bytes((0x14, 1))
        self.ready(ACK)
        self.ready(_frame(b"\x15"))
        assert self.sent()[6:9] == bytes((0x4A, 1, 0))
        self.ready(ACK)


def _target(uid: bytes, answers_commands: bool = False) -> bytes:
    return _frame(bytes((0x4B, 1, 1, 0x00, 0x04, 0x20 if answers_commands else 0x08, len(uid))) + uid)


@pytest.mark.parametrize("uid", ["04a1b2c3", "04a1b2c3d4e5f6", "00010203040506070809"])
def test_tag_is_read(core: Core, uid: str) -> None:
    """A tag's id of 4, 7 or 10 bytes is read, once, and the reader then looks on."""
    reader = _Reader(core)
    reader.list_targets()
    assert reader.ready(_target(bytes.fromhex(uid))) == bytes.fromhex(uid)
    reader.run(2500)
    assert reader.sent()[6:9] == bytes((0x4A, 1, 0))


def test_phone_is_asked_for_its_application(core: Core) -> None:
    """A phone's random id does not count: the id that its application answers does."""
    reader = _Reader(core)
    reader.list_targets()
    assert reader.ready(_target(bytes.fromhex("08aabbcc"), answers_commands=True)) == b""
    select = reader.sent()
    assert select[6:8] == bytes((0x40, 1))
    assert select[8:19] == bytes.fromhex("00a4040006f0434f4e444f")
    reader.ready(ACK)
    assert reader.ready(_frame(b"\x41\x00" + b"phone-of-seven" + b"\x90\x00")) == b"phone-of-seven"


def test_reader_refuses(core: Core) -> None:
    """Frames with a wrong sum, length or claim give no id."""
    good = _target(bytes.fromhex("04a1b2c3"))
    for bad in (
        good[:-2] + bytes((good[-2] ^ 1,)) + good[-1:],
        good[:3] + bytes((good[3] + 1,)) + good[4:],
        _frame(bytes((0x4B, 1, 1, 0, 4, 8, 11)) + bytes(11)),
        _frame(bytes((0x4B, 1, 1, 0, 4, 8, 9)) + bytes(4)),
        _frame(b"\x4b\x00"),
        bytes(40),
    ):
        reader = _Reader(core)
        reader.list_targets()
        assert reader.ready(bad) == b""


def test_absent_reader_is_looked_for_again(core: Core) -> None:
    """A reader that was not there at the start is found when it comes."""
    reader = _Reader(core)
    core.c.harness_pn532_present(0)
    reader.run(15_000)
    core.c.harness_pn532_present(1)
    reader.list_targets()
