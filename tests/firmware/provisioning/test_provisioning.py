"""What provisioning writes is what boards read, and calibration makes them show what is true."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from chaincode.signing import domain
from firmware.provisioning import command
from firmware.provisioning.calibration import Reading, corrected_gain
from firmware.provisioning.image import (
    BROWN_OUT_4V3,
    BYTES,
    KEEP_EEPROM,
    SENSORS,
    Identity,
    decode,
    intel_hex,
    network_tag,
    nominal,
    padded,
)
from firmware.provisioning.wifi import Wifi
from tests.firmware import gateway

KEY = bytes(range(16))
CONDOMINIUM = {"network": "condocharge", "code": "aurora", "signing_key": "ab" * 32}


def test_image_is_the_table(tmp_path: Path) -> None:
    """The image has the bytes that the tests of the boards write by the table."""
    identity = Identity(
        unit_class="mac", unit=7, network=gateway.NETWORK, key=gateway.MAC_KEY, salt=gateway.SALT,
        gain=75_753, noise=21, starting=200, ethernet=bytes.fromhex("02c0de000007"),
        port=8080, server="127.0.0.1",
    )  # fmt: skip
    assert identity.encode() == gateway.identity("mac")
    assert decode(identity.encode()) == identity


def test_network_tag_is_the_protocols() -> None:
    """Messages name network and condominium as the rules do."""
    assert network_tag("condocharge", "aurora") == domain.network_tag("condocharge", "aurora")


@pytest.mark.parametrize("at", [0, 2, 3, 50, BYTES - 1])
def test_spoilt_image_is_refused(at: int) -> None:
    """An image with a wrong byte is none."""
    image = bytearray(gateway.identity("ed25519"))
    image[at] ^= 1
    with pytest.raises(ValueError, match="image"):
        decode(bytes(image))


def test_intel_hex() -> None:
    """Each record's bytes and sum come to zero, and the file ends as it should."""
    lines = intel_hex(bytes(range(40))).splitlines()
    assert lines[-1] == ":00000001FF"
    assert b"".join(bytes.fromhex(line[9:-2]) for line in lines) == bytes(range(40))
    assert all(sum(bytes.fromhex(line[1:])) % 256 == 0 for line in lines)


def test_a_wireless_boards_memory_ends_with_its_network() -> None:
    """Name, passphrase and checksum are the last hundred bytes, in both forms of the image."""
    tail = Wifi("Garage", "sesame, open").encode()
    assert len(tail) == 100
    whole = padded(bytes(range(40)), 1_024, tail)
    assert (len(whole), whole[924:930], whole[956:968]) == (1_024, b"Garage", b"sesame, open")
    lines = intel_hex(bytes(range(40)), 1_024, tail).splitlines()
    memory = bytearray(b"\xff" * 1_024)
    for line in lines[:-1]:
        record = bytes.fromhex(line[1:])
        at = int.from_bytes(record[1:3], "big")
        memory[at : at + record[0]] = record[4:-1]
    assert bytes(memory) == whole


@pytest.mark.parametrize(
    ("name", "passphrase", "field"),
    [("", "long enough", "name"), ("x" * 33, "long enough", "name"), ("x", "short", "passphrase"),
     ("x", "y" * 64, "passphrase"), ("x", "tab\tulator", "control")],
)  # fmt: skip
def test_a_network_that_cannot_be_is_refused(name: str, passphrase: str, field: str) -> None:
    """Each refusal names the field and its rule."""
    with pytest.raises(ValueError, match=field):
        Wifi(name, passphrase).encode()


def test_a_converter_of_less_range_sees_finer_steps() -> None:
    """The same sensor on 12 bits of 3.3 V: a count is 49 mA where it is 74 mA on 5 V."""
    gain, _ = nominal(SENSORS["sct013"], 12, 3.3)
    assert gain / 256 == pytest.approx(3_300 / 4_096 / 0.0165, rel=0.001)
    assert gain / nominal(SENSORS["sct013"], 12)[0] == pytest.approx(0.66, rel=0.001)


