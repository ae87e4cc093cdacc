"""Receipts of a Fabric channel: a good one verifies, a forged one does not, whoever forged it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import proposal_response_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from chaincode.fields import encode
from chaincode.session import Session, key_of
from chaincode.signing.fabric.attestation import BY_NUMBER
from chaincode.signing.fabric.receipt import FabricReceipt, decode_receipt
from chaincode.signing.transaction import TransactionRecord, decode_transaction
from client.auditor.errors import ReceiptError
from client.auditor.receipt import verify_receipt
from network.authority import Authority
from tests.chaincode.world import PartyWallet
from tests.client.auditor.channel import Channel, peer_of
from tests.client.residence import CHANNEL, START, opened, registered
from tests.examples import examples

MVCC_READ_CONFLICT = 11


@dataclass
class Charged:
    """A session on a channel of two condominiums, and the embedded ledger's own records of it."""

    receipt: FabricReceipt
    other: FabricReceipt
    channel: Channel
    records: dict[tuple[int, int], TransactionRecord]
    authorities: dict[str, Authority]
    folder: Path

    @property
    def root(self) -> bytes:
        """The host's."""
        return self.authorities["aurora"].root

    @property
    def roots(self) -> tuple[bytes, bytes]:
        """Both condominiums'."""
        return self.root, self.authorities["boreal"].root

    @property
    def settled(self) -> tuple[int, int]:
        """Where the settlement is."""
        return self.receipt.transactions[-1]

    def with_block(self, number: int, content: common_pb2.Block) -> FabricReceipt:
        """The receipt with another block in the place of its own, signed by the peer that signs all."""
        return self.with_attested(number, self.channel.attested(content))

    def with_attested(self, number: int, attested: Any) -> FabricReceipt:
        """The receipt with another peer's answer in the place of its own."""
        numbers = sorted({block for block, _ in self.receipt.transactions})
        blocks = list(self.receipt.blocks)
        blocks[numbers.index(number)] = attested
        return replace(self.receipt, blocks=tuple(blocks))

    def signed_by(self, peer: int) -> FabricReceipt:
        """The receipt as another condominium's gateway gives it, its own peer under every block."""
        numbers = sorted({block for block, _ in self.receipt.transactions})
        blocks = [
            self.channel.attested(self.channel.blocks[number], self.channel.peers[peer]) for number in numbers
        ]
        return replace(self.receipt, blocks=tuple(blocks))

    def with_envelope(self, place: tuple[int, int], envelope: bytes) -> FabricReceipt:
        """The receipt of a peer that signs a block in which a transaction was replaced."""
        channel = Channel(self.channel.clients, self.channel.peers, blocks=self.channel.blocks[: place[0]])
        block = self.channel.blocks[place[0]]
        envelopes = [*block.data.data]
        envelopes[place[1]] = envelope
        channel.seal(envelopes, block.metadata.metadata[common_pb2.TRANSACTIONS_FILTER])
        return self.with_block(place[0], channel.blocks[-1])


@pytest.fixture(scope="module")
def charged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Charged]:
    """A session that started, was checkpointed and settled, and another one at the same unit."""
    authorities = {code: Authority.create(code, START) for code in ("aurora", "boreal")}
    folder = tmp_path_factory.mktemp("receipt")

    async def charge() -> Charged:
        async with opened(folder, authorities) as bridge:
            aurora = await registered("aurora", bridge, authorities)
            unit, wallet = await aurora.enrol(7), PartyWallet()
            await aurora.fund(wallet, 1_000)
            one = await aurora.charge(wallet, unit, [1_000_000, 6_000_000, 16_000_000])
            two = await aurora.charge(wallet, unit, [16_000_000, 17_000_000])
            peers = [peer_of(each, folder) for each in authorities.values()]
            channel = await Channel.of(bridge, peers)
            records = {
                (number, index): decode_transaction(body)
                for number, block in enumerate(await bridge.blocks())
                for index, body in enumerate(block.transactions)
            }
            receipts = [await channel.receipt(aurora, session) for session in (one, two)]
            return Charged(receipts[0], receipts[1], channel, records, authorities, folder)

    yield asyncio.run(charge())


def test_it_verifies_untouched(charged: Charged) -> None:
    """Under the host's root alone, and under both, where both have signed its blocks."""
    file = charged.receipt.encode()
    assert decode_receipt(file) == charged.receipt
    proven = verify_receipt(file, charged.root)
    assert proven.session.settlement is not None
    assert (proven.session.settlement.cost, proven.session.settlement.refund) == (300, 200)
    assert (proven.network, proven.condominium.code, proven.tariff.number) == (CHANNEL, "aurora", 1)
    assert (proven.block, proven.witnesses) == (charged.settled[0], ("aurora",))
    other = charged.signed_by(1).encode()
    assert verify_receipt(file, *charged.roots, others=[other]).witnesses == ("aurora", "boreal")
    assert verify_receipt(other, *charged.roots, others=[file]).witnesses == ("aurora", "boreal")


