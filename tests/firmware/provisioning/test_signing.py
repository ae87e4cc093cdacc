"""The firmware key on disk, and images that it signs: what a gateway and a unit take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nacl import pwhash

from chaincode.signing.firmware import open_firmware, version_number
from firmware.provisioning import keyfile
from firmware.provisioning.command import unit
from firmware.provisioning.firmware import MARK, read_image, update_area

PASSPHRASE = "correct horse battery"
CHEAP = {"operations": pwhash.argon2id.OPSLIMIT_MIN, "memory": pwhash.argon2id.MEMLIMIT_MIN}
PROGRAM = b"\x7fELF" + bytes(40) + MARK + b"posix-x86_64".ljust(16, b"\0") + b"\x03\x00\x02\x01" + b"rest"


def run(*arguments: str) -> Result:
    environment = {"CONDOCHARGE_FIRMWARE_PASSPHRASE": PASSPHRASE}
    return CliRunner().invoke(unit, list(arguments), env=environment)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "firmware.key"
    keyfile.make(path, PASSPHRASE, **CHEAP)
    return path


@pytest.mark.slow
def test_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    """The command shows the public half for the settings, and overwrites nothing."""
    path = tmp_path / "firmware.key"
    made = run("make-firmware-key", str(path))
    assert made.exit_code == 0, made.output
    assert keyfile.public_half(path).hex() in made.output
    assert path.stat().st_mode & 0o777 == 0o600
    again = run("make-firmware-key", str(path))
    assert (again.exit_code, "not overwritten" in again.output) == (2, True)


def test_signed_image(tmp_path: Path, key: Path) -> None:
    """Board and version come from the image; the rules' own reader takes what was signed."""
    image, output = tmp_path / "unit", tmp_path / "unit.signed"
    image.write_bytes(PROGRAM)
    done = run("sign-firmware", str(image), "--key", str(key), "--output", str(output))
    assert done.exit_code == 0, done.output
    firmware = open_firmware(output.read_bytes(), keyfile.public_half(key))
    assert (firmware.board, firmware.version) == ("posix-x86_64", version_number("1.2.3"))
    assert "1.2.3 for posix-x86_64" in done.output


@pytest.mark.parametrize(
    ("content", "rule"),
    [(b"", "has 1 to"), (b"CCFW" + PROGRAM, "not signed yet"), (PROGRAM + PROGRAM, "says once"),
     (PROGRAM.replace(MARK, b""), "says once"), (MARK + bytes(20), "names a board")],
    ids=["nothing", "signed before", "two marks", "no mark", "an empty mark"],
)  # fmt: skip
def test_images_that_are_refused(content: bytes, rule: str) -> None:
    """What does not say which firmware it is is not signed."""
    with pytest.raises(ValueError, match=rule):
        read_image(content)


def test_wrong_passphrase_and_spoilt_files(tmp_path: Path, key: Path) -> None:
    """Neither opens, and each says why."""
    with pytest.raises(ValueError, match="passphrase"):
        keyfile.open_seed(key, "another passphrase")
    members = json.loads(key.read_text())
    for change in (
        {"kind": "x"},
        {"operations": 10**9},
        {"public": "00" * 32},
        {"salt": "zz"},
        {"box": None},
    ):
        key.write_text(json.dumps(members | change))
        with pytest.raises(ValueError, match=r".+: "):
            keyfile.open_seed(key, PASSPHRASE)
    with pytest.raises(ValueError, match="at least 8"):
        keyfile.make(tmp_path / "short", "short")


def test_update_area(key: Path) -> None:
    """Key and checksum as firmware/core/update.h has them, and room for the journal."""
    area = update_area(keyfile.public_half(key))
    assert len(area) == 192
    assert area[4:36] == keyfile.public_half(key)
    assert set(area[40:]) == {0xFF}