def test_calibration() -> None:
    """A unit that shows 3 % too little is corrected; loads that contradict each other are refused."""
    gain = corrected_gain(75_753, [Reading(10.0, 9.7), Reading(6.0, 5.82)])
    assert gain == round(75_753 / 0.97)
    with pytest.raises(ValueError, match="differs"):
        corrected_gain(75_753, [Reading(10.0, 9.7), Reading(6.0, 5.0)])
    with pytest.raises(ValueError, match="at least"):
        corrected_gain(75_753, [Reading(0.5, 0.5)])
    with pytest.raises(ValueError, match="at least one"):
        corrected_gain(75_753, [])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """A gateway that enrols everybody; what it was asked."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.url.path == "/v1/condominium":
            return httpx.Response(200, json=CONDOMINIUM)
        if request.headers.get("authorization") != "Bearer secret":
            return httpx.Response(
                403, json={"title": "Not authorised", "detail": "creator: is an administrator"}
            )
        if request.url.path == "/v1/tag-salt":
            return httpx.Response(200, json={"salt": gateway.SALT.hex()})
        return httpx.Response(201, json={"unit": 7, "mac_key": KEY.hex()})

    class Client(httpx.Client):
        def __init__(self, *, base_url: str, timeout: float) -> None:
            super().__init__(base_url=base_url, timeout=timeout, transport=httpx.MockTransport(answer))

    monkeypatch.setattr(httpx, "Client", Client)
    return requests


def _provision(*words: str) -> tuple[int, str]:
    base = ["provision", "--gateway", "http://10.0.0.9:8080", "--unit", "7", "--group", "garage"]
    done = CliRunner().invoke(command.unit, [*base, *words])
    return done.exit_code, done.output


def test_provision_mac(tmp_path: Path, asked: list[httpx.Request]) -> None:
    """The gateway makes the key; it goes into a file that only its owner reads, and is not shown."""
    output = tmp_path / "seven.bin"
    code, said = _provision("--board", "uno", "--token", "secret", "--output", str(output))
    assert code == 0, said
    identity = decode(output.read_bytes())
    assert (identity.key, identity.unit, identity.port, identity.server) == (KEY, 7, 8080, "10.0.0.9")
    assert len(output.read_bytes()) == 1024
    assert output.stat().st_mode & 0o077 == 0
    assert KEY.hex() not in said
    assert f"eeprom:w:{output}:r -U efuse:w:0xFC:m -U hfuse:w:0xD6:m" in said
    assert identity.salt == gateway.SALT
    assert json.loads(asked[-1].content)["class"] == "mac"


def test_provision_ed25519(tmp_path: Path, asked: list[httpx.Request]) -> None:
    """A board that signs gets no key: it makes one; the condominium's signing key is pinned."""
    output = tmp_path / "seven.bin"
    code, said = _provision("--board", "mps2", "--token", "secret", "--output", str(output))
    assert code == 0, said
    identity = decode(output.read_bytes())
    assert identity.signing_key.hex() == CONDOMINIUM["signing_key"]
    assert output.read_bytes()[46:78] == bytes(32)
    assert identity.salt == gateway.SALT
    assert [request.method for request in asked] == ["GET", "GET"]
    assert '"class": "ed25519"' in said


def test_provision_a_wireless_board(tmp_path: Path, asked: list[httpx.Request]) -> None:
    """Its network is at the end of its memory, and the passphrase is not shown."""
    output = tmp_path / "seven.bin"
    words = ["--wifi", "Garage", "--wifi-passphrase", "open sesame"]
    code, said = _provision("--board", "uno-esp8266", "--token", "secret", *words, "--output", str(output))
    assert code == 0, said
    content = output.read_bytes()
    assert (len(content), content[-100:]) == (1024, Wifi("Garage", "open sesame").encode())
    assert decode(content).unit == 7
    assert "sesame" not in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--board", "uno", "--class", "ed25519", "--token", "secret"], "can be mac"),
        (["--board", "uno-esp8266", "--token", "secret"], "name its network"),
        (["--board", "uno", "--token", "secret", "--wifi", "x"], "has a cable"),
        (["--board", "nucleo", "--sensor", "acs712", "--token", "secret"], "bears 3.3 V"),
        (["--board", "uno"], "--token"),
        (["--board", "uno", "--token", "wrong"], "is an administrator"),
    ],
)
def test_provision_refuses(
    tmp_path: Path, asked: list[httpx.Request], words: list[str], sentence: str
) -> None:
    """What can't be is one sentence, and no file."""
    output = tmp_path / "seven.bin"
    code, said = _provision(*words, "--output", str(output))
    assert code != 0
    assert sentence in said
    assert not output.exists()


def test_calibrate_command(tmp_path: Path) -> None:
    """Two loads correct the gain; the rest of the memory stays as it is."""
    image, output = tmp_path / "before.bin", tmp_path / "after.bin"
    image.write_bytes(gateway.identity("mac") + b"\xee" * 800)
    done = CliRunner().invoke(
        command.unit, ["calibrate", str(image), "--output", str(output)], input="10\n9.7\n6\n5.82\n"
    )
    assert done.exit_code == 0, done.output
    assert decode(output.read_bytes()).gain == round(75_753 / 0.97)
    assert output.read_bytes()[BYTES:] == b"\xee" * 800


def test_fuses_are_the_data_sheets() -> None:
    """BODLEVEL 100 is 4.3 V, EESAVE is programmed, and all else is as the Uno's boot loader has it."""
    assert (BROWN_OUT_4V3 & 0b111, BROWN_OUT_4V3 | 0b111) == (0b100, 0xFF)
    eesave = 1 << 3
    assert 0xDE & ~eesave == KEEP_EEPROM