@settings(max_examples=examples(100), deadline=None)
@given(data=st.data())
def test_no_byte_can_be_changed(charged: Charged, data: st.DataObject) -> None:
    """Whichever byte of what a peer answered is replaced by whichever other, it is no receipt any more."""
    number = data.draw(st.integers(0, len(charged.receipt.blocks) - 1))
    attested = charged.receipt.blocks[number]
    name = data.draw(st.sampled_from(["proposal", "response", "endorsement"]))
    value = bytearray(getattr(attested, name))
    value[data.draw(st.integers(0, len(value) - 1))] ^= data.draw(st.integers(1, 255))
    blocks = list(charged.receipt.blocks)
    blocks[number] = replace(attested, **{name: bytes(value)})
    with pytest.raises(ReceiptError):
        verify_receipt(replace(charged.receipt, blocks=tuple(blocks)).encode(), charged.root)


def test_an_altered_envelope_is_found(charged: Charged) -> None:
    """Who signs a cheaper bill has neither the client's signature nor the other peer's for it."""
    number, index = charged.settled
    block = charged.channel.blocks[number]
    cheaper = block.data.data[index].replace(b'"cost":300', b'"cost":100')
    assert cheaper != block.data.data[index]
    for roots in ((charged.root,), charged.roots):
        with pytest.raises(ReceiptError, match="signature"):
            verify_receipt(charged.with_envelope(charged.settled, cheaper).encode(), *roots)


def _cheaper(content: kv_rwset_pb2.KVRWSet) -> None:
    for write in content.writes:
        write.value = write.value.replace(b'"cost":300', b'"cost":100').replace(
            b'"refund":200', b'"refund":400'
        )


def test_a_bill_that_the_rules_do_not_make_is_found(charged: Charged) -> None:
    """Client, host and another member together sign what the rules never made: they are run again."""
    record = charged.records[charged.settled]
    lied = replace(record, result=record.result.replace(b'"cost":300', b'"cost":100'))
    for forged in (
        charged.channel.envelope(record, _cheaper),
        charged.channel.envelope(lied),
    ):
        with pytest.raises(ReceiptError, match="rules"):
            verify_receipt(charged.with_envelope(charged.settled, forged).encode(), *charged.roots)


def test_an_invented_block_is_one_condominiums_word(charged: Charged) -> None:
    """A settlement that both endorsed and the channel found invalid, in a block that the host's peer signs as
    if it were valid: with both roots given nobody believes it, whatever else is given with it."""
    invented = charged.receipt.encode()
    assert verify_receipt(invented, charged.root).witnesses == ("aurora",)
    with pytest.raises(ReceiptError, match="aurora alone"):
        verify_receipt(invented, *charged.roots)
    with pytest.raises(ReceiptError, match="aurora alone"):
        verify_receipt(invented, *charged.roots, others=[invented])
    number, index = charged.settled
    truth = common_pb2.Block.FromString(charged.channel.blocks[number].SerializeToString())
    codes = bytearray(truth.metadata.metadata[common_pb2.TRANSACTIONS_FILTER])
    codes[index] = MVCC_READ_CONFLICT
    truth.metadata.metadata[common_pb2.TRANSACTIONS_FILTER] = bytes(codes)
    attested = charged.channel.attested(truth, charged.channel.peers[1])
    for receipt, why in (
        (replace(charged.signed_by(1), blocks=(*charged.signed_by(1).blocks[:-1], attested)), "no valid"),
        (charged.with_attested(number, charged.signed_by(1).blocks[-1]), "aurora alone"),
        (charged.other, "do not prove the same"),
    ):
        with pytest.raises(ReceiptError, match=why):
            verify_receipt(invented, *charged.roots, others=[receipt.encode()])


def test_an_invalid_transaction_proves_nothing(charged: Charged) -> None:
    """A code that says conflict, a code that is missing, and a place where nothing is."""
    number, index = charged.settled
    for codes in (bytes((MVCC_READ_CONFLICT,)), b""):
        block = common_pb2.Block.FromString(charged.channel.blocks[number].SerializeToString())
        block.metadata.metadata[common_pb2.TRANSACTIONS_FILTER] = codes
        with pytest.raises(ReceiptError, match="valid"):
            verify_receipt(charged.with_block(number, block).encode(), charged.root)
    places = (*charged.receipt.transactions[:-1], (number, index + 1))
    with pytest.raises(ReceiptError, match="no valid transaction"):
        verify_receipt(replace(charged.receipt, transactions=places).encode(), charged.root)


def test_a_block_whose_hash_does_not_fit_is_refused(charged: Charged) -> None:
    """Altered data under the old header; the same data cut in another place under a header that fits."""
    number, index = charged.settled
    block = common_pb2.Block.FromString(charged.channel.blocks[number].SerializeToString())
    block.data.data[index] += b"\x1a\x00"
    with pytest.raises(ReceiptError, match="data hash"):
        verify_receipt(charged.with_block(number, block).encode(), charged.root)
    envelope = charged.channel.blocks[number].data.data[index]
    with pytest.raises(ReceiptError, match="twice"):
        verify_receipt(charged.with_envelope(charged.settled, envelope + envelope).encode(), charged.root)


