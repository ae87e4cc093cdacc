"""A gateway's answer to a unit's status: nothing, or an image to fetch (docs/protocol.md, "Firmware").

Little-endian, fixed width:

====== ===== ======== ========================================================================
offset bytes field    meaning
====== ===== ======== ========================================================================
0      1     version  1
1      1     kind     0 nothing, 1 an image
2      2     unit     the unit's number
4      8     network  as in a batch
12     4     boot     of the status that this answers
16     4     number   of the status that this answers
20     128   envelope of the image (`chaincode.signing.firmware`); absent for kind 0
then   64/16 authentication, as for a command
====== ===== ======== ========================================================================
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from chaincode.signing import domain
from chaincode.signing.status import UnitStatus

VERSION = 1
NOTHING = 0
IMAGE = 1
_FORMAT = struct.Struct("<BBH8sII")


@dataclass(frozen=True, slots=True)
class Offer:
    """The answer to `status`; `envelope` is empty for nothing."""

    status: UnitStatus
    envelope: bytes = b""

    def encode(self) -> bytes:
        """The offer's bytes without authentication."""
        status = self.status
        kind = IMAGE if self.envelope else NOTHING
        head = _FORMAT.pack(VERSION, kind, status.unit, status.network, status.boot, status.number)
        return head + self.envelope


def sign_offer(offer: Offer, secret: bytes) -> bytes:
    """The message for a unit of class `ed25519`, by the condominium's signing key."""
    body = offer.encode()
    return body + domain.sign(secret, domain.OFFER, body)


def seal_offer(offer: Offer, key: bytes) -> bytes:
    """The message for a unit of class `mac`."""
    body = offer.encode()
    return body + domain.mac(key, domain.OFFER, body)
