"""Units that have sent their batches already, for benchmarks of whoever receives them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from nacl.bindings import crypto_sign_seed_keypair

from chaincode.signing import domain
from chaincode.signing.batch import NO_BATCH, Batch, Flag, Reason, Sample, batch_hash, sign_batch
from chaincode.unit import ED25519
from gateway.metering.configuration import UnitConfiguration
from gateway.metering.directory import EnrolledUnit

NETWORK = domain.network_tag("condocharge", "bench")
SIGNING_KEY = crypto_sign_seed_keypair(bytes(32))[1]
NOON = 1_767_268_800
SAMPLES = tuple(Sample(16_000 - i, 2_300 + i) for i in range(6))
"""A minute's, at ten seconds between two."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A unit that signs."""

    number: int

    @property
    def _pair(self) -> tuple[bytes, bytes]:
        return crypto_sign_seed_keypair(hashlib.sha256(f"bench {self.number}".encode()).digest())

    def enrolled(self) -> EnrolledUnit:
        """It, as the gateway knows it."""
        return EnrolledUnit(self.number, ED25519, self._pair[0], NOON)

    def messages(self, count: int) -> list[bytes]:
        """Its first `count` batches, a minute apart."""
        secret = self._pair[1]
        messages: list[bytes] = []
        previous = NO_BATCH
        for number in range(1, count + 1):
            batch = Batch(
                unit=self.number,
                network=NETWORK,
                boot=1,
                number=number,
                time=NOON + 60 * number,
                register=61_000 * number,
                session=hashlib.sha256(f"session {self.number}".encode()).digest()[:16],
                previous=previous,
                period=10,
                flags=Flag.CLOSED | Flag.CONNECTED,
                temperature=21,
                humidity=50,
                reason=Reason.NONE,
                samples=SAMPLES,
            )
            messages.append(sign_batch(batch, secret))
            previous = batch_hash(messages[-1])
        return messages


class Place:
    """What a gateway's metering service needs around it: `count` units, and the keys."""

    def __init__(self, count: int) -> None:
        self._units = {number: Meter(number).enrolled() for number in range(count)}

    def peek(self, number: int) -> EnrolledUnit | None:
        """`UnitDirectory.peek`."""
        return self._units.get(number)

    async def find(self, number: int) -> EnrolledUnit | None:
        """`UnitDirectory.find`."""
        return self._units.get(number)

    def signing_key(self) -> bytes:
        """`Keys.signing_key`."""
        return SIGNING_KEY

    async def mac_key(self, _unit: int) -> bytes | None:
        """`Keys.mac_key`."""
        return None

    async def unit_configuration(self, _unit: int) -> UnitConfiguration | None:
        """`ConfigurationSource.unit_configuration`."""
        return None
