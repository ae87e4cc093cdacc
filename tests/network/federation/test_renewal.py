"""Certificates are renewed one condominium after the other, and the network never stops."""

from __future__ import annotations

import pytest
from cryptography import x509

from chaincode.condominium import namespace_of
from network.fabric import FabricLedger
from network.federation.administration import own_peer
from network.federation.description import CHANNEL
from network.federation.renewal import renew, restart
from network.federation.status import certificates
from tests.federation import CODES, Network

pytestmark = [pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(400)]


async def test_renewed_certificates_keep_their_keys_and_serve(changing_federation: Network) -> None:
    """New serial numbers and ends, the same keys; the renewed member and the others go on."""
    renewed, other = (changing_federation.folders[code] for code in CODES[:2])
    before = {path: x509.load_pem_x509_certificate(path.read_bytes()) for path in certificates(renewed)}
    assert set(renew(renewed)) == set(before)
    await restart(renewed)
    for path, old in before.items():
        new = x509.load_pem_x509_certificate(path.read_bytes())
        assert new.serial_number != old.serial_number
        assert new.public_key() == old.public_key()
        assert (new.subject, list(new.extensions)) == (old.subject, list(old.extensions))
    for folder in (renewed, other):
        ledger = FabricLedger(folder.identity("gateway"), CHANNEL, [own_peer(folder)])
        await ledger.submit(namespace_of(folder.code), "put", [b"renewed", b"1"])
        await ledger.close()
