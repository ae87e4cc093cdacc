"""Blocks from the members' orderers, for who has no peer on the channel yet."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2, ab_pb2_grpc

from network.fabric.gateway import system_clock
from network.fabric.proposal import Signer, channel_header, envelope
from network.federation.description import Federation, FederationError, Member

_SECONDS = 20.0


async def first_block(federation: Federation, signer: Signer) -> bytes:
    """The channel's first block. Raises FederationError where no member hands it out."""
    return await numbered(federation, signer, 0)


async def numbered(federation: Federation, signer: Signer, number: int) -> bytes:
    """Block `number`. Raises FederationError where no member hands it out."""
    position = ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))
    return bytes((await _from_any(federation, signer, position)).SerializeToString())


async def newest_number(federation: Federation, signer: Signer) -> int:
    """The number of the newest block. Raises FederationError where no member says."""
    newest = ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
    return int((await _from_any(federation, signer, newest)).header.number)


async def newest_configuration(federation: Federation, signer: Signer) -> bytes:
    """The newest configuration block. Raises FederationError where no member hands it out."""
    newest = ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
    block = await _from_any(federation, signer, newest)
    signatures = common_pb2.Metadata.FromString(block.metadata.metadata[common_pb2.SIGNATURES])
    last = common_pb2.OrdererBlockMetadata.FromString(signatures.value).last_config.index
    return await numbered(federation, signer, last)


async def _from_any(
    federation: Federation, signer: Signer, position: ab_pb2.SeekPosition
) -> common_pb2.Block:
    """One block, from the first member's orderer that hands it out."""
    refusals: list[str] = []
    for member in _others(federation, signer):
        try:
            return await _from_orderer(member, federation.channel, signer, position)
        except (grpc.aio.AioRpcError, FederationError) as error:
            reason = error.details() if isinstance(error, grpc.aio.AioRpcError) else str(error)
            refusals.append(f"{member.code}: {reason}")
    raise FederationError(f"no member hands out a block of {federation.channel}: {'; '.join(refusals)}")


def _others(federation: Federation, signer: Signer) -> Sequence[Member]:
    return [member for member in federation.members if member.msp_id != signer.msp_id]


async def _from_orderer(
    member: Member, channel: str, signer: Signer, position: ab_pb2.SeekPosition
) -> common_pb2.Block:
    seek = ab_pb2.SeekInfo(start=position, stop=position, behavior=ab_pb2.SeekInfo.FAIL_IF_NOT_READY)
    header = channel_header(common_pb2.DELIVER_SEEK_INFO, channel, system_clock())
    request = envelope(signer, header, seek.SerializeToString())
    credentials = grpc.ssl_channel_credentials(member.tls_root.encode())
    async with grpc.aio.secure_channel(member.orderer, credentials) as connection:
        call = ab_pb2_grpc.AtomicBroadcastStub(connection).Deliver(iter((request,)), timeout=_SECONDS)
        async for answer in call:
            if answer.WhichOneof("Type") == "block":
                return answer.block
            raise FederationError(common_pb2.Status.Name(answer.status))
    raise FederationError("it ended the answer")
