"""The embedded ledger and the Fabric network side by side, with the same members and identities."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from network.authority import Authority
from network.embedded.ledger import EmbeddedLedger
from network.fabric import FabricLedger
from network.fabric.gateway import system_clock
from network.federation.administration import own_peer
from network.federation.crypto import certify
from network.federation.description import CHANNEL
from network.federation.folder import Folder
from network.identity import Identity, read_key, read_pem
from network.organisation import Organisation
from tests.conformance.pair import Pair, Side
from tests.federation import Network, dispatch

Identities = dict[tuple[str, str | None], Identity]


@pytest.fixture(scope="session")
def identities(federation: Network) -> Identities:
    """Each condominium's admin, gateway, auditor, and one without a role."""
    found: Identities = {}
    for code, folder in federation.folders.items():
        for role in ("admin", "gateway", "auditor"):
            found[code, role] = folder.identity(role)
        certificate, key = certify(folder.path / "ca", "nobody", unit="client")
        private = serialization.load_pem_private_key(key, password=None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        found[code, None] = Identity(folder.member.msp_id, certificate, private)
    return found


@pytest.fixture
async def pair(federation: Network, identities: Identities, name: str, tmp_path: Path) -> AsyncIterator[Pair]:
    """Both ledgers, on one clock."""
    folders = federation.folders
    # Certificates are valid from today on, so scenarios take place today.
    both = Pair(CHANNEL, (), name, now=system_clock())
    embedded = await EmbeddedLedger.open(
        tmp_path / "ledger.sqlite",
        channel=CHANNEL,
        identity=identities["aurora", "gateway"],
        signer=authority(folders["aurora"]).issue("ledger", "ledger"),
        organisations=[
            Organisation(folder.member.msp_id, read_pem(folder.path / "ca/root.pem"))
            for folder in folders.values()
        ],
        dispatch=dispatch,
        now=lambda: both.now,
    )
    fabric = {
        identity.certificate: FabricLedger(
            identity, CHANNEL, [own_peer(folders[code])], clock=lambda: both.now
        )
        for (code, _role), identity in identities.items()
    }
    views = {identity.certificate: embedded.as_identity(identity) for identity in identities.values()}
    both.sides = (Side("embedded", views), Side("fabric", fabric))
    yield both
    for ledger in fabric.values():
        await ledger.close()
    await embedded.close()


def authority(folder: Folder) -> Authority:
    """The condominium's authority, which can issue more identities."""
    roots = folder.path / "ca"
    return Authority(folder.code, read_pem(roots / "root.pem"), read_key(roots / "root.key"))
