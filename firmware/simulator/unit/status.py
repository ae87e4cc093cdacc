"""What a unit tells of its firmware (docs/protocol.md, "Firmware")."""

from __future__ import annotations

import struct

VERSION = 1
BOARD = "simulated"
FIRMWARE = 0x01000000
"""1.0.0; major 8 bits, minor 8 bits, patch 16 bits. A simulated unit takes no other."""
_FORMAT = struct.Struct("<BBH8sIIIIHH16s")


def encode_status(*, unit: int, network: bytes, boot: int, number: int) -> bytes:
    """A status's bytes without authentication."""
    return _FORMAT.pack(VERSION, 0, unit, network, boot, number, FIRMWARE, 0, 0, 0, BOARD.encode())
