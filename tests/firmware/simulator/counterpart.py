"""A gateway's side of one unit's conversation, made from the platform's own codecs: what the simulated
unit says is read, and what it is told is written, by code that it shares nothing with."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from nacl.bindings import crypto_sign_seed_keypair

from chaincode.signing import domain
from chaincode.signing.batch import NO_SESSION, Batch, Flag, batch_hash, body_length, decode_batch
from chaincode.signing.command import Command, CommandKind, seal_command, sign_command
from chaincode.signing.configuration import Configuration, seal_configuration, sign_configuration
from firmware.simulator.unit.authentication import Authentication, MacAuthentication, SignatureAuthentication
from firmware.simulator.unit.identity import Identity

CONDOMINIUM_PUBLIC, CONDOMINIUM_SECRET = crypto_sign_seed_keypair(b"c" * 32)
UNIT_SEED = b"u" * 32
UNIT_PUBLIC = crypto_sign_seed_keypair(UNIT_SEED)[0]
MAC_KEY = b"k" * 16
NETWORK = domain.network_tag("condocharge", "aurora")
EPOCH = 1_767_268_800
"""A whole hour, in Unix seconds."""
SESSION = bytes(range(16))


def identity(key_class: str = "ed25519", unit: int = 7) -> Identity:
    """A provisioned unit of either class."""
    authentication: Authentication = (
        SignatureAuthentication.from_seed(UNIT_SEED, CONDOMINIUM_PUBLIC)
        if key_class == "ed25519"
        else MacAuthentication(MAC_KEY)
    )
    return Identity(unit, authentication, salt=b"s" * 32)


@dataclass
class Counterpart:
    """Checks and keeps a unit's batches; composes commands whose counter rises."""

    key_class: str = "ed25519"
    unit: int = 7
    boot: int = 1
    counter: int = 0
    acknowledged: int = 0
    batches: list[Batch] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)

    def receive(self, messages: list[bytes]) -> list[Batch]:
        """Check what the unit sent and keep it by its number, as one that was lost may come after a later
        one. Fails on a wrong signature, a fall or a repeated number."""
        fresh = []
        for message in messages:
            body = message[: body_length(message)]
            tag = message[len(body) :]
            if self.key_class == "ed25519":
                assert domain.verifies(UNIT_PUBLIC, domain.BATCH, body, tag)
            else:
                assert domain.authenticates(MAC_KEY, domain.BATCH, body, tag)
            batch = decode_batch(body)
            assert batch.unit == self.unit
            assert batch.network == NETWORK
            if message in self.messages:
                continue
            place = self._place(batch)
            self.batches.insert(place, batch)
            self.messages.insert(place, message)
            fresh.append(batch)
            self.boot = max(self.boot, batch.boot)
            self.acknowledged = max(self.acknowledged, batch.number)
        return fresh

    def _place(self, batch: Batch) -> int:
        """Where a batch belongs among those that came: after the one before, before the one after."""
        place = bisect_left(self.batches, batch.number, key=lambda each: each.number)
        for before, after in (
            (self.batches[:place][-1:], [batch]),
            ([batch], self.batches[place : place + 1]),
        ):
            for one, other in zip(before, after, strict=False):
                assert one.number < other.number
                assert one.register <= other.register
                assert one.boot <= other.boot
        last = self.batches[place - 1] if place else None
        if last is not None and (last.boot, last.number) == (batch.boot, batch.number - 1):
            assert batch.previous == batch_hash(self.messages[place - 1])
        return place

    def command(
        self,
        kind: CommandKind,
        issued: int,
        *,
        session: bytes = SESSION,
        grant: int = 600,
        current: int = 0,
        acknowledged: int | None = None,
    ) -> bytes:
        """A command for the unit's present boot."""
        self.counter += 1
        command = Command(
            kind=kind,
            unit=self.unit,
            network=NETWORK,
            boot=self.boot,
            counter=self.counter,
            issued=issued,
            session=NO_SESSION if kind is CommandKind.ACKNOWLEDGE else session,
            grant=grant if kind is CommandKind.ON else 0,
            current=current,
            acknowledged=self.acknowledged if acknowledged is None else acknowledged,
        )
        if self.key_class == "ed25519":
            return sign_command(command, CONDOMINIUM_SECRET)
        return seal_command(command, MAC_KEY)

    def configuration(
        self,
        *,
        boot: int = 1,
        transmission: int = 300,
        sampling: int = 60,
        maximum: int = 160,
        fallback: int = 0,
        always_on: bool = False,
    ) -> bytes:
        """An answer to the unit's question."""
        configuration = Configuration(
            unit=self.unit,
            network=NETWORK,
            boot=boot,
            issued=EPOCH,
            transmission=transmission,
            sampling=sampling,
            maximum=maximum,
            fallback=fallback,
            voltage=2_300,
            port=8_080,
            server="gateway.example",
            time_server="time.example",
            always_on=always_on,
        )
        if self.key_class == "ed25519":
            return sign_configuration(configuration, CONDOMINIUM_SECRET)
        return seal_configuration(configuration, MAC_KEY)

    def flags(self, *wanted: Flag) -> list[Batch]:
        """The batches that have all of `wanted`."""
        return [batch for batch in self.batches if all(flag in batch.flags for flag in wanted)]
