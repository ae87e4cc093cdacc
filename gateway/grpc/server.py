"""The gRPC server: the services, health (grpc.health.v1) and reflection."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Protocol

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from gateway.grpc.decoding import Decoding
from gateway.metering.verification import MAX_BODY_BYTES
from gateway.settings import GrpcSettings

MAX_MESSAGE_BYTES = MAX_BODY_BYTES + 1_024
"""What a caller may send in one message."""
_OPTIONS: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # A unit behind a router that forgets connections is noticed within 80 seconds.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Units ping as often as their networks make them; dropping them for it would help nobody.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.max_concurrent_streams", 128),
    # Two servers on one port would each get some of the calls.
    ("grpc.so_reuseport", 0),
]


class Service(Protocol):
    """One of the protocol's services."""

    name: str
    """In full, as reflection and health call it."""

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve its calls on `server`."""


class GrpcServerError(Exception):
    """The server cannot start; the sentence names the setting and says what to do."""


class GrpcServer:
    """A running server of the gateway's services."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._names = tuple(service.name for service in services)
        self._server = grpc.aio.server(interceptors=[Decoding()], options=_OPTIONS)
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]
        for service in services:
            service.add_to(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )

    async def start(self, settings: GrpcSettings) -> str:
        """Listen where `settings` say, with TLS where they name a certificate. Returns `host:port`.

        Raises `GrpcServerError` where the address or the certificate cannot be used."""
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        credentials = _credentials(settings)
        try:
            if credentials is None:
                port = self._server.add_insecure_port(f"{host}:{settings.port}")
            else:
                port = self._server.add_secure_port(f"{host}:{settings.port}", credentials)
        except RuntimeError:
            raise GrpcServerError(
                f"cannot listen on {settings.host}, port {settings.port}: stop whatever uses the port, or "
                "set grpc.port to another"
            ) from None
        await self._server.start()
        for service in ("", *self._names):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        return f"{host}:{port}"

    async def stop(self, grace: float = 2.0) -> None:
        """Take no more calls, give open ones `grace` seconds, then end them."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)


def _credentials(settings: GrpcSettings) -> grpc.ServerCredentials | None:
    """The certificate and key that the settings name, checked here: gRPC takes anything and serves nobody."""
    if settings.certificate is None or settings.key is None:
        return None
    try:
        chain, key = settings.certificate.read_bytes(), settings.key.read_bytes()
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.certificate, settings.key)
    except OSError as error:
        # ssl.SSLError is one too.
        raise GrpcServerError(
            f"grpc.certificate and grpc.key cannot be used: {error.strerror or error}; "
            "name a PEM certificate chain and its unencrypted key"
        ) from error
    return grpc.ssl_server_credentials([(key, chain)])