def test_only_a_peer_under_the_root_is_believed(charged: Charged) -> None:
    """Another root's peer, the condominium's own gateway, and a peer that nobody certified."""
    number, _ = charged.settled
    block = charged.channel.blocks[number]
    aurora = charged.authorities["aurora"]
    stranger = peer_of(Authority.create("aurora", START), charged.folder / "stranger")
    for signer, why in (
        (charged.channel.peers[1], "borealMSP"),
        (aurora.issue("gateway", "gateway", START), "not a peer"),
        (stranger, "not issued"),
    ):
        attested = charged.channel.attested(block, signer)
        with pytest.raises(ReceiptError, match=why):
            verify_receipt(charged.with_attested(number, attested).encode(), charged.root)
    with pytest.raises(ReceiptError, match="root certificate"):
        verify_receipt(charged.receipt.encode(), b"no certificate")


def test_a_signature_is_not_another_answers(charged: Charged) -> None:
    """The peer's signature under another block, and its answer to another question."""
    number, _ = charged.settled
    numbers = sorted({block for block, _ in charged.receipt.transactions})
    good, other = charged.receipt.blocks[numbers.index(number)], charged.receipt.blocks[0]
    swapped = replace(good, endorsement=other.endorsement)
    with pytest.raises(ReceiptError, match="signature"):
        verify_receipt(charged.with_attested(number, swapped).encode(), charged.root)
    with pytest.raises(ReceiptError, match="another proposal"):
        verify_receipt(
            charged.with_attested(number, replace(good, proposal=other.proposal)).encode(), charged.root
        )
    value = charged.channel.blocks[number].SerializeToString()
    for arguments in (
        [b"GetBlockByHash", CHANNEL.encode(), str(number).encode()],
        [BY_NUMBER.encode(), b"elsewhere", str(number).encode()],
        [BY_NUMBER.encode(), CHANNEL.encode(), b"0"],
    ):
        attested = charged.channel.answered(arguments, value, charged.channel.peers[0])
        with pytest.raises(ReceiptError, match=BY_NUMBER):
            verify_receipt(charged.with_attested(number, attested).encode(), charged.root)


def test_nothing_can_be_left_out_doubled_or_added(charged: Charged) -> None:
    """Each transaction is needed, each stands once, and no block holds none of them."""
    receipt = charged.receipt
    for number, place in enumerate(receipt.transactions):
        without = receipt.transactions[:number] + receipt.transactions[number + 1 :]
        kept = {block for block, _ in without}
        numbers = sorted({block for block, _ in receipt.transactions})
        blocks = tuple(each for each, n in zip(receipt.blocks, numbers, strict=True) if n in kept)
        for changed in (
            replace(receipt, transactions=without, blocks=blocks),
            replace(receipt, transactions=(*receipt.transactions, place)),
        ):
            with pytest.raises(ReceiptError):
                verify_receipt(changed.encode(), charged.root)
    for changed in (
        replace(receipt, blocks=(*receipt.blocks, receipt.blocks[-1])),
        replace(receipt, blocks=receipt.blocks[::-1]),
        replace(receipt, blocks=receipt.blocks[:-1]),
        replace(receipt, transactions=receipt.transactions[:-1]),
        replace(receipt, session=charged.other.session),
        replace(receipt, network="elsewhere"),
    ):
        with pytest.raises(ReceiptError):
            verify_receipt(changed.encode(), charged.root)


def _padded(endorsement: bytes) -> bytes:
    return endorsement + b"\x1a\x0cpaid in cash"


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members | {"paid": 0},
        lambda members: members | {"version": 2},
        lambda members: members | {"transactions": [["1", "2"]]},
        lambda members: members | {"transactions": None},
        lambda members: members | {"blocks": [members["blocks"][0] | {"note": "paid in cash"}]},
        lambda members: members | {"blocks": [[]]},
        lambda members: members | {"ledger": "paper"},
    ],
)
def test_nothing_may_stand_beside_the_proofs(
    charged: Charged, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """A member that nobody signed could be believed by somebody, so there is none."""
    with pytest.raises(ReceiptError):
        verify_receipt(encode(change(json.loads(charged.receipt.encode()))), charged.root)


def test_there_is_no_room_in_what_was_signed(charged: Charged) -> None:
    """Fields that decoders pass over are not covered by the signature, so they are refused."""
    number, _ = charged.settled
    attested = charged.channel.attested(charged.channel.blocks[number])
    signed = proposal_response_pb2.Endorsement.FromString(attested.endorsement)
    assert signed.signature
    for changed in (
        replace(attested, endorsement=_padded(attested.endorsement)),
        replace(attested, proposal=_padded(attested.proposal)),
    ):
        with pytest.raises(ReceiptError, match="more than its parts"):
            verify_receipt(charged.with_attested(number, changed).encode(), charged.root)


def test_the_session_is_in_its_transactions(charged: Charged) -> None:
    """What the receipt proves is what the ledger has."""
    record = charged.records[charged.settled]
    values = {write.key: write.value for each in record.sets for write in each.writes}
    stored = values[key_of(charged.receipt.session)]
    assert stored is not None
    assert verify_receipt(charged.receipt.encode(), charged.root).session == Session.decode(stored)
