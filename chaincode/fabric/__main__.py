"""`python -m chaincode.fabric SETTINGS`: run a chaincode server until SIGTERM; SIGHUP reads SETTINGS again.

`python -m chaincode.fabric --check SETTINGS` asks a running server for its health instead, and exits with
0 where every listener serves.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chaincode.fabric.server import ChaincodeServer
from chaincode.fabric.settings import Settings, SettingsError, read_settings

log = logging.getLogger("chaincode.fabric")


async def _serve(path: Path) -> None:
    settings = read_settings(path)
    server = ChaincodeServer(settings.load_dispatch(), settings.tls)
    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    await server.serve(settings.listeners)
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        reloading = asyncio.create_task(reload.wait())
        await asyncio.wait((stopping, reloading), return_when=asyncio.FIRST_COMPLETED)
        reloading.cancel()
        if reload.is_set():
            reload.clear()
            try:
                await server.serve(read_settings(path).listeners)
            except SettingsError:
                log.exception("the settings were not read again")
    await server.stop()


async def _healthy(settings: Settings) -> bool:
    credentials = None
    if settings.tls is not None:
        credentials = grpc.ssl_channel_credentials(
            settings.tls.client_authority.read_bytes(),
            settings.tls.key.read_bytes(),
            settings.tls.certificate.read_bytes(),
        )
    for listener in settings.listeners:
        target = listener.address.replace("0.0.0.0", "localhost")  # noqa: S104  compared, not listened on
        async with (
            grpc.aio.insecure_channel(target)
            if credentials is None
            else grpc.aio.secure_channel(target, credentials)
        ) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service="protos.Chaincode"), timeout=5
            )
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            return False
    return True


def main(arguments: list[str]) -> int:
    """Run the server, or check one; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    checking = arguments[:1] == ["--check"]
    paths = arguments[1:] if checking else arguments
    if len(paths) != 1:
        sys.stderr.write("usage: python -m chaincode.fabric [--check] SETTINGS\n")
        return 2
    try:
        if checking:
            return 0 if asyncio.run(_healthy(read_settings(Path(paths[0])))) else 1
        asyncio.run(_serve(Path(paths[0])))
    except (SettingsError, grpc.aio.AioRpcError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
