"""Certificates are renewed one condominium after the other, and the network never stops."""

from __future__ import annotations

import errno
import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from chaincode.condominium import namespace_of
from network.authority import Authority
from network.command import network as command
from network.fabric import FabricLedger
from network.federation import renewal
from network.federation.administration import own_peer
from network.federation.credentials import make_credentials
from network.federation.description import CHANNEL
from network.federation.enrolment import Enrolment
from network.federation.folder import LOCAL_ADDRESS, Folder, KeyElsewhere, Ports, key_of
from network.federation.issuer import RootIssuer
from network.federation.renewal import renew, restart
from network.federation.status import certificates
from tests.federation import CODES, Network


class KeyWanting(RootIssuer):
    """As a condominium's fabric-ca server: refuses as `Enrolment` does what its key has not signed."""

    def renew(self, certificate: Path, *, tls: bool) -> bytes:
        """The certificate anew where its key's file is there."""
        if key_of(certificate).exists():
            return super().renew(certificate, tls=tls)
        return Enrolment(self._folder).renew(certificate, tls=tls)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A condominium's folder with roots, keys and certificates, and no process."""
    made = Folder.create(tmp_path / "aurora", "aurora", Ports.block(21000))
    for name in ("ca", "tls"):
        Authority.create("aurora").save(made.path / name)
    make_credentials(made, RootIssuer(made), LOCAL_ADDRESS)
    return made


def _contents(folder: Folder) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in certificates(folder)}


def test_a_certificate_that_cannot_be_read_is_a_sentence(folder: Folder) -> None:
    """It is named, and none of the others is renewed."""
    torn = folder.path / "chaincode/client/certificate.pem"
    torn.write_bytes(torn.read_bytes()[:100])
    before = _contents(folder)
    typed = CliRunner().invoke(command, ["renew-certificates", str(folder.path)])
    assert (typed.exit_code, typed.output) == (1, f"Error: {torn} holds no certificate in PEM form\n")
    assert _contents(folder) == before


def test_a_full_disk_leaves_the_certificates_as_they_are(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of them is the one that does not fit: none is cut short, nothing is left beside them."""
    before = _contents(folder)
    synchronise, written = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal written
        written += 1
        if written == len(before):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        synchronise(descriptor)

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space left"):
        patched.setattr(os, "fsync", full)
        renew(folder)
    assert written == len(before)
    assert _contents(folder) == before
    assert not list(folder.path.rglob("*.partial"))


def test_identities_whose_key_is_elsewhere_are_named_and_left(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their keys are in a token. The machines' certificates are renewed; who has no administrator's key is
    told that nothing was restarted."""
    left = {folder.certificate(name) for name in ("admin", "gateway")}
    for path in left:
        key_of(path).unlink()
    before = _contents(folder)
    monkeypatch.setattr(renewal, "issuer_of", lambda asked: nullcontext(KeyWanting(asked)))
    typed = CliRunner().invoke(command, ["renew-certificates", str(folder.path)])
    assert typed.exit_code == 0, typed.output
    assert {path for path, content in _contents(folder).items() if content == before[path]} == left
    for path in left:
        assert f"{path} is not renewed: key.pem is not beside it" in typed.output
    assert "aurora is not restarted" in typed.output
    assert f"aurora: {len(before) - len(left)} certificates" in typed.output


def test_a_machine_without_its_key_stops_the_renewal(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """No token holds it: the process could not start."""
    key_of(folder.path / "peer/tls/certificate.pem").unlink()
    before = _contents(folder)
    monkeypatch.setattr(renewal, "issuer_of", lambda asked: nullcontext(KeyWanting(asked)))
    with pytest.raises(KeyElsewhere, match=r"peer/tls/key\.pem is missing"):
        renew(folder)
    assert _contents(folder) == before


@pytest.mark.fabric
@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_renewed_certificates_keep_their_keys_and_serve(changing_federation: Network) -> None:
    """New serial numbers and ends, the same keys; the renewed member and the others go on."""
    renewed, other = (changing_federation.folders[code] for code in CODES[:2])
    before = {path: x509.load_pem_x509_certificate(path.read_bytes()) for path in certificates(renewed)}
    assert set(renew(renewed).renewed) == set(before)
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
