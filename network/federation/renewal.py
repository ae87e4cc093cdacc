"""New certificates before the old ones end.

The keys stay: members know each other's orderers by their public keys, so a renewed certificate needs no
change of the channel, and no other member has to do anything.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from cryptography import x509

from network.federation import supervisor
from network.federation.channel import orderer_status
from network.federation.folder import Folder
from network.federation.issuer import issuer_of
from network.federation.network import administration, await_discovery
from network.federation.readiness import peer_answers, wait_until
from network.federation.revocation import revoked_here

_SECONDS = 90.0


def renew(folder: Folder) -> list[Path]:
    """Renew every certificate of the condominium's machines and identities; returns the renewed files.

    A revoked certificate is left as it is: its key is in other hands. Raises FederationError where the
    issuer refuses, or neither a certificate authority nor the roots' keys are in the folder.
    """
    path = folder.path
    signing = [path / node / "msp/signcerts" for node in ("peer", "orderer")]
    signing += [path / "admin", *sorted(path.glob("users/*"))]
    listening = [path / name for name in ("peer/tls", "orderer/tls", "chaincode/tls", "chaincode/client")]
    revoked = revoked_here(folder)
    renewed = []
    with issuer_of(folder) as issuer:
        for place in (*signing, *listening):
            file = place / "certificate.pem"
            if x509.load_pem_x509_certificate(file.read_bytes()).serial_number not in revoked:
                file.write_bytes(issuer.renew(file, tls=place in listening))
                renewed.append(file)
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
        await await_discovery(gateway, [member.namespace for member in folder.federation.members])


def _ended(folder: Folder, name: str, number: int) -> Callable[[], Awaitable[bool]]:
    async def ended() -> bool:
        return supervisor.running(folder, name) != number

    return ended
