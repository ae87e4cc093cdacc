"""What strangers send: HTTP heads, time servers' packets, resolvers' packets, a sensor's pulses."""

from __future__ import annotations

import pytest

from tests.firmware.gateway import http
from tests.firmware.host.core import HTTP_DONE, HTTP_REFUSED, Core

pytestmark = pytest.mark.firmware
BODY = bytes(range(64))


def _http(core: Core, answer: bytes, piece: int) -> tuple[int, bytes]:
    body, length = core.ffi.new("uint8_t[256]"), core.ffi.new("uint16_t *")
    state = core.c.harness_http(answer, len(answer), piece, body, length)
    return int(state), bytes(core.ffi.buffer(body, length[0]))


@pytest.mark.parametrize("piece", [1, 3, 32, 4096])
@pytest.mark.parametrize(
    "answer",
    [
        http(BODY),
        b"HTTP/1.0 200 OK\nContent-Length:64\n\n" + BODY,
        b"HTTP/1.1 200 \r\nCONTENT-LENGTH:   64  \r\nX-Content-Length: 7\r\nContent-Length-Not: 9\r\n\r\n"
        + BODY,
    ],
    ids=["uvicorn", "bare", "capitals and near names"],
)
def test_http_answer(core: Core, answer: bytes, piece: int) -> None:
    """An answer is read whole, however it is cut into pieces."""
    assert _http(core, answer, piece) == (HTTP_DONE, BODY)


@pytest.mark.parametrize(
    "answer",
    [
        http(BODY, "404 Not Found"),
        http(BODY, "2000 OK"),
        http(BODY, "20 OK"),
        http(BODY + bytes(200)),
        http(BODY) + b"x",
        http(BODY).replace(b"HTTP/1.1", b"HTTP/2.0"),
        http(BODY).replace(b"content-length: 64", b"content-length: 64x"),
        http(BODY).replace(b"content-length: 64", b"content-length: -1"),
        http(BODY).replace(b"content-length: 64", b"content-length:"),
        http(BODY).replace(b"content-length: 64", b"content-length: 999999999999999999999"),
        http(BODY).replace(b"content-length: 64", b"content-length: 64\r\ncontent-length: 64"),
        http(BODY).replace(b"server", b"transfer-encoding: chunked\r\nserver"),
        http(BODY).replace(b"content-length: 64\r\n", b""),
        http(BODY).replace(b"server: uvicorn", b"no colon"),
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500 + b"content-length: 64\r\n\r\n" + BODY,
    ],
)
def test_http_refuses(core: Core, answer: bytes) -> None:
    """Anything but a short 200 with one plain length is refused."""
    for piece in (1, 7, 4096):
        assert _http(core, answer, piece)[0] == HTTP_REFUSED


def _sntp(core: Core, packet: bytes, nonce: int) -> int | None:
    seconds = core.ffi.new("uint32_t *")
    return int(seconds[0]) if core.c.harness_sntp(packet, len(packet), nonce, seconds) else None


def _time_packet(core: Core, nonce: int, ntp_seconds: int) -> bytearray:
    """A server's answer to the question with `nonce` (RFC 4330, section 4)."""
    asked = core.ffi.new("uint8_t[48]")
    core.c.sntp_ask(asked, nonce)
    answer = bytearray(48)
    answer[0], answer[1] = 0x24, 2
    answer[24:32] = bytes(core.ffi.buffer(asked))[40:48]
    answer[40:44] = ntp_seconds.to_bytes(4, "big")
    return answer


@pytest.mark.parametrize("unix", [1_767_268_800, 2_085_978_497, 2_200_000_000])
def test_sntp(core: Core, unix: int) -> None:
    """A time server's seconds become Unix time, before and after NTP's seconds wrap in 2036."""
    packet = _time_packet(core, 12345, (unix + 2_208_988_800) % 2**32)
    assert _sntp(core, bytes(packet), 12345) == unix


def test_sntp_refuses(core: Core) -> None:
    """An answer to another question, from an unsynchronised server, too short or from the past is none."""
    good = _time_packet(core, 12345, 3_976_257_600)
    assert _sntp(core, bytes(good), 12346) is None
    assert _sntp(core, bytes(good[:47]), 12345) is None
    for at, value in ((0, 0xE4), (0, 0x23), (1, 0), (1, 16)):
        bad = bytearray(good)
        bad[at] = value
        assert _sntp(core, bytes(bad), 12345) is None
    assert _sntp(core, bytes(_time_packet(core, 12345, 2_208_988_801)), 12345) is None


