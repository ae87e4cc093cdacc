"""Reading batches: what a unit's meter says, in bytes that an 8-bit board can write.

Little-endian, fixed width (docs/protocol.md, "Reading batch"):

====== ===== ============ ==================================================================
offset bytes field        meaning
====== ===== ============ ==================================================================
0      1     version      1
1      1     flags        see `Flag`
2      2     unit         the unit's number
4      8     network      `domain.network_tag` of channel and condominium
12     4     boot         how often the unit has started; never falls
16     4     number       rises with every batch, over restarts too; persisted before it is sent
20     4     time         Unix seconds at the end of the batch
24     8     register     cumulative energy in mWh at `time`, below 2^53; never falls
32     16    session      first 16 bytes of the session id; zeros outside a session
48     32    previous     `batch_hash` of the batch before; zeros for the first one after a start
80     2     period       seconds between samples
82     1     temperature  signed, °C; -128 where not measured
83     1     humidity     percent; 255 where not measured
84     1     count        samples that follow, at most 120
85     1     reason       why the unit ended the session by itself, see `Reason`
86     2     zero
88     4·n   samples      current in mA (u16), voltage in 0.1 V (u16), oldest first
then   64/16 authentication: Ed25519 signature (class ed25519) or keyed BLAKE2b (class mac)
====== ===== ============ ==================================================================
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import overload

from chaincode.errors import InvalidArgument
from chaincode.signing import domain

VERSION = 1
MAX_SAMPLES = 120
HASH_BYTES = 32
SESSION_BYTES = 16
NO_SESSION = bytes(SESSION_BYTES)
NO_BATCH = bytes(HASH_BYTES)
NO_TEMPERATURE = -128
NO_HUMIDITY = 255
MAX_REGISTER = 2**53 - 1
"""mWh: the largest integer that every JSON implementation keeps exactly (RFC 8259, section 6)."""

_HEADER = struct.Struct("<BBH8sIIIQ16s32sHbBBBH")
HEADER_BYTES = _HEADER.size
_SAMPLE = struct.Struct("<HH")


class Flag(IntFlag):
    """What was so at the end of a batch."""

    BEGIN = 1
    """The session's first batch: the register as the relay closed."""
    END = 2
    """The session's last batch: the relay is open and no current flows."""
    CLOSED = 4
    """The relay is closed."""
    CONNECTED = 8
    """A vehicle is connected."""
    COMPLETE = 16
    """The vehicle stopped drawing current although the relay is closed."""
    MEASURED_VOLTAGE = 32
    """Voltages are measured; without it they are the nominal one."""
    CLOCK_UNSET = 64
    """The unit has not learnt the time since it started; `time` counts from the start."""
    FAULT = 128
    """Current flows though the relay was told to open."""


class Reason(IntEnum):
    """Why the unit itself ended a session."""

    NONE = 0
    COMMAND = 1
    GRANT_EXPIRED = 2
    POWER_LOST = 3
    OVER_CURRENT = 4
    OVER_TEMPERATURE = 5
    NO_CURRENT = 6


# Looking a member up in its enumeration costs a microsecond; a gateway does it for every batch.
_FLAGS = tuple(Flag(value) for value in range(256))
_REASONS = tuple(Reason)


@dataclass(frozen=True, slots=True)
class Sample:
    """One RMS measurement."""

    current: int
    """mA, 0 to 65,535."""
    voltage: int
    """Tenths of a volt, 0 to 65,535."""


class Samples(Sequence[Sample]):
    """A decoded batch's samples, oldest first, each read from the bytes only when it is asked for.

    Most readers of a batch want its register; making 120 objects for them would cost more than checking
    its signature. Equal to any sequence of the same samples."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        """`raw` is the samples as they travel, four bytes each."""
        self.raw = raw

    def __len__(self) -> int:
        return len(self.raw) // _SAMPLE.size

    def __iter__(self) -> Iterator[Sample]:
        return (Sample(*pair) for pair in _SAMPLE.iter_unpack(self.raw))

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Sample, ...]: ...

    def __getitem__(self, index: int | slice) -> Sample | tuple[Sample, ...]:
        if isinstance(index, slice):
            return tuple(self[each] for each in range(*index.indices(len(self))))
        place = range(len(self))[index]
        return Sample(*_SAMPLE.unpack_from(self.raw, place * _SAMPLE.size))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Samples):
            return self.raw == other.raw
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


@dataclass(frozen=True, slots=True)
class Batch:
    """A reading batch as its fields; units and ranges as in the module's table."""

    unit: int
    network: bytes
    boot: int
    number: int
    time: int
    register: int
    session: bytes
    previous: bytes
    period: int
    flags: Flag
    temperature: int
    humidity: int
    reason: Reason
    samples: Sequence[Sample]

    def encode(self) -> bytes:
        """The batch's bytes without authentication."""
        header = _HEADER.pack(
            VERSION,
            self.flags,
            self.unit,
            self.network,
            self.boot,
            self.number,
            self.time,
            self.register,
            self.session,
            self.previous,
            self.period,
            self.temperature,
            self.humidity,
            len(self.samples),
            self.reason,
            0,
        )
        if isinstance(self.samples, Samples):
            return header + self.samples.raw
        return header + b"".join(_SAMPLE.pack(s.current, s.voltage) for s in self.samples)


def body_length(message: bytes) -> int:
    """How many of the bytes of `message`, which begins with a batch, are the batch without authentication.

    Raises InvalidArgument where the header is cut off or says more samples than are allowed."""
    if len(message) < HEADER_BYTES:
        raise InvalidArgument("batch", f"has at least {HEADER_BYTES} bytes")
    if message[84] > MAX_SAMPLES:
        raise InvalidArgument("batch.count", f"is at most {MAX_SAMPLES}")
    return HEADER_BYTES + _SAMPLE.size * message[84]


def decode_batch(body: bytes) -> Batch:
    """The fields of a batch's bytes (without authentication).

    Raises InvalidArgument where length, version or a reserved field is not as the format says."""
    if len(body) != body_length(body):
        raise InvalidArgument("batch", "has as many bytes as its count says")
    (
        version,
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
        _,
        reason,
        zero,
    ) = _HEADER.unpack_from(body)
    if version != VERSION:
        raise InvalidArgument("batch.version", f"is {VERSION}")
    if zero != 0:
        raise InvalidArgument("batch", "has zeros in its reserved bytes")
    if reason >= len(_REASONS):
        raise InvalidArgument("batch.reason", f"is at most {len(_REASONS) - 1}")
    if register > MAX_REGISTER:
        raise InvalidArgument("batch.register", f"is at most {MAX_REGISTER}")
    return Batch(
        unit=unit,
        network=network,
        boot=boot,
        number=number,
        time=time,
        register=register,
        session=session,
        previous=previous,
        period=period,
        flags=_FLAGS[flags],
        temperature=temperature,
        humidity=humidity,
        reason=_REASONS[reason],
        samples=Samples(bytes(body[HEADER_BYTES:])),
    )


def batch_hash(message: bytes) -> bytes:
    """BLAKE2b-256 over a whole batch, authentication included: what the next one names as `previous`."""
    return hashlib.blake2b(message, digest_size=HASH_BYTES).digest()


def sign_batch(batch: Batch, secret: bytes) -> bytes:
    """The message of a unit of class `ed25519`."""
    body = batch.encode()
    return body + domain.sign(secret, domain.BATCH, body)


def attest(message: bytes, secret: bytes) -> bytes:
    """A gateway's word that it checked a `mac` batch: its signature over the whole message."""
    return domain.sign(secret, domain.ATTESTATION, message)
