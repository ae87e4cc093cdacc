"""The listening side: one gRPC server a package, TLS with client authentication, health, clean stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable

import grpc
from fabric_protos.peer import chaincode_shim_pb2_grpc
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage as Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from chaincode.fabric.settings import Listener, SettingsError, Tls
from chaincode.fabric.stream import Dispatch, Stream

log = logging.getLogger(__name__)

# Peers ping every minute and sooner; a gRPC server's own limit is five minutes, past which it hangs up.
_OPTIONS = (
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.max_receive_message_length", 100 * 1024 * 1024),
    ("grpc.max_send_message_length", 100 * 1024 * 1024),
    ("grpc.so_reuseport", 0),
)


class _Servicer(chaincode_shim_pb2_grpc.ChaincodeServicer):  # type: ignore[misc]  # generated without types
    """Fabric's `protos.Chaincode` service for one package."""

    def __init__(self, listener: Listener, dispatch: Dispatch) -> None:
        self._listener = listener
        self._dispatch = dispatch
        self._streams: set[Stream] = set()

    async def Connect(  # noqa: N802  the service's own name
        self, request_iterator: AsyncIterator[Message], _context: grpc.aio.ServicerContext[Message, Message]
    ) -> AsyncIterator[Message]:
        """One peer's stream, for as long as the peer holds it."""
        stream = Stream(self._listener.package, self._dispatch)
        self._streams.add(stream)
        log.info("%s: a peer connected", self._listener.package)
        try:
            async for message in stream.converse(request_iterator):
                yield message
        finally:
            self._streams.discard(stream)
            log.info("%s: a peer's stream ended", self._listener.package)

    async def drain(self) -> None:
        """Let every stream finish its transactions and end."""
        await asyncio.gather(*(stream.drain() for stream in tuple(self._streams)))


class _Port:
    """One listening gRPC server."""

    def __init__(self, listener: Listener, dispatch: Dispatch, tls: Tls | None) -> None:
        self.listener = listener
        self._servicer = _Servicer(listener, dispatch)
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # absent from the stubs
        self._server = grpc.aio.server(options=_OPTIONS)
        chaincode_shim_pb2_grpc.add_ChaincodeServicer_to_server(self._servicer, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._credentials = None if tls is None else _credentials(tls)
        self.port = 0

    async def start(self) -> None:
        address = self.listener.address
        try:
            if self._credentials is None:
                self.port = self._server.add_insecure_port(address)
            else:
                self.port = self._server.add_secure_port(address, self._credentials)
        except RuntimeError as error:
            await self._server.stop(grace=None)
            raise SettingsError(f"address: {address} cannot be listened on: {error}") from error
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)
        await self._health.set("protos.Chaincode", health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace: float) -> None:
        await self._health.enter_graceful_shutdown()
        try:
            await asyncio.wait_for(self._servicer.drain(), grace)
        except TimeoutError:
            log.warning("%s: transactions were cut off after %s s", self.listener.package, grace)
        await self._server.stop(grace=0.5)


class ChaincodeServer:
    """Serves one chaincode under any number of package ids, a port each."""

    def __init__(self, dispatch: Dispatch, tls: Tls | None = None) -> None:
        self._dispatch = dispatch
        self._tls = tls
        self._ports: dict[Listener, _Port] = {}

    def port(self, listener: Listener) -> int:
        """The TCP port that `listener` is served on; tells which one was chosen for port 0."""
        return self._ports[listener].port

    async def serve(self, listeners: Iterable[Listener], *, grace: float = 5.0) -> None:
        """Listen for exactly these packages: start the new ones, stop those that are gone.

        `grace` is how many seconds transactions under way get. Raises SettingsError where an address
        cannot be listened on; the listeners that were there before go on.
        """
        wanted = set(listeners)
        for listener in sorted(set(self._ports) - wanted, key=lambda gone: gone.address):
            await self._ports.pop(listener).stop(grace)
        for listener in sorted(wanted - set(self._ports), key=lambda new: new.address):
            port = _Port(listener, self._dispatch, self._tls)
            await port.start()
            self._ports[listener] = port
            log.info("%s: serving %s on %s", listener.package, listener.namespace, listener.address)

    async def stop(self, *, grace: float = 5.0) -> None:
        """Stop listening; transactions under way get `grace` seconds to finish."""
        ports = tuple(self._ports.values())
        self._ports.clear()
        await asyncio.gather(*(port.stop(grace) for port in ports))


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    try:
        return grpc.ssl_server_credentials(
            [(tls.key.read_bytes(), tls.certificate.read_bytes())],
            root_certificates=tls.client_authority.read_bytes(),
            require_client_auth=True,
        )
    except OSError as error:
        raise SettingsError(f"tls: {error}") from error
