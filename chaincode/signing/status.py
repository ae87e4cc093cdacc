"""What a unit tells of the firmware that it runs (docs/protocol.md, "Firmware").

Little-endian, fixed width:

====== ===== ======== ========================================================================
offset bytes field    meaning
====== ===== ======== ========================================================================
0      1     version  1
1      1     flags    bit 0 the unit takes an image that is offered
2      2     unit     the unit's number
4      8     network  as in a batch
12     4     boot     how often the unit has started
16     4     number   rises within a boot, together with that of start requests
20     4     firmware version that runs, as in an envelope
24     4     failed   version that an update last fell back from, 0 for none
28     2     falls    how often one ever did
30     2     reserved zeros
32     16    board    the board's name, ASCII, NUL-padded
then   64/16 authentication, as for a batch
====== ===== ======== ========================================================================
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from chaincode.errors import InvalidArgument
from chaincode.signing.firmware import board_name

VERSION = 1
UPDATES = 1
_FORMAT = struct.Struct("<BBH8sIIIIHH16s")
BODY_BYTES = _FORMAT.size


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStatus:
    """A status as its fields; ranges as in the module's table."""

    unit: int
    network: bytes
    boot: int
    number: int
    firmware: int
    board: str
    updates: bool = False
    failed: int = 0
    falls: int = 0

    def encode(self) -> bytes:
        """The status's bytes without authentication."""
        return _FORMAT.pack(
            VERSION, UPDATES * self.updates, self.unit, self.network, self.boot, self.number, self.firmware,
            self.failed, self.falls, 0, self.board.encode(),
        )  # fmt: skip


def decode_status(body: bytes) -> UnitStatus:
    """The fields of a status's bytes (without authentication). Raises InvalidArgument."""
    if len(body) != BODY_BYTES:
        raise InvalidArgument("status", f"has {BODY_BYTES} bytes")
    (version, flags, unit, network, boot, number, firmware, failed, falls, reserved, board) = _FORMAT.unpack(
        body
    )
    if version != VERSION:
        raise InvalidArgument("status.version", f"is {VERSION}")
    if flags & ~UPDATES:
        raise InvalidArgument("status.flags", "has no unknown bits")
    if reserved != 0:
        raise InvalidArgument("status.reserved", "is zeros")
    return UnitStatus(
        unit=unit,
        network=network,
        boot=boot,
        number=number,
        firmware=firmware,
        board=board_name(board),
        updates=bool(flags & UPDATES),
        failed=failed,
        falls=falls,
    )
