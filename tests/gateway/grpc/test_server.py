"""The server itself: health, reflection, a taken port."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from gateway.grpc.server import GrpcServer, GrpcServerError
from gateway.grpc.units import UnitsService
from gateway.metering.service import Metering
from gateway.proto.condocharge.v1.units_pb2 import FromUnit, ToUnit
from gateway.settings import GrpcSettings
from gateway.store.errors import StoreError
from tests.gateway.metering.meter import Meter


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
    """A sentence that names port and setting, instead of two servers that share it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(GrpcServerError, match=rf"127\.0\.0\.1, port {port}: .*grpc\.port"):
            await GrpcServer([UnitsService(metering)]).start(GrpcSettings(port=port))


async def test_two_gateways_on_one_port(metering: Metering, address: str) -> None:
    """The second of two servers is refused as well."""
    with pytest.raises(GrpcServerError):
        await GrpcServer([UnitsService(metering)]).start(GrpcSettings(port=int(address.rpartition(":")[2])))


@pytest.mark.parametrize("content", [None, b"not a certificate"])
async def test_a_certificate_that_cannot_be_used(
    metering: Metering, tmp_path: Path, content: bytes | None
) -> None:
    """Missing or not one: said at the start, and not by every call that fails."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    if content is not None:
        certificate.write_bytes(content)
        key.write_bytes(content)
    with pytest.raises(GrpcServerError, match=r"grpc\.certificate and grpc\.key"):
        await GrpcServer([UnitsService(metering)]).start(
            GrpcSettings(port=0, certificate=certificate, key=key)
        )


async def test_tls(metering: Metering, tmp_path: Path) -> None:
    """With a certificate, a client that trusts it is served and a plain one is not."""
    certificate, key = self_signed(tmp_path)
    server = GrpcServer([UnitsService(metering)])
    address = await server.start(GrpcSettings(port=0, certificate=certificate, key=key))
    port = address.rpartition(":")[2]
    trusted = grpc.ssl_channel_credentials(certificate.read_bytes())
    async with grpc.aio.secure_channel(f"localhost:{port}", trusted) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    await server.stop(0)


async def test_stopping_ends_streams(metering: Metering, channel: grpc.aio.Channel) -> None:
    """A unit's open stream is ended with a word to connect again, and what comes later is refused."""
    stream = channel.stream_stream(
        "/condocharge.v1.Units/Exchange", FromUnit.SerializeToString, ToUnit.FromString
    )(None)
    meter = Meter()
    await stream.write(FromUnit(batches=meter.send()))
    assert isinstance(await stream.read(), ToUnit)
    await metering.close()
    assert await stream.code() is grpc.StatusCode.UNAVAILABLE
    assert "connect again" in (await stream.details() or "")
    with pytest.raises(StoreError, match="stopping"):
        await metering.intake.receive(meter.send())


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "secret.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return chain, secret
