"""Creators' signatures are checked, few at once here and many in another process."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chaincode.signing.certificate import parse
from network.embedded.creators import CreatorCheck
from network.embedded.pending import Pending
from network.embedded.proposal import Proposer
from network.embedded.signature_process import decode_request, encode_request, verify_all
from network.embedded.simulation import Simulated
from network.identity import Identity
from network.ledger import Committed, EndorseError
from tests.network.embedded.conftest import AURORA, CHANNEL, Site


def pending(identity: Identity, *, signed_by: Identity | None = None) -> Pending:
    """A simulated transaction, signed by its creator or by somebody else."""
    signed = Proposer(identity, CHANNEL).propose(AURORA, "add", [], 0, sign=True)
    if signed_by is not None:
        signed = replace(signed, signature=signed_by.sign(signed.payload))
    outcome = asyncio.get_running_loop().create_future()
    return Pending(signed, parse(identity.certificate), Simulated(b"", None, ()), 0, outcome)


class Forwarded(list[Pending]):
    """What has come through."""

    def take(self, pending: Pending) -> None:
        """What an orderer would do, and the commit too."""
        self.append(pending)
        pending.outcome.set_result(Committed(pending.signed.transaction_id, 0, b""))


async def check(creators: CreatorCheck, forwarded: Forwarded, batch: list[Pending]) -> list[bool]:
    """Hand over a batch at once; which of them came through."""
    forwarded.clear()
    for each in batch:
        creators.take(each)
    await asyncio.wait([each.outcome for each in batch])
    verdicts = [each.outcome.exception() is None for each in batch]
    assert forwarded == [each for each, verdict in zip(batch, verdicts, strict=True) if verdict]
    return verdicts


async def test_only_the_signed_come_through_in_order(site: Site) -> None:
    """Whether a batch is small, or large enough for the other process, or that process has died."""
    forwarded = Forwarded()
    creators = CreatorCheck(forwarded.take, helped=True)
    verdicts = [number % 3 != 1 for number in range(30)]

    def batch(size: int) -> list[Pending]:
        identities = (site.gateway, site.visitor)
        return [
            pending(identities[number % 2], signed_by=None if verdicts[number] else site.signer)
            for number in range(size)
        ]

    try:
        assert await check(creators, forwarded, batch(3)) == verdicts[:3]
        while creators.process_id is None:
            assert await check(creators, forwarded, batch(30)) == verdicts
        refused = batch(30)
        assert await check(creators, forwarded, refused) == verdicts
        with pytest.raises(EndorseError, match="signature does not fit"):
            refused[1].outcome.result()
        os.kill(creators.process_id, signal.SIGKILL)
        for _ in range(2):
            assert await check(creators, forwarded, batch(30)) == verdicts
    finally:
        await creators.close()


def test_the_other_process_verifies_what_it_is_asked(site: Site) -> None:
    """Keys are sent once; each signature has its own answer; rubbish is not a signature."""
    points = [
        parse(identity.certificate).key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        for identity in (site.gateway, site.visitor)
    ]
    good = site.gateway.sign(b"message")
    digest = sha256(b"message").digest()
    checks = [
        (points[0], digest, good),
        (points[1], digest, good),
        (points[0], sha256(b"another").digest(), good),
        (points[0], digest, b"rubbish"),
        (points[0], digest, b""),
        (points[1], digest, site.visitor.sign(b"message")),
    ]
    request = encode_request(checks)
    assert int.from_bytes(request[:4], "little") == len(request) - 4
    assert request.count(points[0]) == request.count(points[1]) == 1
    assert list(decode_request(request[4:])) == checks
    assert verify_all(iter(checks), {}) == bytes((1, 0, 0, 0, 0, 1))
