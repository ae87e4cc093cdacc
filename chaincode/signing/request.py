"""Start requests, unit to ledger: somebody held a tag to the reader, or plugged in.

A mandate spends only on such a request, authenticated as a batch is, so a gateway cannot make one up
for a unit that signs. Little-endian, fixed width (docs/protocol.md, "Start request"):

====== ===== ============ ==================================================================
offset bytes field        meaning
====== ===== ============ ==================================================================
0      1     version      1
1      1     kind         1 tag, 2 plugged in
2      2     unit         the unit's number
4      8     network      as in a batch
12     4     boot         as in a batch
16     4     number       rises strictly within a boot
20     4     time         Unix seconds
24     16    tag          BLAKE2b-128 of the tag's id, keyed with the condominium's salt; zeros for kind 2
then   64/16 authentication, as for a batch
====== ===== ============ ==================================================================
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from enum import IntEnum

from chaincode.errors import InvalidArgument
from chaincode.signing import domain

VERSION = 1
TAG_BYTES = 16
_FORMAT = struct.Struct("<BBH8sIII16s")
BODY_BYTES = _FORMAT.size


class RequestKind(IntEnum):
    """What made the unit ask."""

    TAG = 1
    PLUGGED_IN = 2


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A start request as its fields; units and ranges as in the module's table."""

    kind: RequestKind
    unit: int
    network: bytes
    boot: int
    number: int
    time: int
    tag: bytes

    def encode(self) -> bytes:
        """The request's bytes without authentication."""
        return _FORMAT.pack(
            VERSION, self.kind, self.unit, self.network, self.boot, self.number, self.time, self.tag
        )


def decode_request(body: bytes) -> StartRequest:
    """The fields of a request's bytes (without authentication). Raises InvalidArgument."""
    if len(body) != BODY_BYTES:
        raise InvalidArgument("request", f"has {BODY_BYTES} bytes")
    version, kind, *rest = _FORMAT.unpack(body)
    if version != VERSION:
        raise InvalidArgument("request.version", f"is {VERSION}")
    if kind not in RequestKind.__members__.values():
        raise InvalidArgument("request.kind", "is 1 (tag) or 2 (plugged in)")
    return StartRequest(RequestKind(kind), *rest)


def tag_hash(salt: bytes, tag_id: bytes) -> bytes:
    """What stands for an NFC or RFID id outside the reader: BLAKE2b-128 keyed with the condominium's salt."""
    return hashlib.blake2b(tag_id, digest_size=TAG_BYTES, key=salt).digest()


def session_of_request(body: bytes) -> str:
    """The id of the session that a request opens: SHA-256 of its bytes, hexadecimal."""
    return hashlib.sha256(domain.REQUEST + body).hexdigest()
