"""A revoked certificate is refused by every member's peer; the others of its condominium go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaincode.condominium import namespace_of
from network.fabric import FabricLedger, Timeouts
from network.federation.binaries import Binaries
from network.federation.description import CHANNEL, FederationError
from network.federation.issuer import issuer_of
from network.federation.readiness import wait_until
from network.federation.revocation import revoke
from network.ledger import EndorseError, EvaluateError
from tests.federation import Network

pytestmark = [pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(400)]


async def test_a_revoked_certificate_is_refused_everywhere(
    changing_federation: Network, fabric_binaries: Binaries, tmp_path: Path
) -> None:
    """Used before, revoked by its own condominium alone, refused after; revoking twice changes nothing."""
    folder = changing_federation.folders["cedar"]
    with issuer_of(folder) as issuer:
        lost = issuer.identity("lost", "gateway")
    lost.save(tmp_path / "lost.pem", tmp_path / "lost.key")
    ledgers = [
        FabricLedger(lost, CHANNEL, changing_federation.peers(code), timeouts=Timeouts(3.0, 3.0))
        for code in ("cedar", "dune")
    ]
    namespace = namespace_of("cedar")
    await ledgers[0].submit(namespace, "put", [b"used", b"1"])
    with pytest.raises(FederationError, match="its own condominium revokes it"):
        await revoke(changing_federation.folders["dune"], tmp_path / "lost.pem", fabric_binaries)
    await revoke(folder, tmp_path / "lost.pem", fabric_binaries)
    await revoke(folder, tmp_path / "lost.pem", fabric_binaries)
    for ledger in ledgers:

        async def refused(ledger: FabricLedger = ledger) -> bool:
            try:
                await ledger.evaluate(namespace, "get", [b"used"])
            except EvaluateError:
                return True
            return False

        await wait_until("a peer still serves the revoked certificate", refused, 30)
        with pytest.raises(EndorseError):
            await ledger.submit(namespace, "put", [b"used", b"2"])
        await ledger.close()
    other = FabricLedger(folder.identity("gateway"), CHANNEL, changing_federation.peers("cedar"))
    assert await other.evaluate(namespace, "get", [b"used"]) == b'"1"'
    await other.close()
