"""A peer and the connection to it."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from fabric_protos.gateway import gateway_pb2_grpc
from fabric_protos.peer import events_pb2_grpc, peer_pb2_grpc

_LARGEST_MESSAGE = 100 * 1024 * 1024
# A peer hangs up on clients that ping more often than once a minute.
_OPTIONS = (
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
    ("grpc.max_send_message_length", _LARGEST_MESSAGE),
    ("grpc.keepalive_time_ms", 120_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a peer listens and which authority vouches for its TLS certificate."""

    address: str
    """`host:port`."""
    authority: bytes
    """The TLS root certificate of its organisation, PEM."""
    name: str = ""
    """The name in its certificate, where that is not the host in `address`."""


class Connection:
    """An open connection to one peer: its Gateway, Endorser and Deliver services."""

    def __init__(self, peer: Peer) -> None:
        options = _OPTIONS + ((("grpc.ssl_target_name_override", peer.name),) if peer.name else ())
        self.peer = peer
        self.channel = grpc.aio.secure_channel(
            peer.address, grpc.ssl_channel_credentials(peer.authority), options=options
        )
        self.gateway = gateway_pb2_grpc.GatewayStub(self.channel)
        self.endorser = peer_pb2_grpc.EndorserStub(self.channel)
        self.deliver = events_pb2_grpc.DeliverStub(self.channel)

    async def close(self) -> None:
        """Hang up."""
        await self.channel.close(grace=None)
