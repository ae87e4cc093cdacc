"""What a unit keeps in EEPROM, and where.

======= ======================================================== ==========================
address what                                                     written
======= ======================================================== ==========================
0       configuration message and its CRC-32                     once
212     journal of boot count and number reserve, 6 slots        start; every 16th batch
308     journal of energy register, session and stage, 20 slots  each sample with current
======= ======================================================== ==========================

In all 1,024 bytes, as an ATmega328P has them. One write a minute wears one of 20 slots every 20 minutes:
100,000 writes a cell last almost four years of uninterrupted charging.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from firmware.simulator.unit.batch import NO_SESSION, Reason
from firmware.simulator.unit.eeprom import Eeprom
from firmware.simulator.unit.journal import Journal

RESERVE = 16
"""Batch numbers that are claimed at a time: a power cut leaves a gap of at most so many."""
_CRC = struct.Struct("<I")
_COUNTERS = struct.Struct("<II")
_METER = struct.Struct("<Q16sBB")
_COUNTERS_AT = 212
_COUNTERS_SLOTS = 6
_METER_AT = _COUNTERS_AT + Journal.size(_COUNTERS.size, _COUNTERS_SLOTS)
_METER_SLOTS = 20


class Stage(IntEnum):
    """How far the last session got."""

    NONE = 0
    GRANTED = 1
    """Named by a command; the gateway may not have its BEGIN."""
    BEGUN = 2
    """The gateway has its BEGIN."""
    ENDING = 3
    """Over; the gateway may not have its END."""
    ENDED = 4
    """The gateway has its END."""


@dataclass(frozen=True, slots=True)
class Meter:
    """The energy register and the session that it counted for last."""

    register: int = 0
    """mWh."""
    session: bytes = NO_SESSION
    stage: Stage = Stage.NONE
    reason: Reason = Reason.NONE


class Persistent:
    """A unit's persistent memory. Every method that writes raises PowerCut when the supply fails in it."""

    def __init__(self, memory: Eeprom, configuration_bytes: int) -> None:
        self._memory = memory
        self._configuration_bytes = configuration_bytes
        self._counters = Journal(memory, _COUNTERS_AT, _COUNTERS.size, _COUNTERS_SLOTS)
        self._journal = Journal(memory, _METER_AT, _METER.size, _METER_SLOTS)
        self.boot: int
        self.reserved: int
        self.boot, self.reserved = _COUNTERS.unpack(self._counters.value or bytes(_COUNTERS.size))
        self.meter = _meter(self._journal.value)

    def begin_boot(self) -> None:
        """Count a start."""
        self._write_counters(self.boot + 1, self.reserved)

    def reserve(self) -> None:
        """Claim the next batch numbers: those up to `reserved` may then be used."""
        self._write_counters(self.boot, self.reserved + RESERVE)

    def keep(self, meter: Meter) -> None:
        """Keep register and session, if they changed. Raises ValueError for a register that falls."""
        if meter == self.meter:
            return
        if meter.register < self.meter.register:
            raise ValueError("register: never falls")
        self._journal.write(_METER.pack(meter.register, meter.session, meter.stage, meter.reason))
        self.meter = meter

    @property
    def configuration(self) -> bytes | None:
        """The configuration message that was accepted; None where there is none or it was torn."""
        message = self._memory.read(0, self._configuration_bytes)
        stored = _CRC.unpack(self._memory.read(self._configuration_bytes, _CRC.size))[0]
        return message if zlib.crc32(message) == stored else None

    def keep_configuration(self, message: bytes) -> None:
        """Keep an accepted configuration message for later starts."""
        self._memory.write(0, message + _CRC.pack(zlib.crc32(message)))

    def erase_configuration(self) -> None:
        """Forget the configuration: reset was held at power-up (paper, section 4.1.3)."""
        self._memory.erase(0, self._configuration_bytes + _CRC.size)

    def _write_counters(self, boot: int, reserved: int) -> None:
        self._counters.write(_COUNTERS.pack(boot, reserved))
        self.boot, self.reserved = boot, reserved


def _meter(value: bytes | None) -> Meter:
    if value is None:
        return Meter()
    register, session, stage, reason = _METER.unpack(value)
    return Meter(register, session, Stage(stage), Reason(reason))
