"""New certificates before the old ones end.

The keys stay: members know each other's orderers by their public keys, so a renewed certificate needs no
change of the channel, and no other member has to do anything.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from network.federation import supervisor
from network.federation.channel import orderer_status
from network.federation.crypto import recertify
from network.federation.description import FederationError
from network.federation.folder import Folder
from network.federation.network import administration
from network.federation.readiness import peer_answers, wait_until

_SECONDS = 90.0


def renew(folder: Folder) -> list[Path]:
    """Renew every certificate of the condominium's machines and identities; returns the renewed files.

    Raises FederationError where the roots' keys are not in the folder.
    """
    if not (folder.path / "ca/root.key").exists():
        raise FederationError(f"{folder.path / 'ca/root.key'} is missing; its holder renews certificates")
    renewed = []
    for node in ("peer", "orderer"):
        path = folder.path / node / "msp/signcerts/certificate.pem"
        path.write_bytes(recertify(folder.path / "ca", path))
        renewed.append(path)
    for name in ("peer/tls", "orderer/tls", "chaincode/tls", "chaincode/client"):
        path = folder.path / name / "certificate.pem"
        path.write_bytes(recertify(folder.path / "tls", path))
        renewed.append(path)
    for place in (folder.path / "admin", *sorted(folder.path.glob("users/*"))):
        path = place / "certificate.pem"
        path.write_bytes(recertify(folder.path / "ca", path))
        renewed.append(path)
    return renewed


async def restart(folder: Folder) -> None:
    """Start the condominium's processes again, one after the other, so that they take the certificates up.

    The next one is not touched before the last one answers: of four orderers never two are down at once.
    """
    channel = folder.federation.channel
    async with administration([folder]) as (gateway,):

        async def peer() -> bool:
            return await peer_answers(gateway)

        async def orderer() -> bool:
            return bool(orderer_status(folder, channel))

        async def chaincode() -> bool:
            return supervisor.running(folder, "chaincode") is not None

        for name, answers in (("chaincode", chaincode), ("orderer", orderer), ("peer", peer)):
            number = supervisor.running(folder, name)
            if number is None:
                continue
            os.kill(number, signal.SIGTERM)
            await wait_until(f"{name} has not ended", _ended(folder, name, number), _SECONDS)
            await wait_until(f"{name} does not answer after its restart", answers, _SECONDS)


def _ended(folder: Folder, name: str, number: int) -> Callable[[], Awaitable[bool]]:
    async def ended() -> bool:
        return supervisor.running(folder, name) != number

    return ended
