"""What an administrator asks of the own peer directly, outside any channel."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from fabric_protos.peer import query_pb2

from network.fabric.gateway import system_clock
from network.fabric.peer import Connection, Peer
from network.fabric.proposal import Signer, propose
from network.federation.description import FederationError
from network.federation.folder import LOCAL_ADDRESS, Folder
from network.identity import read_pem

_SUCCESS = 200
_SECONDS = 120.0


def own_peer(folder: Folder) -> Peer:
    """The condominium's own peer, as its own machine reaches it."""
    return Peer(f"{LOCAL_ADDRESS}:{folder.ports.peer}", read_pem(folder.path / "tls/root.pem"))


async def ask_peer(
    connection: Connection, signer: Signer, chaincode: str, arguments: Sequence[bytes]
) -> bytes:
    """Run a system chaincode's function on one peer. Raises FederationError where the peer refuses."""
    proposal = propose(signer, "", chaincode, arguments, system_clock())
    what = f"{chaincode} {arguments[0].decode()}"
    try:
        answer = await connection.endorser.ProcessProposal(proposal.signed(), timeout=_SECONDS)
    except grpc.aio.AioRpcError as error:
        raise FederationError(f"{connection.peer.address}: {what}: {error.details()}") from error
    if answer.response.status != _SUCCESS:
        raise FederationError(f"{connection.peer.address}: {what}: {answer.response.message}")
    return bytes(answer.response.payload)


async def channels(connection: Connection, signer: Signer) -> list[str]:
    """The channels that the peer has joined."""
    answer = await ask_peer(connection, signer, "cscc", [b"GetChannels"])
    return [entry.channel_id for entry in query_pb2.ChannelQueryResponse.FromString(answer).channels]


async def join_peer(connection: Connection, signer: Signer, channel: str, block: bytes) -> None:
    """Make the peer join the channel that starts with `block`; nothing happens where it has already."""
    if channel not in await channels(connection, signer):
        await ask_peer(connection, signer, "cscc", [b"JoinChain", block])
