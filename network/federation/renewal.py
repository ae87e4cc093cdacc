"""New certificates before the old ones end.

The keys stay: members know each other's orderers by their public keys, so a renewed certificate needs no
change of the channel, and no other member has to do anything.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from network.federation import supervisor
from network.federation.channel import orderer_status
from network.federation.folder import Folder, KeyElsewhere
from network.federation.issuer import issuer_of
from network.federation.network import administration, await_discovery
from network.federation.readiness import peer_answers, wait_until
from network.federation.revocation import revoked_here
from network.file import write_all
from network.identity import read_pem

_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a renewal did; each is the file of a certificate."""

    renewed: tuple[Path, ...]
    keyless: tuple[Path, ...]
    """Of identities whose key is not in its file, in a hardware token for instance, where the issuer wants
    the key's signature: their certificates end when they did before."""


def renew(folder: Folder) -> Renewal:
    """Renew every certificate of the condominium's machines and identities: all of them, or where it is
    interrupted none or the first ones, each whole.

    A revoked certificate is left as it is: its key is in other hands. Raises FederationError where the
    issuer refuses, or neither a certificate authority nor the roots' keys are in the folder, and
    IdentityError where a certificate cannot be read.
    """
    path = folder.path
    machines = [path / node / "msp/signcerts" for node in ("peer", "orderer")]
    identities = [path / "admin", *sorted(path.glob("users/*"))]
    listening = [path / name for name in ("peer/tls", "orderer/tls", "chaincode/tls", "chaincode/client")]
    revoked = revoked_here(folder)
    renewed: dict[Path, bytes] = {}
    keyless = []
    with issuer_of(folder) as issuer:
        for place in (*machines, *identities, *listening):
            file = place / "certificate.pem"
            if x509.load_pem_x509_certificate(read_pem(file)).serial_number in revoked:
                continue
            try:
                renewed[file] = issuer.renew(file, tls=place in listening)
            except KeyElsewhere:
                if place not in identities:
                    raise
                keyless.append(file)
    write_all(renewed)
    return Renewal(tuple(renewed), tuple(keyless))


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
