"""Other chaincode servers in the place of ours: on Fabric's own Go shim and on its Python one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.federation import NAMESPACE, Network
from network.federation import supervisor
from network.federation.binaries import FABRIC, find_go
from network.federation.server import listeners

OFFICIAL = "fabric-chaincode-python==2.5.4"
_SOURCES = Path(__file__).parent / "shim"


def build_go(folder: Path) -> Path:
    """Build the Go chaincode into `folder`."""
    go = find_go(FABRIC, folder, lambda *_step: None)
    program = folder / "shim"
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    subprocess.run([go, "build", "-o", program, "."], cwd=_SOURCES, env=environment, check=True)
    return program


def fetch_official(folder: Path) -> Path:
    """Unpack Hyperledger's Python shim into `folder`, without what it shares with ours."""
    target = folder / "official"
    installer = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    command = [installer, "pip", "install", "--quiet", "--no-deps", "--target", str(target), OFFICIAL]
    subprocess.run(command, check=True)
    return target


def go_command(program: Path) -> tuple[list[str], dict[str, str]]:
    """How the Go chaincode is run, and with what in its environment."""
    return [str(program)], {}


def official_command(target: Path) -> tuple[list[str], dict[str, str]]:
    """Likewise the one on Hyperledger's Python shim."""
    return [sys.executable, str(_SOURCES / "official.py")], {"PYTHONPATH": str(target)}


@contextlib.contextmanager
def in_place_of_ours(network: Network, command: Sequence[str], extra: Mapping[str, str]) -> Iterator[None]:
    """`command` serves the namespace at every member; ours is held down meanwhile."""
    running = []
    for folder in network.folders:
        supervisor.hold(folder, "chaincode", held=True)
        number = supervisor.running(folder, "chaincode")
        if number is not None:
            os.kill(number, 15)
        while number is not None and supervisor.running(folder, "chaincode") == number:
            time.sleep(0.05)
        (listener,) = [each for each in listeners(folder) if each.namespace == NAMESPACE]
        tls = folder.chaincode / "tls"
        environment = {
            "CHAINCODE_ID": listener.package,
            "CHAINCODE_ADDRESS": listener.address,
            "CHAINCODE_KEY": str(tls / "key.pem"),
            "CHAINCODE_CERTIFICATE": str(tls / "certificate.pem"),
            "CHAINCODE_CLIENT_AUTHORITY": str(tls / "root.pem"),
        }
        with folder.log("other-chaincode").open("ab") as log:
            running.append(
                subprocess.Popen(command, env={**os.environ, **environment, **extra}, stdout=log, stderr=log)
            )
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()
