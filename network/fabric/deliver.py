"""Blocks as they come, from the peer's Deliver service.

Deliver, not polling `qscc`: the peer pushes each block once it has committed it, with every transaction's
validation code, and one stream carries all namespaces. The Gateway's own event service takes one
chaincode a stream and would not say which blocks held nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2

from network.fabric.block import AlteredBlock, decode_block
from network.fabric.chain import chain
from network.fabric.gateway import Gateway, system_clock
from network.fabric.peer import Connection
from network.fabric.proposal import channel_header, envelope
from network.ledger import Block, LedgerError

log = logging.getLogger(__name__)

_LAST = 2**63 - 1
_PAUSE = 0.5


async def blocks(gateway: Gateway, start: int) -> AsyncIterator[Block]:
    """Every block from number `start` on, in order, each linked to the one before; goes on for ever.

    Where a stream breaks, the next peer goes on at the block after the last one. A block that does not
    link to the one before is not passed on: its peer is left, and another one asked. Where the own peer
    joined with a snapshot and no other holds block `start`, the first is the one after the snapshot's.
    """
    number = start
    previous: bytes | None = None
    while True:
        for connection in gateway.connections:
            try:
                async for block in _from_peer(gateway, connection, number):
                    _check_link(block, number, previous)
                    yield block
                    number, previous = number + 1, block.hash
            except (grpc.aio.AioRpcError, AlteredBlock) as error:
                reason = error.details() if isinstance(error, grpc.aio.AioRpcError) else error
                log.warning("the blocks of %s broke off at %s: %s", connection.peer.address, number, reason)
            await asyncio.sleep(_PAUSE)
        if previous is None:
            number = max(number, await _first_held(gateway))


async def _first_held(gateway: Gateway) -> int:
    """The first block that the own organisation's peer holds; 0 where it does not say."""
    try:
        first = (await chain(gateway, [gateway.signer.msp_id])).first
    except LedgerError:
        return 0
    if first:
        log.warning("blocks begin with %s: the peer joined with a snapshot", first)
    return first


def _check_link(block: Block, number: int, previous: bytes | None) -> None:
    """Raises AlteredBlock where `block` is not `number`, or its previous hash is another than `previous`."""
    if block.number != number or previous not in (None, block.previous_hash):
        raise AlteredBlock(f"block {block.number} does not follow block {number - 1}")


async def _from_peer(gateway: Gateway, connection: Connection, start: int) -> AsyncIterator[Block]:
    seek = ab_pb2.SeekInfo(
        start=ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=start)),
        stop=ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=_LAST)),
        behavior=ab_pb2.SeekInfo.BLOCK_UNTIL_READY,
    )
    # The clock of the machine, not the ledger's: peers refuse requests that are minutes old.
    header = channel_header(common_pb2.DELIVER_SEEK_INFO, gateway.channel, system_clock())
    request = envelope(gateway.signer, header, seek.SerializeToString())
    call = connection.deliver.Deliver(iter((request,)))
    try:
        async for answer in call:
            if answer.WhichOneof("Type") == "block":
                yield decode_block(answer.block)
            else:
                name = common_pb2.Status.Name(answer.status)
                log.warning("%s ended the blocks: %s", connection.peer.address, name)
    finally:
        call.cancel()
