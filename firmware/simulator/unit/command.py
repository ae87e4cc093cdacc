"""Commands, as docs/protocol.md lays them out, and the rule by which a unit obeys one."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from firmware.simulator.unit.authentication import COMMAND, Authentication
from firmware.simulator.unit.refusal import Refusal

VERSION = 1
VALIDITY = 120
"""Seconds by which a command's `issued` may differ from a clock that is set."""
_FORMAT = struct.Struct("<BBH8sIII16sHHI")


class CommandKind(IntEnum):
    """What a command asks."""

    OFF = 0
    ON = 1
    ACKNOWLEDGE = 2
    END = 3


@dataclass(frozen=True, slots=True)
class Command:
    """A command's fields."""

    kind: CommandKind
    unit: int
    network: bytes
    boot: int
    counter: int
    issued: int
    session: bytes
    grant: int
    """Seconds."""
    current: int
    """Tenths of an ampere."""
    acknowledged: int


@dataclass(frozen=True, slots=True)
class Addressee:
    """What a unit compares a command with."""

    unit: int
    network: bytes
    boot: int
    counter: int
    """The highest obeyed in this boot."""
    clock: int | None
    """Unix seconds; None while the clock is not set."""


def open_command(message: bytes, authentication: Authentication, addressee: Addressee) -> Command:
    """The command in `message`, if `addressee` is to obey it (docs/protocol.md, "A unit's life", 8).

    Raises Refusal."""
    if len(message) != _FORMAT.size + authentication.length:
        raise Refusal("length")
    body = message[: _FORMAT.size]
    if not authentication.accepts(COMMAND, body, message[_FORMAT.size :]):
        raise Refusal("authentication")
    version, kind, *fields = _FORMAT.unpack(body)
    if version != VERSION:
        raise Refusal("version")
    if kind > max(CommandKind):
        raise Refusal("kind")
    command = Command(CommandKind(kind), *fields)
    if command.unit != addressee.unit:
        raise Refusal("unit")
    if command.network != addressee.network:
        raise Refusal("network")
    if command.boot != addressee.boot:
        raise Refusal("boot")
    if command.counter <= addressee.counter:
        raise Refusal("counter")
    if addressee.clock is not None and abs(command.issued - addressee.clock) > VALIDITY:
        raise Refusal("issued")
    return command
