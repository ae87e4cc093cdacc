"""Waiting until a network can be used, not until a port is open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import grpc
from fabric_protos.discovery import protocol_pb2, protocol_pb2_grpc
from fabric_protos.peer import proposal_response_pb2

from network.fabric.gateway import Gateway
from network.fabric.proposal import creator
from network.federation.description import FederationError

_PAUSE = 0.3


async def wait_until(what: str, ready: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Ask `ready` until it says so. Raises FederationError, saying `what` is not, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not await ready():
        if time.monotonic() >= deadline:
            raise FederationError(f"{what} after {seconds:g} s; see: condocharge network logs DIRECTORY")
        await asyncio.sleep(_PAUSE)


async def peer_answers(gateway: Gateway) -> bool:
    """Whether the first peer takes connections."""
    try:
        await asyncio.wait_for(gateway.connections[0].channel.channel_ready(), 1.0)
    except TimeoutError:
        return False
    return True


async def endorsers_known(gateway: Gateway, namespaces: Sequence[str]) -> bool:
    """Whether the first peer can name endorsers for a call that touches all `namespaces` at once.

    This is the peer's discovery service, which its gateway asks too: it answers only once the peer has
    heard of enough other organisations' peers, and that they have the chaincodes.
    """
    calls = [proposal_response_pb2.ChaincodeCall(name=name) for name in namespaces]
    query = protocol_pb2.Query(
        channel=gateway.channel,
        cc_query=protocol_pb2.ChaincodeQuery(
            interests=[proposal_response_pb2.ChaincodeInterest(chaincodes=calls)]
        ),
    )
    request = protocol_pb2.Request(
        authentication=protocol_pb2.AuthInfo(client_identity=creator(gateway.signer)), queries=[query]
    ).SerializeToString()
    signed = protocol_pb2.SignedRequest(payload=request, signature=gateway.signer.sign(request))
    discovery = protocol_pb2_grpc.DiscoveryStub(gateway.connections[0].channel)
    try:
        answer = await discovery.Discover(signed, timeout=10)
    except grpc.aio.AioRpcError:
        return False
    return all(result.WhichOneof("result") == "cc_query_res" for result in answer.results)
