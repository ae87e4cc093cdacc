"""The `Ledger` protocol on a Fabric channel, and what proves its blocks to somebody who is offline."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence

from fabric_protos.common import common_pb2

from chaincode.signing.fabric.attestation import BLOCKS, BY_NUMBER, AttestedBlock
from chaincode.signing.fabric.export import export_block
from chaincode.signing.fabric.receipt import block_of, collect
from chaincode.signing.fabric.transaction import transaction_id_of
from network.fabric.block import AlteredBlock, decode_block
from network.fabric.chain import chain
from network.fabric.deliver import blocks
from network.fabric.gateway import Clock, Gateway, Timeouts, system_clock
from network.fabric.peer import Peer
from network.fabric.proposal import Signer
from network.ledger import VALID, Block, CommitStatus, Committed, EvaluateError, Event, Ledger

_KEPT = 256
"""Signed blocks that are kept: receipts share those of the condominium, its tariff and its units."""


class FabricLedger(Ledger):
    """A Fabric channel, as one identity sees it through the peers that it is given."""

    def __init__(
        self,
        signer: Signer,
        channel: str,
        peers: Sequence[Peer],
        *,
        timeouts: Timeouts | None = None,
        clock: Clock = system_clock,
    ) -> None:
        """`peers` in order of preference, the own organisation's first. `clock` dates proposals, in
        milliseconds since 1970; peers refuse what is too far from their own."""
        self.gateway = Gateway(signer, channel, peers, timeouts=timeouts, clock=clock)
        self._attested: OrderedDict[int, AttestedBlock] = OrderedDict()
        self._committed = -1
        self._followed: int | None = None

    @property
    def channel(self) -> str:
        """The channel's name."""
        return self.gateway.channel

    @property
    def msp_id(self) -> str:
        """The MSP id of the identity that signs here."""
        return self.gateway.signer.msp_id

    async def close(self) -> None:
        """Hang up on the peers."""
        await self.gateway.close()

    async def evaluate(self, namespace: str, function: str, arguments: Sequence[bytes]) -> bytes:
        """Run a query on one peer; see `network.ledger.Ledger.evaluate`."""
        return await self.gateway.evaluate(namespace, [function.encode(), *arguments])

    async def submit(self, namespace: str, function: str, arguments: Sequence[bytes]) -> Committed:
        """Endorse, order and wait for the commit; see `network.ledger.Ledger.submit`."""
        committed = await self.gateway.submit(namespace, [function.encode(), *arguments])
        self._committed = max(self._committed, committed.block)
        return committed

    async def commit_status(self, transaction_id: str) -> CommitStatus:
        """Where a transaction ended; waits for one under way. Raises CommitStatusError."""
        return await self.gateway.commit_status(transaction_id)

    async def events(self, start_block: int) -> AsyncIterator[Event]:
        """Every event of valid transactions of all namespaces from `start_block` on, without end."""
        self._followed = start_block - 1
        async for block in self.blocks(start_block):
            for transaction in block.transactions:
                if transaction.validation == VALID and transaction.event is not None:
                    name, payload = transaction.event
                    yield Event(
                        block=block.number,
                        transaction_id=transaction.id,
                        timestamp=transaction.timestamp,
                        namespace=transaction.namespace,
                        name=name,
                        payload=payload,
                    )
            self._followed = block.number
            self.gateway.answered.set()

    @property
    def pending(self) -> int:
        """How many calls wait for an answer, and whether committed events have still to be read: no time may
        pass on a simulated clock until then."""
        behind = self._followed is not None and self._followed < self._committed
        return self.gateway.under_way + behind

    async def change(self) -> None:
        """Wait until `pending` may be another."""
        self.gateway.answered.clear()
        await self.gateway.answered.wait()

    def blocks(self, start_block: int) -> AsyncIterator[Block]:
        """Every block from `start_block` on as it comes, each linked to the one before; without end."""
        return blocks(self.gateway, start_block)

    async def block(self, number: int) -> Block:
        """One block, its hashes checked. Raises EvaluateError where there is none or it is altered."""
        content = await self.gateway.evaluate(BLOCKS, self._question(number))
        try:
            block = decode_block(common_pb2.Block.FromString(content))
        except AlteredBlock as error:
            raise EvaluateError(str(error)) from error
        if block.number != number:
            raise EvaluateError(f"block {number} was asked for and block {block.number} came")
        return block

    async def height(self) -> int:
        """How many blocks there are."""
        return (await chain(self.gateway)).height

    async def receipt(self, session: str, transactions: Sequence[str]) -> bytes:
        """The file that proves a session, of whose record `transactions` (ids) are all that wrote it.

        Raises EvaluateError or CommitStatusError where the peer does not answer."""
        statuses = await asyncio.gather(*(self.commit_status(each) for each in transactions))
        places = []
        for status in statuses:
            envelopes = block_of(await self._attest(status.block)).envelopes
            ids = [transaction_id_of(envelope) for envelope in envelopes]
            places.append((status.block, ids.index(status.transaction_id)))
        return (await collect(self.channel, session, places, self._attest)).encode()

    async def export(self, number: int) -> bytes:
        """One block as an auditor takes it away. Raises EvaluateError."""
        return export_block(await self.gateway.evaluate(BLOCKS, self._question(number)))

    async def _attest(self, number: int) -> AttestedBlock:
        """A block, signed by the peer."""
        attested = self._attested.get(number)
        if attested is None:
            proposal, answer = await self.gateway.answer(BLOCKS, self._question(number))
            endorsement = answer.endorsement.SerializeToString()
            attested = AttestedBlock(proposal.content, answer.payload, endorsement)
            self._attested[number] = attested
            if len(self._attested) > _KEPT:
                self._attested.popitem(last=False)
        else:
            self._attested.move_to_end(number)
        return attested

    def _question(self, number: int) -> list[bytes]:
        return [BY_NUMBER.encode(), self.channel.encode(), str(number).encode()]
