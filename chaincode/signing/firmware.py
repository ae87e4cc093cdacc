"""The envelope that goes before a unit's firmware image (docs/protocol.md, "Firmware").

Little-endian, fixed width. The condominium's *firmware key* signs it; no gateway holds that key's secret
half. A slot, and the file that is uploaded, is the envelope followed by the image.

====== ===== ========= ======================================================================
offset bytes field     meaning
====== ===== ========= ======================================================================
0      4     magic     `CCFW`
4      1     format    1
5      3     reserved  zeros
8      16    board     which board the image is for, ASCII, NUL-padded
24     4     version   major 8 bits, minor 8 bits, patch 16 bits, from the highest bit down
28     4     length    bytes of the image
32     32    hash      BLAKE2b-256 (RFC 7693) of the image
then   64    signature Ed25519 over `condocharge/firmware/1\\n` and the 64 bytes above
====== ===== ========= ======================================================================
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass

from chaincode.errors import InvalidArgument
from chaincode.signing import domain

MAGIC = b"CCFW"
FORMAT = 1
BOARD_BYTES = 16
HASH_BYTES = 32
MAX_IMAGE_BYTES = 8 * 1024 * 1024
"""What a gateway keeps of one image; a board's slot may be smaller."""
_FORMAT = struct.Struct("<4sB3s16sII32s")
HEADER_BYTES = _FORMAT.size
ENVELOPE_BYTES = HEADER_BYTES + domain.SIGNATURE_BYTES
_BOARD = re.compile(r"[a-z0-9][a-z0-9_-]{0,14}")
_VERSION = re.compile(r"(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,4})")


@dataclass(frozen=True, slots=True)
class Firmware:
    """What an envelope says."""

    board: str
    version: int
    length: int
    hash: bytes

    def encode(self) -> bytes:
        """The header's 64 bytes, without signature. Raises InvalidArgument."""
        if _BOARD.fullmatch(self.board) is None:
            raise InvalidArgument("firmware.board", "is 1 to 15 of a-z, 0-9, - and _")
        if not 0 < self.version < 2**32:
            raise InvalidArgument("firmware.version", "is from 0.0.1 to 255.255.65535")
        if not 0 < self.length <= MAX_IMAGE_BYTES:
            raise InvalidArgument("firmware.length", f"is from 1 to {MAX_IMAGE_BYTES}")
        return _FORMAT.pack(
            MAGIC, FORMAT, bytes(3), self.board.encode(), self.version, self.length, self.hash
        )


def describe(board: str, version: int, image: bytes) -> Firmware:
    """The header of `image`."""
    return Firmware(board, version, len(image), image_hash(image))


def image_hash(image: bytes) -> bytes:
    """BLAKE2b-256 of an image."""
    return hashlib.blake2b(image, digest_size=HASH_BYTES).digest()


def sign_firmware(firmware: Firmware, secret: bytes) -> bytes:
    """The envelope: header and signature by the condominium's firmware key."""
    header = firmware.encode()
    return header + domain.sign(secret, domain.FIRMWARE, header)


def open_envelope(envelope: bytes, key: bytes) -> Firmware:
    """What the envelope says, once `key` is seen to have signed it. Raises InvalidArgument."""
    if len(envelope) != ENVELOPE_BYTES:
        raise InvalidArgument("firmware", f"begins with an envelope of {ENVELOPE_BYTES} bytes")
    header, signature = envelope[:HEADER_BYTES], envelope[HEADER_BYTES:]
    if not domain.verifies(key, domain.FIRMWARE, header, signature):
        raise InvalidArgument("firmware.signature", "is by the condominium's firmware key")
    magic, form, reserved, name, version, length, digest = _FORMAT.unpack(header)
    if magic != MAGIC:
        raise InvalidArgument("firmware.magic", f"is {MAGIC.decode()}")
    if form != FORMAT:
        raise InvalidArgument("firmware.format", f"is {FORMAT}")
    if reserved != bytes(3):
        raise InvalidArgument("firmware.reserved", "is zeros")
    board = board_name(name)
    if not 0 < length <= MAX_IMAGE_BYTES:
        raise InvalidArgument("firmware.length", f"is from 1 to {MAX_IMAGE_BYTES}")
    return Firmware(board, version, length, digest)


def open_firmware(content: bytes, key: bytes) -> Firmware:
    """What a whole file, envelope and image, holds, once it is seen sound. Raises InvalidArgument."""
    firmware = open_envelope(content[:ENVELOPE_BYTES], key)
    image = content[ENVELOPE_BYTES:]
    if len(image) != firmware.length:
        raise InvalidArgument("firmware.length", f"is that of the image, {len(image)} bytes")
    if image_hash(image) != firmware.hash:
        raise InvalidArgument("firmware.hash", "is that of the image")
    return firmware


def board_name(field: bytes) -> str:
    """A board's name out of its 16 bytes. Raises InvalidArgument."""
    name = field.rstrip(b"\0").decode("ascii", "replace")
    if _BOARD.fullmatch(name) is None:
        raise InvalidArgument("firmware.board", "is 1 to 15 of a-z, 0-9, - and _")
    return name


def version_number(text: str) -> int:
    """`major.minor.patch` as the number that rises with it. Raises InvalidArgument."""
    match = _VERSION.fullmatch(text)
    if match is None:
        raise InvalidArgument("version", "is major.minor.patch")
    major, minor, patch = (int(group) for group in match.groups())
    if major > 255 or minor > 255 or patch > 65_535:
        raise InvalidArgument("version", "is at most 255.255.65535")
    return major << 24 | minor << 16 | patch


def version_text(number: int) -> str:
    """The number as people write it."""
    return f"{number >> 24}.{number >> 16 & 255}.{number & 65_535}"
