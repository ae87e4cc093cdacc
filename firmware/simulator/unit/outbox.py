"""Batches on their way out: numbered, chained, authenticated, and kept until acknowledged."""

from __future__ import annotations

from firmware.simulator.unit.authentication import BATCH, Authentication
from firmware.simulator.unit.batch import NO_BATCH, batch_hash, encode_batch
from firmware.simulator.unit.configuration import Configuration
from firmware.simulator.unit.persistent import Persistent
from firmware.simulator.unit.ring import Ring


class Outbox:
    """Makes batches. A number is claimed in persistent memory before the batch that has it exists."""

    def __init__(self, persistent: Persistent, authentication: Authentication, capacity: int) -> None:
        self._persistent = persistent
        self._authentication = authentication
        self._previous = NO_BATCH
        self.number = persistent.reserved
        """The last one used, or claimed before the last start."""
        self.ring = Ring(capacity)

    def make(
        self,
        configuration: Configuration,
        *,
        flags: int,
        time: int,
        register: int,
        session: bytes,
        temperature: int,
        humidity: int,
        reason: int,
        samples: bytes,
    ) -> bytes:
        """The next batch's message. Raises PowerCut; the number is then never used."""
        if self.number >= self._persistent.reserved:
            self._persistent.reserve()
        self.number += 1
        body = encode_batch(
            flags=flags,
            unit=configuration.unit,
            network=configuration.network,
            boot=self._persistent.boot,
            number=self.number,
            time=time,
            register=register,
            session=session,
            previous=self._previous,
            period=configuration.sampling,
            temperature=temperature,
            humidity=humidity,
            reason=reason,
            samples=samples,
        )
        message = body + self._authentication.seal(BATCH, body)
        self._previous = batch_hash(message)
        self.ring.add(self.number, flags, message)
        return message
