"""The identity that a board reads at each start: the table at the head of `firmware/core/identity.h`."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from dataclasses import dataclass

_FORMAT = struct.Struct("<2sBBH8s32s32s32sBBIHH6sH40s")
BYTES = _FORMAT.size + 4
FROM_SWITCHES = 65_535
"""A unit number that lies on the board's address switches."""
MAC_KEY_BYTES = 16
_HOST = re.compile(r"[A-Za-z0-9.-]{1,39}")
_FILLER = 0xFF
_RECORD = 16


@dataclass(frozen=True, slots=True)
class Sensor:
    """A current sensor with its nominal constants, for calibration to refine."""

    number: int
    volts_per_ampere: float
    noise: float
    """V RMS without current."""
    starting: int
    """mA below which nothing is counted."""
    supply: float
    """V that its output may reach: more than a converter's reference would harm the part."""


SENSORS = {
    "sct013": Sensor(1, 33 / 2_000, 0.002, 200, 3.3),
    "acs712": Sensor(2, 0.100, 0.007, 200, 5.0),
}
"""SCT-013-000 over 33 Ω, and ACS712-20A (paper, Table 1)."""


@dataclass(frozen=True, slots=True)
class Board:
    """What an image has to suit."""

    classes: tuple[str, ...]
    storage: int
    """Bytes of persistent memory."""
    bits: int
    """Of the converter."""
    reference: float = 5.0
    """V at which the converter's range ends."""
    updates: bool = False
    """Whether it takes signed images: its memory goes on with what they need."""
    wireless: bool = False
    """Whether its network's name and passphrase are the last bytes of its memory."""
    fuses: tuple[tuple[str, int], ...] = ()
    """Fuse bytes that the part has to be given, by avrdude's names."""


BROWN_OUT_4V3 = 0xFC
"""Extended fuse byte with BODLEVEL 100: reset below 4.3 V (ATmega328P data sheet, system and reset
characteristics). The Uno comes with 2.7 V, at which 16 MHz are out of its safe area (3.8 V, speed grades) and
a write to the EEPROM may go astray."""
KEEP_EEPROM = 0xD6
"""High fuse byte as the Uno's boot loader wants it (0xDE), with EESAVE: a chip erase leaves the EEPROM."""
_UNO_FUSES = (("efuse", BROWN_OUT_4V3), ("hfuse", KEEP_EEPROM))


BOARDS = {
    "uno": Board(("mac",), 1_024, 10, fuses=_UNO_FUSES),
    "uno-esp8266": Board(("mac",), 1_024, 10, wireless=True, fuses=_UNO_FUSES),
    "mps2": Board(("ed25519", "mac"), 4_096, 12),
    "lm3s": Board(("ed25519", "mac"), 4_096, 12),
    "nucleo": Board(("ed25519", "mac"), 4_096, 12, reference=3.3),
    "posix": Board(("ed25519", "mac"), 4_096, 12, updates=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An identity as its fields; units and ranges as in the table."""

    unit_class: str
    unit: int
    network: bytes
    key: bytes = b""
    """The MAC key; empty for class ed25519, whose board makes its own."""
    signing_key: bytes = b""
    salt: bytes = bytes(32)
    sensor: int = 1
    hold: int = 25
    gain: int
    noise: int
    starting: int
    ethernet: bytes
    port: int
    server: str

    def encode(self) -> bytes:
        """The image. Raises ValueError that names the field and its rule."""
        mac = self.unit_class == "mac"
        if self.unit_class not in ("mac", "ed25519"):
            raise ValueError("class: is mac or ed25519")
        _check("key", self.key, MAC_KEY_BYTES if mac else 0)
        _check("signing key", self.signing_key, 0 if mac else 32)
        _check("salt", self.salt, 32)
        _check("network", self.network, 8)
        _check("ethernet", self.ethernet, 6)
        if not 0 <= self.unit <= FROM_SWITCHES:
            raise ValueError(f"unit: is from 0 to {FROM_SWITCHES}")
        if not 0 < self.port <= 65_535:
            raise ValueError("port: is from 1 to 65535")
        if not 0 < self.gain < 2**32:
            raise ValueError("gain: is a positive 32-bit number of mA per count in 1/256")
        if _HOST.fullmatch(self.server) is None:
            raise ValueError("server: is a name or dotted address of at most 39 characters")
        body = _FORMAT.pack(
            b"CU", 1, not mac, self.unit, self.network, self.salt, self.key, self.signing_key, self.sensor,
            self.hold, self.gain, self.noise, self.starting, self.ethernet, self.port, self.server.encode(),
        )  # fmt: skip
        return body + struct.pack("<I", zlib.crc32(body))


def decode(image: bytes) -> Identity:
    """The identity at the start of `image`. Raises ValueError where none is whole."""
    if len(image) < BYTES or image[:3] != b"CU\x01":
        raise ValueError("image: begins with an identity of version 1")
    body = image[: _FORMAT.size]
    if struct.unpack_from("<I", image, _FORMAT.size)[0] != zlib.crc32(body):
        raise ValueError("image: its checksum is that of its bytes")
    (_, _, ed25519, unit, network, salt, key, signing_key, sensor, hold, gain, noise, starting, ethernet,
     port, server) = _FORMAT.unpack(body)  # fmt: skip
    return Identity(
        unit_class="ed25519" if ed25519 else "mac",
        unit=unit, network=network, key=b"" if ed25519 else key[:MAC_KEY_BYTES],
        signing_key=signing_key if ed25519 else b"", salt=salt, sensor=sensor, hold=hold, gain=gain,
        noise=noise, starting=starting, ethernet=ethernet, port=port,
        server=server.rstrip(b"\0").decode("ascii"),
    )  # fmt: skip


def nominal(sensor: Sensor, bits: int, reference: float = 5.0) -> tuple[int, int]:
    """Gain and noise of a sensor on a converter of `bits` with a reference in V, as the image has them."""
    step = reference / (1 << bits)
    counts = sensor.noise / step
    return round(step / sensor.volts_per_ampere * 256_000), round((counts**2 + 1 / 12) * 256)


def network_tag(network: str, condominium: str) -> bytes:
    """Eight bytes by which messages name network and condominium (docs/protocol.md)."""
    return hashlib.blake2b(f"{network}\n{condominium}".encode(), digest_size=8).digest()


def ethernet_address(unit: int, network: bytes) -> bytes:
    """A locally administered address (IEEE 802, bit 1 of the first byte) that differs from unit to unit."""
    return b"\x02" + hashlib.blake2b(network + unit.to_bytes(2, "little"), digest_size=5).digest()


def padded(image: bytes, storage: int, tail: bytes = b"") -> bytes:
    """The whole of a new persistent memory, `tail` its last bytes."""
    return image + bytes((_FILLER,)) * (storage - len(image) - len(tail)) + tail


def intel_hex(image: bytes, storage: int = 0, tail: bytes = b"") -> str:
    """The image as Intel HEX, which programmers write without touching what lies behind it; `tail` goes into
    the last bytes of a memory of `storage` bytes."""
    lines = [*_records(image, 0), *_records(tail, storage - len(tail)), ":00000001FF", ""]
    return "\n".join(lines)


def _records(content: bytes, offset: int) -> list[str]:
    lines = []
    for at in range(0, len(content), _RECORD):
        piece = content[at : at + _RECORD]
        record = bytes((len(piece), (offset + at) >> 8, (offset + at) & 0xFF, 0)) + piece
        lines.append(f":{record.hex().upper()}{-sum(record) & 0xFF:02X}")
    return lines


def _check(field: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise ValueError(f"{field}: has {length} bytes")
