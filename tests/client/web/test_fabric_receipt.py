"""The wallet's own verification of a Fabric channel's receipts, run by Node.js."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2

from chaincode.signing.fabric.attestation import AttestedBlock
from chaincode.signing.fabric.receipt import FabricReceipt
from network.authority import Authority
from tests.chaincode.world import PartyWallet
from tests.client.auditor.channel import Channel, peer_of
from tests.client.residence import CHANNEL, START, opened, registered
from tests.client.web.test_receipt import verify

pytestmark = pytest.mark.slow


@dataclass
class Charged:
    """A session's receipt, and who can make another."""

    receipt: FabricReceipt
    channel: Channel
    authority: Authority
    folder: Path

    def ending(self, attested: AttestedBlock) -> bytes:
        """The receipt with another answer for its last block."""
        return replace(self.receipt, blocks=(*self.receipt.blocks[:-1], attested)).encode()


@pytest.fixture(scope="module")
def charged(tmp_path_factory: pytest.TempPathFactory) -> Charged:
    """A session on a channel of two condominiums."""
    folder = tmp_path_factory.mktemp("channel")
    authorities = {code: Authority.create(code, START) for code in ("aurora", "boreal")}

    async def charge() -> Charged:
        async with opened(folder, authorities) as bridge:
            aurora = await registered("aurora", bridge, authorities)
            unit, wallet = await aurora.enrol(7), PartyWallet()
            await aurora.fund(wallet, 1_000)
            tariff = await bridge.evaluate(aurora.creator(), aurora.namespace, "tariff.get", b"1")
            registers = [1_000_000, 6_000_000, 16_000_000]
            prices = hashlib.sha256(tariff).hexdigest()
            session = await aurora.charge(wallet, unit, registers, tariff_hash=prices)
            channel = await Channel.of(bridge, [peer_of(each, folder) for each in authorities.values()])
            receipt = await channel.receipt(aurora, session)
            return Charged(receipt, channel, authorities["aurora"], folder)

    return asyncio.run(charge())


def test_a_true_receipt_verifies(charged: Charged, tmp_path: Path) -> None:
    """The bill comes to the same sum on the phone as on the ledger."""
    [verdict] = verify(tmp_path, charged.authority.root, [charged.receipt.encode()])
    assert verdict["state"] == "settled", verdict
    assert verdict["settlement"]["cost"] == 300


def test_every_forgery_fails(charged: Charged, tmp_path: Path) -> None:
    """Envelope, validation code, signer, question: whatever was changed, a link is missing."""
    block = charged.channel.blocks[charged.receipt.transactions[-1][0]]
    invalid, altered = (common_pb2.Block.FromString(block.SerializeToString()) for _ in range(2))
    invalid.metadata.metadata[common_pb2.TRANSACTIONS_FILTER] = b"\x0b"
    altered.data.data[0] = altered.data.data[0].replace(b'"cost":300', b'"cost":100')
    stranger = peer_of(Authority.create("aurora", START), charged.folder / "stranger")
    good = charged.receipt.blocks[-1]
    number = str(block.header.number).encode()
    question = [b"GetBlockByHash", CHANNEL.encode(), number]
    forgeries = {
        "invalid": charged.ending(charged.channel.attested(invalid)),
        "block": charged.ending(charged.channel.attested(altered)),
        "certificate": charged.ending(charged.channel.attested(block, stranger)),
        "network": charged.ending(
            charged.channel.answered(question, block.SerializeToString(), charged.channel.peers[0])
        ),
        "form": charged.ending(replace(good, endorsement=good.endorsement + b"\x1a\x04paid")),
        "missing": replace(
            charged.receipt,
            transactions=charged.receipt.transactions[:-1],
            blocks=charged.receipt.blocks[:-1],
        ).encode(),
    }
    client = charged.authority.issue("gateway", "gateway", START)
    forgeries_of_clients = charged.ending(charged.channel.attested(block, client))
    verdicts = verify(tmp_path, charged.authority.root, [*forgeries.values(), forgeries_of_clients])
    assert [verdict["failed"] for verdict in verdicts] == [*forgeries, "certificate"]


def test_every_changed_byte_fails(charged: Charged, tmp_path: Path) -> None:
    """A byte here and there of what the peer signed: no receipt any more, and no other kind of error."""
    files = []
    for name in ("proposal", "response", "endorsement"):
        value = getattr(charged.receipt.blocks[-1], name)
        for place in range(0, len(value), max(1, len(value) // 60)):
            changed = bytearray(value)
            changed[place] ^= 1
            files.append(charged.ending(replace(charged.receipt.blocks[-1], **{name: bytes(changed)})))
    verdicts = verify(tmp_path, charged.authority.root, files)
    links = {"form", "block", "certificate", "network", "invalid"}
    assert {json.dumps(verdict) for verdict in verdicts if verdict.get("failed") not in links} == set()
