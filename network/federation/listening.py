"""Where a condominium's processes listen on this machine, and whether something else does so already.

A process whose port is taken starts, ends and is started again, for ever; who waits for it is told a minute
later that it does not answer. So this is asked first.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from network.federation import supervisor
from network.federation.description import FederationError
from network.federation.folder import LOCAL_ADDRESS, Folder, Ports, listen_address
from network.federation.server import listeners


@dataclass(frozen=True, slots=True)
class Place:
    """A port that a process of a condominium listens on."""

    code: str
    process: str
    address: str
    port: int

    def obstacle(self) -> str | None:
        """Why nothing can begin to listen there; None where it can."""
        with socket.socket() as probe:
            # As Fabric's own servers do it: connections that have just ended do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.address, self.port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return "in use by another program"
                return os.strerror(error.errno or 0)
        return None


def places(code: str, host: str, ports: Ports, chaincode: Sequence[int], *, authority: bool) -> list[Place]:
    """Everything that the processes of `code` listen on, where the others reach it at `host`.

    `chaincode` are the chaincode server's ports; with `authority` it has a certificate authority.
    """
    public = listen_address(host)
    return [
        Place(code, "peer", public, ports.peer),
        Place(code, "peer", LOCAL_ADDRESS, ports.peer_chaincode),
        Place(code, "peer", LOCAL_ADDRESS, ports.peer_operations),
        Place(code, "orderer", public, ports.orderer),
        Place(code, "orderer", LOCAL_ADDRESS, ports.orderer_admin),
        Place(code, "orderer", LOCAL_ADDRESS, ports.orderer_operations),
        *(Place(code, "chaincode", LOCAL_ADDRESS, port) for port in chaincode),
        *([Place(code, "authority", LOCAL_ADDRESS, ports.authority)] if authority else []),
    ]


def places_of(folder: Folder) -> list[Place]:
    """What the processes of the condominium in `folder` listen on, but for those that run already."""
    chaincode = [int(listener.address.rpartition(":")[2]) for listener in listeners(folder)]
    found = places(
        folder.code,
        folder.member.host,
        folder.ports,
        chaincode or [folder.ports.chaincode],
        authority=folder.authority.exists(),
    )
    return [place for place in found if supervisor.running(folder, place.process) is None]


def check_free(wanted: Sequence[Place], remedy: str) -> None:
    """Raises FederationError, naming each port of `wanted` that cannot be had, why, and the `remedy`."""
    found: dict[str, list[str]] = {}
    for place in wanted:
        if obstacle := place.obstacle():
            found.setdefault(obstacle, []).append(f"{place.port} ({place.process} of {place.code})")
    if found:
        reasons = "; ".join(
            f"port{'s' if len(named) > 1 else ''} {', '.join(named)}: {obstacle}"
            for obstacle, named in found.items()
        )
        raise FederationError(f"{reasons}. {remedy}")


def check_startable(folders: Sequence[Folder]) -> None:
    """Raises FederationError where a port that a condominium in `folders` needs to start cannot be had."""
    wanted = [place for folder in folders for place in places_of(folder)]
    check_free(
        wanted,
        "Stop what is in the way (where it is another network: `condocharge network down ITS-DIRECTORY`). "
        "The others know these ports, so only a network made anew can have others: `create --first-port`.",
    )
