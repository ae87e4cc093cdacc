"""Serving the gateway over the network until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from gateway.access.routes import invitation_link
from gateway.app import Gateway
from gateway.clock import Clock
from gateway.grpc.server import GrpcServer
from gateway.settings import Settings
from gateway.site import Cookieless, Site

_GRACE_S = 5
"""For requests under way when the gateway stops; streams are ended by their services before."""
_STREAMS_S = 1
"""For calls under way over gRPC, auditors' endless ones among them."""
_BACKLOG = 512


class AddressError(Exception):
    """An address cannot be served on; the sentence names the setting and says what to do."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What a gateway that has just started says."""

    rest: str
    """The address of REST, as browsers and wallets use it."""
    grpc: str
    """Host and port of gRPC."""
    wallet: str | None
    """The address of the wallet; None where no pages are served."""
    invitation: str | None
    """Where the first administrator sets a password; None where somebody can log in."""


Company = Callable[[Gateway, Ready], AbstractAsyncContextManager[None]]
"""What lives beside a gateway while it serves."""


async def serve(
    settings: Settings,
    announce: Callable[[Ready], None],
    company: Company | None = None,
    clock: Clock | None = None,
) -> None:
    """Open the gateway, serve it until SIGINT or SIGTERM, and stop it cleanly; a signal that comes while it
    is still being opened gives that up.

    `announce` is called once it answers; `company` is entered then, and left before it stops; `clock` is
    the gateway's, the machine's where it is None. Raises what `Gateway.open` raises, `AddressError` and
    `GrpcServerError`."""
    task = asyncio.current_task()
    assert task is not None
    stop = _Stop(task)
    try:
        with ExitStack() as sockets, _signals(stop):
            settings, listeners = _listen(settings, sockets)
            async with await Gateway.open(settings, clock) as gateway:
                await _serve(gateway, settings, listeners, stop, announce=announce, company=company)
    except asyncio.CancelledError:
        if not stop.asked.is_set():
            raise
        task.uncancel()


async def _serve(
    gateway: Gateway,
    settings: Settings,
    listeners: list[socket.socket],
    stop: _Stop,
    *,
    announce: Callable[[Ready], None],
    company: Company | None,
) -> None:
    """Serve a gateway that has been opened until it is told to stop."""
    invited = await gateway.start()
    machines = GrpcServer(gateway.grpc_services())
    grpc = await machines.start(settings.grpc)
    # What is loaded by now stays for good: looking through it for garbage cost a sixth of the time that a
    # batch takes (bench P3).
    gc.freeze()
    servers = [_Server(_config(settings, app)) for app in _applications(gateway)]
    serving = asyncio.gather(
        *(server.serve([listener]) for server, listener in zip(servers, listeners, strict=True))
    )
    try:
        for server in servers:
            await _first(server.listening, serving)
        if not serving.done():
            stop.started()
            link = invitation_link(settings.origin, invited) if invited is not None else None
            ready = Ready(settings.origin, grpc, settings.wallet_url, link)
            announce(ready)
            async with company(gateway, ready) if company is not None else nullcontext():
                await _first(stop.asked, serving)
    finally:
        for server in servers:
            server.should_exit = True
        # Streams and held answers end here; without that the servers would wait for them.
        await gateway.stop()
        await machines.stop(_STREAMS_S)
        await serving


class _Stop:
    """What SIGINT and SIGTERM do: they give up a start, and end a gateway that serves."""

    def __init__(self, starting: asyncio.Task[None]) -> None:
        self.asked = asyncio.Event()
        self._starting: asyncio.Task[None] | None = starting

    def ask(self) -> None:
        """A signal has come."""
        self.asked.set()
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None

    def started(self) -> None:
        """There is something to stop in good order from now on."""
        self._starting = None


def _listen(settings: Settings, sockets: ExitStack) -> tuple[Settings, list[socket.socket]]:
    """The sockets that the settings name, and the settings with the ports that the system chose."""
    http = sockets.enter_context(_listening(settings.http.host, settings.http.port, "http.port"))
    update: dict[str, Any] = {"http": settings.http.model_copy(update={"port": http.getsockname()[1]})}
    listeners = [http]
    if settings.pages.folder is not None:
        wallet_port = settings.pages.wallet_port
        wallet = sockets.enter_context(_listening(settings.http.host, wallet_port, "pages.wallet_port"))
        update["pages"] = settings.pages.model_copy(update={"wallet_port": wallet.getsockname()[1]})
        listeners.append(wallet)
    return settings.model_copy(update=update), listeners


def _applications(gateway: Gateway) -> list[ASGIApp]:
    """What each socket answers with: the console's pages before REST, and the wallet's."""
    folder = gateway.settings.pages.folder
    if folder is None:
        return [gateway.app]
    return [Site(folder, "console", gateway.app), Site(folder, "wallet", Cookieless(gateway.app))]


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


def _config(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    http = settings.http
    config = uvicorn.Config(
        app,
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
def _listening(host: str, port: int, setting: str) -> Iterator[socket.socket]:
    """A socket at an address; `setting` names the port's setting in errors."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise AddressError(f"http.host: {host} is not an address of this computer") from error
    listener = socket.socket(family, kind, protocol)
    try:
        # A port that a gateway left a moment ago can be taken again at once.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError as error:
            raise AddressError(
                f"cannot listen on {host}, port {port}: {error.strerror}; stop whatever uses the "
                f"port, or set {setting} to another"
            ) from error
        yield listener
    finally:
        listener.close()


@contextmanager
def _signals(stop: _Stop) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.ask)
    try:
        yield
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)


async def _first(event: asyncio.Event, serving: asyncio.Future[Any]) -> None:
    """Wait for `event`, or for the server to end by itself."""
    waiting = asyncio.ensure_future(event.wait())
    both: set[asyncio.Future[Any]] = {waiting, serving}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
