"""Receipts of sessions on a Fabric channel, in one JSON file.

Its envelope (`chaincode.signing.envelope`) says `ledger: fabric`, and holds:

============ =====================================================================================
transactions [block, place] of each transaction that is needed, in the ledger's order
blocks       the blocks that hold them (`chaincode.signing.fabric.attestation`), in order
============ =====================================================================================

The transactions are those that wrote the session's record, and those that wrote what those read: as on the
embedded ledger (`chaincode.signing.receipt`), of which this is the other form. Blocks are whole, since
Fabric's data hash has no tree: what else was in them is in the file too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from chaincode.errors import InvalidArgument
from chaincode.fields import Fields
from chaincode.signing.envelope import seal, unseal
from chaincode.signing.fabric.attestation import AttestedBlock
from chaincode.signing.fabric.block import FabricBlock, decode_block
from chaincode.signing.fabric.transaction import decode_answer, decode_transaction
from chaincode.signing.receipt import MAX_PROOFS, is_meter
from chaincode.signing.transaction import ABSENT, MAX_TRANSACTIONS

LEDGER = "fabric"
Place = tuple[int, int]
"""A block's number, and a transaction's place in it."""


@dataclass(frozen=True, slots=True)
class FabricReceipt:
    """A receipt as its parts."""

    network: str
    session: str
    transactions: tuple[Place, ...]
    blocks: tuple[AttestedBlock, ...]

    def encode(self) -> bytes:
        """The receipt's file."""
        proofs = {
            "transactions": [list(place) for place in self.transactions],
            "blocks": [block.to_json() for block in self.blocks],
        }
        return seal(LEDGER, self.network, self.session, proofs)


def decode_receipt(file: bytes) -> FabricReceipt:
    """The parts of a receipt's file, whose truth is still to be checked.

    Raises InvalidArgument for any other bytes than `FabricReceipt.encode` writes."""

    def parts(network: str, session: str, fields: Fields) -> FabricReceipt:
        transactions = tuple(map(_place, fields.members("transactions", MAX_PROOFS)))
        blocks = tuple(map(AttestedBlock.from_json, fields.members("blocks", MAX_PROOFS)))
        return FabricReceipt(network, session, transactions, blocks)

    return unseal(file, LEDGER, parts)


async def collect(
    network: str,
    session: str,
    own: Iterable[Place],
    attest: Callable[[int], Awaitable[AttestedBlock]],
) -> FabricReceipt:
    """The receipt of an ended session.

    `own` are the places of all transactions that wrote its record; `attest` has a peer sign a block."""
    attested: dict[int, AttestedBlock] = {}
    blocks: dict[int, FabricBlock] = {}

    async def block(number: int) -> FabricBlock:
        if number not in blocks:
            attested[number] = await attest(number)
            blocks[number] = block_of(attested[number])
        return blocks[number]

    places = set(own)
    wanted: set[int] = set()
    for number, index in places:
        for each in decode_transaction((await block(number)).envelopes[index]).sets:
            # A meter's row that none of these wrote is the neighbour's before.
            wanted.update(read.version for read in each.reads if not is_meter(read.key))
    for version in wanted - {ABSENT}:
        place = divmod(version, MAX_TRANSACTIONS)
        await block(place[0])
        places.add(place)
    return FabricReceipt(
        network, session, tuple(sorted(places)), tuple(attested[number] for number in sorted(attested))
    )


def block_of(attested: AttestedBlock) -> FabricBlock:
    """The block that a peer handed out, its signature not checked. Raises MalformedError."""
    return decode_block(decode_answer(attested.proposal, attested.response, attested.endorsement).value)


def _place(members: object) -> Place:
    match members:
        case [int(block), int(index)] if block >= 0 <= index < MAX_TRANSACTIONS:
            return block, index
    raise InvalidArgument("transactions", "are pairs of a block and a place in it")
