"""Signed firmware images: the envelope of docs/protocol.md, "Firmware", and what pins its key in a unit."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_seed_keypair

MARK = b"Condocharge firmware is\0"
"""What goes before board and version in every image (firmware/core/version.c)."""
KEY_BYTES = 32
MAX_IMAGE_BYTES = 8 * 1024 * 1024
AREA_BYTES = 192
"""Of a board's memory behind the store's, for updates (firmware/core/update.h)."""
_DOMAIN = b"condocharge/firmware/1\n"
_HEADER = struct.Struct("<4sB3s16sII32s")
_BOARD_BYTES = 16


@dataclass(frozen=True, slots=True)
class Image:
    """A program for a board, and what it says of itself."""

    board: str
    version: int
    """Major 8 bits, minor 8 bits, patch 16 bits."""
    content: bytes

    @property
    def version_text(self) -> str:
        """major.minor.patch."""
        return f"{self.version >> 24}.{self.version >> 16 & 255}.{self.version & 65_535}"

    def signed(self, seed: bytes) -> bytes:
        """Envelope and image, by the firmware key with this seed."""
        header = _HEADER.pack(
            b"CCFW", 1, bytes(3), self.board.encode(), self.version, len(self.content),
            hashlib.blake2b(self.content, digest_size=32).digest(),
        )  # fmt: skip
        _, secret = crypto_sign_seed_keypair(seed)
        return header + crypto_sign(_DOMAIN + header, secret)[:crypto_sign_BYTES] + self.content


def read_image(content: bytes) -> Image:
    """The image in a built file. Raises ValueError where it does not say, once, which firmware it is."""
    if not 0 < len(content) <= MAX_IMAGE_BYTES:
        raise ValueError(f"image: has 1 to {MAX_IMAGE_BYTES} bytes")
    if content.startswith(b"CCFW"):
        raise ValueError("image: is not signed yet")
    if content.count(MARK) != 1:
        raise ValueError("image: says once which firmware it is, as what `make firmware` builds does")
    at = content.index(MARK) + len(MARK)
    board = content[at : at + _BOARD_BYTES].rstrip(b"\0").decode("ascii", "replace")
    version = int.from_bytes(content[at + _BOARD_BYTES : at + _BOARD_BYTES + 4], "little")
    if not board or version == 0:
        raise ValueError("image: names a board and a version")
    return Image(board, version, content)


def update_area(firmware_key: bytes) -> bytes:
    """What provisioning writes behind the store's memory of a board that takes images: the public key."""
    if len(firmware_key) != KEY_BYTES:
        raise ValueError(f"firmware key: has {KEY_BYTES} bytes")
    record = b"CF\x01\x00" + firmware_key
    area = record + struct.pack("<I", zlib.crc32(record))
    return area + b"\xff" * (AREA_BYTES - len(area))
