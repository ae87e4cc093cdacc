"""The simulated unit over gRPC."""

from __future__ import annotations

import asyncio

import grpc.aio
import pytest

from chaincode.signing.batch import Flag
from firmware.simulator.transport.grpc import GrpcTransport
from tests.firmware.simulator.transport.gateway import SmallGateway, charge, fast_clock


@pytest.mark.slow
async def test_a_session_over_grpc() -> None:
    """From Configure to the last batch on one stream."""
    now = fast_clock()
    gateway = SmallGateway(now)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((gateway.handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            place = await charge(gateway, GrpcTransport(channel, backoff=0.05, resend=0.5), now)
    finally:
        await server.stop(None)
    begin, end = gateway.unit.flags(Flag.BEGIN)[0], gateway.unit.flags(Flag.END)[-1]
    assert end.register - begin.register == pytest.approx(place.outlet.energy * 1_000, rel=0.01)


@pytest.mark.slow
async def test_a_broken_stream_is_opened_again() -> None:
    """The server goes away in a session and comes back at the same address; nothing is lost."""
    now = fast_clock()
    gateway = SmallGateway(now)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((gateway.handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    servers = [server]

    async def restart() -> None:
        await gateway.until(lambda: bool(gateway.unit.flags(Flag.BEGIN)))
        await servers[-1].stop(None)
        again = grpc.aio.server()
        again.add_generic_rpc_handlers((gateway.handlers(),))
        assert again.add_insecure_port(f"127.0.0.1:{port}") == port
        await again.start()
        servers.append(again)

    async with grpc.aio.insecure_channel(
        f"127.0.0.1:{port}", options=[("grpc.initial_reconnect_backoff_ms", 100)]
    ) as channel:
        restarting = asyncio.ensure_future(restart())
        place = await charge(gateway, GrpcTransport(channel, backoff=0.05, resend=0.5), now)
        await restarting
    await servers[-1].stop(None)
    assert len(servers) == 2
    assert place.unit is not None
    assert gateway.unit.flags(Flag.END)
