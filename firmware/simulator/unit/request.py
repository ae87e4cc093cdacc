"""Start requests: a tag at the reader, or a car plugged in (docs/protocol.md)."""

from __future__ import annotations

import hashlib
import struct
from enum import IntEnum

VERSION = 1
NO_TAG = bytes(16)
_FORMAT = struct.Struct("<BBH8sIII16s")


class RequestKind(IntEnum):
    """What made the unit ask."""

    TAG = 1
    PLUGGED_IN = 2


def encode_request(
    *, kind: RequestKind, unit: int, network: bytes, boot: int, number: int, time: int, tag: bytes = NO_TAG
) -> bytes:
    """A request's bytes without authentication."""
    return _FORMAT.pack(VERSION, kind, unit, network, boot, number, time, tag)


def tag_hash(salt: bytes, tag_id: bytes) -> bytes:
    """What stands for a tag's id outside the reader: BLAKE2b-128 keyed with the condominium's salt."""
    return hashlib.blake2b(tag_id, digest_size=16, key=salt).digest()
