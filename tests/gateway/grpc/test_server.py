"""The server itself: health, reflection, a taken port."""

from __future__ import annotations

import socket

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from gateway.grpc.server import GrpcServer, PortTaken
from gateway.metering.service import Metering


async def test_health(channel: grpc.aio.Channel) -> None:
    """The server and each service say that they serve; an unknown one is not found."""
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", "condocharge.v1.Units"):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(health_pb2.HealthCheckRequest(service="condocharge.v1.Nothing"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection(channel: grpc.aio.Channel) -> None:
    """A client without our files can list the services and read their messages."""
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="condocharge.v1.Units"),
    ]
    answers = [answer async for answer in stub.ServerReflectionInfo(asked)]
    names = {service.name for service in answers[0].list_services_response.service}
    assert {"condocharge.v1.Units", "grpc.health.v1.Health"} <= names
    assert b"FromUnit" in answers[1].file_descriptor_response.file_descriptor_proto[0]


async def test_a_taken_port(metering: Metering) -> None:
    """A sentence that names the address, instead of two servers that share it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port}"):
            await GrpcServer(metering).start(f"127.0.0.1:{port}")


async def test_two_gateways_on_one_port(metering: Metering, address: str) -> None:
    """The second of two servers is refused as well."""
    with pytest.raises(PortTaken):
        await GrpcServer(metering).start(address)
