"""Serving the gateway over the network until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from gateway.access.routes import invitation_link
from gateway.app import Gateway
from gateway.settings import HttpSettings, Settings

_GRACE_S = 5
"""For requests under way when the gateway stops; streams are ended by their services before."""
_BACKLOG = 512


class AddressError(Exception):
    """An address cannot be served on; the sentence names the setting and says what to do."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What a gateway that has just started says."""

    rest: str
    """The address of REST, as browsers and wallets use it."""
    invitation: str | None
    """Where the first administrator sets a password; None where somebody can log in."""


async def serve(settings: Settings, announce: Callable[[Ready], None]) -> None:
    """Open the gateway, serve it until SIGINT or SIGTERM, and stop it cleanly.

    `announce` is called once it answers. Raises what `Gateway.open` raises, and `AddressError`."""
    stop = asyncio.Event()
    with _listening(settings.http) as listener, _signals(stop):
        settings = _with_port(settings, listener.getsockname()[1])
        async with await Gateway.open(settings) as gateway:
            invited = await gateway.start()
            server = _Server(_config(gateway))
            serving = asyncio.ensure_future(server.serve(sockets=[listener]))
            await _first(server.listening, serving)
            if not serving.done():
                link = invitation_link(settings.origin, invited) if invited is not None else None
                announce(Ready(settings.origin, link))
            await _first(stop, serving)
            server.should_exit = True
            # Streams and held answers end here; without that the server would wait for them.
            await gateway.stop()
            await serving


class _Server(uvicorn.Server):
    """uvicorn in a loop that is not its own: signals are this module's, and one can wait for its start."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def _config(gateway: Gateway) -> uvicorn.Config:
    http = gateway.settings.http
    config = uvicorn.Config(
        gateway.app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(http.trusted_proxies),
        forwarded_allow_ips=list(http.trusted_proxies),
        ssl_certfile=http.certificate,
        ssl_keyfile=http.key,
        timeout_graceful_shutdown=_GRACE_S,
        ws="none",
    )
    try:
        config.load()
    except OSError as error:
        # ssl.SSLError is one too.
        raise AddressError(
            f"http.certificate and http.key cannot be used: {error.strerror or error}; "
            "name a PEM certificate chain and its unencrypted key"
        ) from error
    return config


@contextmanager
def _listening(http: HttpSettings) -> Iterator[socket.socket]:
    """A socket at the address that the settings name."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            http.host, http.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise AddressError(f"http.host: {http.host} is not an address of this computer") from error
    listener = socket.socket(family, kind, protocol)
    try:
        # A port that a gateway left a moment ago can be taken again at once.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError as error:
            raise AddressError(
                f"cannot listen on {http.host}, port {http.port}: {error.strerror}; stop whatever uses the "
                "port, or set http.port to another"
            ) from error
        yield listener
    finally:
        listener.close()


def _with_port(settings: Settings, port: int) -> Settings:
    """The settings with the port that was got, where the system chose it."""
    return settings.model_copy(update={"http": settings.http.model_copy(update={"port": port})})


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    try:
        yield
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)


async def _first(event: asyncio.Event, serving: asyncio.Future[None]) -> None:
    """Wait for `event`, or for the server to end by itself."""
    waiting = asyncio.ensure_future(event.wait())
    both: set[asyncio.Future[Any]] = {waiting, serving}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
