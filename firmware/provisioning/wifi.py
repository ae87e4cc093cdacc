"""The wireless network that a board joins: the table at the head of `firmware/boards/uno-esp8266/wifi.h`."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

_FORMAT = struct.Struct("<32s64s")
BYTES = _FORMAT.size + 4
_LEAST_PASSPHRASE = 8
"""Characters, IEEE 802.11 annex J; an open network has none."""


@dataclass(frozen=True, slots=True)
class Wifi:
    """Name and passphrase of a network."""

    name: str
    passphrase: str

    def encode(self) -> bytes:
        """The last bytes of the board's memory. Raises ValueError that names the field and its rule."""
        name, passphrase = self.name.encode(), self.passphrase.encode()
        if not 0 < len(name) <= 32:
            raise ValueError("wifi name: has 1 to 32 bytes")
        if passphrase and not _LEAST_PASSPHRASE <= len(passphrase) <= 63:
            raise ValueError(f"wifi passphrase: has {_LEAST_PASSPHRASE} to 63 bytes, or none")
        if any(byte < 32 or byte == 127 for byte in name + passphrase):
            raise ValueError("wifi name and passphrase: have no control characters")
        body = _FORMAT.pack(name, passphrase)
        return body + struct.pack("<I", zlib.crc32(body))
