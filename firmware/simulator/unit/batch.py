"""Reading batches, as docs/protocol.md lays them out."""

from __future__ import annotations

import hashlib
import struct
from enum import IntEnum, IntFlag

VERSION = 1
MAX_SAMPLES = 120
NO_SESSION = bytes(16)
NO_BATCH = bytes(32)
NO_TEMPERATURE = -128
NO_HUMIDITY = 255

_HEADER = struct.Struct("<BBH8sIIIQ16s32sHbBBBH")
_SAMPLE = struct.Struct("<HH")


class Flag(IntFlag):
    """What was so at the end of a batch."""

    BEGIN = 1
    END = 2
    CLOSED = 4
    CONNECTED = 8
    COMPLETE = 16
    MEASURED_VOLTAGE = 32
    CLOCK_UNSET = 64
    FAULT = 128


class Reason(IntEnum):
    """Why the unit ended a session."""

    NONE = 0
    COMMAND = 1
    GRANT_EXPIRED = 2
    POWER_LOST = 3
    OVER_CURRENT = 4
    OVER_TEMPERATURE = 5
    NO_CURRENT = 6


def encode_batch(
    *,
    flags: int,
    unit: int,
    network: bytes,
    boot: int,
    number: int,
    time: int,
    register: int,
    session: bytes,
    previous: bytes,
    period: int,
    temperature: int,
    humidity: int,
    reason: int,
    samples: bytes,
) -> bytes:
    """A batch's bytes without authentication; `samples` are those that `encode_sample` made, joined."""
    return (
        _HEADER.pack(
            VERSION,
            flags,
            unit,
            network,
            boot,
            number,
            time,
            register,
            session,
            previous,
            period,
            temperature,
            humidity,
            len(samples) // _SAMPLE.size,
            reason,
            0,
        )
        + samples
    )


def encode_sample(current: int, voltage: int) -> bytes:
    """One sample: mA and tenths of a volt, each cut off at what 16 bits hold."""
    return _SAMPLE.pack(min(current, 0xFFFF), min(voltage, 0xFFFF))


def batch_hash(message: bytes) -> bytes:
    """What the next batch names as `previous`: BLAKE2b-256 over the whole message."""
    return hashlib.blake2b(message, digest_size=32).digest()