def _dns_question(core: Core, host: str) -> bytes:
    return core.bytes(lambda buffer: core.c.dns_ask(buffer, host.encode(), 0xBEEF))


def test_dns_question(core: Core) -> None:
    """A name becomes a standard question for an A record (RFC 1035, section 4.1)."""
    expected = bytes.fromhex("beef01000001000000000000") + b"\x07gateway\x07example\x00" + bytes((0, 1, 0, 1))
    assert _dns_question(core, "gateway.example") == expected
    assert _dns_question(core, "a..b") == b""
    assert _dns_question(core, "") == b""


def _dns(core: Core, packet: bytes) -> str | None:
    address = core.ffi.new("uint8_t[4]")
    found = core.c.harness_dns(packet, len(packet), 0xBEEF, address)
    return ".".join(str(b) for b in address) if found else None


def test_dns_answer(core: Core) -> None:
    """The first address is found behind an alias, and no cut-off packet is read past its end."""
    question = bytearray(_dns_question(core, "gateway.example"))
    question[2:4] = b"\x81\x80"
    question[6:8] = b"\x00\x02"
    alias = b"\xc0\x0c" + bytes((0, 5, 0, 1)) + bytes(4) + b"\x00\x05\x02gw\xc0\x14"
    address = b"\xc0\x2d" + bytes((0, 1, 0, 1)) + bytes(4) + b"\x00\x04\xc0\x00\x02\x07"
    packet = bytes(question) + alias + address
    assert _dns(core, packet) == "192.0.2.7"
    assert all(_dns(core, packet[:length]) is None for length in range(len(packet)))


@pytest.mark.parametrize(
    ("host", "address"),
    [("192.0.2.7", "192.0.2.7"), ("255.255.255.255", "255.255.255.255"), ("256.1.1.1", None), ("1.2.3", None),
     ("1.2.3.4.5", None), ("gateway", None), ("1.2.3.4x", None), ("", None), ("1..2.3", None)],
)  # fmt: skip
def test_dotted_address(core: Core, host: str, address: str | None) -> None:
    """Dotted addresses are told from names."""
    made = core.ffi.new("uint8_t[4]")
    found = core.c.harness_dotted(host.encode(), made)
    assert (".".join(str(b) for b in made) if found else None) == address


def _pulses(data: bytes) -> list[int]:
    """The DHT11's line after the unit lets go: microseconds high, low, high … (its data sheet, figure 4)."""
    times = [30, 80, 80]
    for byte in data:
        for bit in range(7, -1, -1):
            times += [50, 70 if byte >> bit & 1 else 27]
    return [*times, 50]


def _dht11(core: Core, times: list[int]) -> tuple[int, int] | None:
    temperature, humidity = core.ffi.new("int8_t *"), core.ffi.new("uint8_t *")
    line = core.ffi.new("uint16_t[]", times)
    core.c.harness_dht11_line(line, len(times))
    return (temperature[0], humidity[0]) if core.c.harness_dht11(temperature, humidity) else None


def _summed(humidity: int, temperature: int, decimals: int = 0) -> bytes:
    data = bytes((humidity, 0, temperature, decimals))
    return data + bytes((sum(data) & 0xFF,))


@pytest.mark.parametrize(("temperature", "humidity"), [(21, 48), (0, 20), (50, 90), (39, 85)])
def test_dht11(core: Core, temperature: int, humidity: int) -> None:
    """Forty pulses become temperature and humidity."""
    assert _dht11(core, _pulses(_summed(humidity, temperature))) == (temperature, humidity)


def test_dht11_below_zero(core: Core) -> None:
    """Newer parts say the sign in the decimals."""
    assert _dht11(core, _pulses(_summed(40, 5, 0x80))) == (-5, 40)


def test_dht11_refuses(core: Core) -> None:
    """A wrong sum, a value out of range, a sensor that stops or is not there give no reading."""
    wrong = bytearray(_summed(48, 21))
    wrong[4] ^= 1
    assert _dht11(core, _pulses(bytes(wrong))) is None
    assert _dht11(core, _pulses(_summed(101, 21))) is None
    assert _dht11(core, _pulses(_summed(48, 21))[:40]) is None
    assert _dht11(core, [30, 80, 80, 500, 27]) is None
    assert _dht11(core, [60000]) is None
