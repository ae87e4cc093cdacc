"""Commands, gateway to unit: every answer to a unit is one of these, so acknowledgements are authentic too.

Little-endian, fixed width (docs/protocol.md, "Command"):

====== ===== ============ ==================================================================
offset bytes field        meaning
====== ===== ============ ==================================================================
0      1     version      1
1      1     kind         see `CommandKind`
2      2     unit         the unit's number
4      8     network      as in a batch
12     4     boot         the unit's boot count that the command is for
16     4     counter      rises strictly within a boot
20     4     issued       Unix seconds
24     16    session      as in a batch
40     2     grant        seconds that the relay may stay closed from receipt
42     2     current      limit in 0.1 A; 0 leaves the unit's own maximum
44     4     acknowledged highest batch number that the gateway has stored
then   64/16 authentication, as the unit's class: Ed25519 by the condominium's signing key, or the MAC
====== ===== ============ ==================================================================

A command from before the unit's last start names another boot and one from before its last command a
lower counter: neither is obeyed, and the unit need not write its EEPROM for each command.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from chaincode.errors import InvalidArgument
from chaincode.signing import domain

VERSION = 1
VALIDITY = 120
"""Seconds after `issued` in which a unit whose clock is set obeys a command."""
_FORMAT = struct.Struct("<BBH8sIII16sHHI")
BODY_BYTES = _FORMAT.size


class CommandKind(IntEnum):
    """What a command asks."""

    OFF = 0
    """Open the relay, but keep the session: the scheduler pauses it."""
    ON = 1
    """Close the relay for at most `grant` seconds; begins the session where it is new."""
    ACKNOWLEDGE = 2
    """Nothing but `acknowledged`."""
    END = 3
    """Open the relay and close the session with a last batch."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as its fields; units and ranges as in the module's table."""

    kind: CommandKind
    unit: int
    network: bytes
    boot: int
    counter: int
    issued: int
    session: bytes
    grant: int
    current: int
    acknowledged: int

    def encode(self) -> bytes:
        """The command's bytes without authentication."""
        return _FORMAT.pack(
            VERSION,
            self.kind,
            self.unit,
            self.network,
            self.boot,
            self.counter,
            self.issued,
            self.session,
            self.grant,
            self.current,
            self.acknowledged,
        )


def decode_command(body: bytes) -> Command:
    """The fields of a command's bytes (without authentication), as a unit reads them: the gateway only writes
    commands, and what is tested of it is read back with this. Raises InvalidArgument."""
    if len(body) != BODY_BYTES:
        raise InvalidArgument("command", f"has {BODY_BYTES} bytes")
    version, kind, *rest = _FORMAT.unpack(body)
    if version != VERSION:
        raise InvalidArgument("command.version", f"is {VERSION}")
    if kind > max(CommandKind):
        raise InvalidArgument("command.kind", f"is at most {int(max(CommandKind))}")
    return Command(CommandKind(kind), *rest)


def sign_command(command: Command, secret: bytes) -> bytes:
    """The message for a unit of class `ed25519`."""
    body = command.encode()
    return body + domain.sign(secret, domain.COMMAND, body)


def seal_command(command: Command, key: bytes) -> bytes:
    """The message for a unit of class `mac`."""
    body = command.encode()
    return body + domain.mac(key, domain.COMMAND, body)
