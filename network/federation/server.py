"""The chaincode server's files: its settings, its TLS, and the connections that the peer is told of."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from dataclasses import asdict

from chaincode.fabric.settings import Listener
from network.federation.folder import LOCAL_ADDRESS, Folder
from network.federation.package import Package
from network.federation.supervisor import running
from network.file import write

_TLS = {
    "certificate": "tls/certificate.pem",
    "key": "tls/key.pem",
    "client_authority": "tls/root.pem",
}


def listeners(folder: Folder) -> list[Listener]:
    """What the chaincode server serves."""
    path = folder.chaincode / "settings.json"
    if not path.exists():
        return []
    return [Listener(**entry) for entry in json.loads(path.read_text())["listeners"]]


def serve_package(folder: Folder, package: Package, dispatch: str) -> None:
    """Have the chaincode server serve `package` too; nothing happens where it does already.

    Each package has a port of its own, so an old and a new one of a namespace are served side by side until
    the members have agreed on the new one. A server that runs takes it up at once.
    """
    served = listeners(folder)
    if any(listener.package == package.id for listener in served):
        return
    address = f"{LOCAL_ADDRESS}:{_free_port(folder)}"
    _write_connection(folder, package.namespace, address)
    _write_settings(folder, dispatch, [*served, Listener(package.id, package.namespace, address)])
    (folder.chaincode / "packages" / f"{package.label}.tar.gz").write_bytes(package.content)


def retire_packages(folder: Folder, package: Package, dispatch: str) -> None:
    """Serve `package` alone for its namespace: the members have agreed on it."""
    served = listeners(folder)
    kept = [
        listener
        for listener in served
        if listener.package == package.id or listener.namespace != package.namespace
    ]
    if kept != served:
        _write_settings(folder, dispatch, kept)


def _write_settings(folder: Folder, dispatch: str, served: Sequence[Listener]) -> None:
    settings = {
        "dispatch": dispatch,
        "listeners": [asdict(listener) for listener in served],
        "tls": _TLS,
    }
    write(folder.chaincode / "settings.json", f"{json.dumps(settings, indent=2)}\n".encode())
    number = running(folder, "chaincode")
    if number is not None:
        os.kill(number, signal.SIGHUP)


def _free_port(folder: Folder) -> int:
    taken = {int(listener.address.rpartition(":")[2]) for listener in listeners(folder)}
    port = folder.ports.chaincode
    while port in taken:
        port += 1
    return port


def _write_connection(folder: Folder, namespace: str, address: str) -> None:
    """What the peer reads when it builds the package: where this machine's server is, and its own key."""
    client = folder.chaincode / "client"
    connection = {
        "address": address,
        "dial_timeout": "10s",
        "tls_required": True,
        "client_auth_required": True,
        "client_key": (client / "key.pem").read_text(),
        "client_cert": (client / "certificate.pem").read_text(),
        "root_cert": (client / "root.pem").read_text(),
    }
    path = folder.chaincode / "connections" / f"{namespace}.json"
    write(path, json.dumps(connection, indent=2).encode(), private=True)
