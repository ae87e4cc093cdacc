"""Each condominium's own fabric-ca server issues, renews and revokes on a network that runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from chaincode.condominium import namespace_of
from chaincode.creator import role_of
from network.command import network as command
from network.fabric import FabricLedger, Timeouts
from network.federation import supervisor
from network.federation.administration import own_peer
from network.federation.authority import serving
from network.federation.binaries import Binaries
from network.federation.description import CHANNEL
from network.federation.enrolment import EnrolmentError
from network.federation.folder import PORTS_PER_CONDOMINIUM, Folder, Ports, key_of
from network.federation.issuer import issuer_of
from network.federation.join import prepare, read_public_file
from network.federation.readiness import wait_until
from network.federation.renewal import renew, restart
from network.federation.revocation import revoke
from network.federation.status import certificates, status
from network.identity import Identity
from network.ledger import EndorseError, EvaluateError
from tests.federation import Network, free_ports, running

pytestmark = [pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(400)]

OWN, OTHER = "aurora", "boreal"


@pytest.fixture(scope="module")
def network(fabric_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Two condominiums, each with its own certificate authority."""
    path = tmp_path_factory.mktemp("authorities") / "network"
    with running(path, fabric_binaries, codes=(OWN, OTHER), certificates="ca") as started:
        yield started


def ledger(folder: Folder, identity: Identity, timeouts: Timeouts | None = None) -> FabricLedger:
    """The channel at the condominium's own peer, as `identity`."""
    return FabricLedger(identity, CHANNEL, [own_peer(folder)], timeouts=timeouts)


async def put(folder: Folder, key: str) -> None:
    """A transaction of the condominium's gateway commits."""
    opened = ledger(folder, folder.identity("gateway"))
    try:
        await opened.submit(namespace_of(folder.code), "put", [key.encode(), b"1"])
        assert json.loads(await opened.evaluate(namespace_of(folder.code), "get", [key.encode()])) == "1"
    finally:
        await opened.close()


async def test_each_condominium_has_its_own_roots_whose_keys_stay_in_its_server(network: Network) -> None:
    """Servers run under the supervisors; no root's key lies about; roles are where the rules read them."""
    roots = set()
    for folder in network.folders.values():
        assert supervisor.running(folder, "authority") is not None
        assert not list(folder.path.glob("*/root.key"))
        assert folder.authority.stat().st_mode & 0o077 == 0
        assert "pass" not in (folder.authority / "fabric-ca-server-config.yaml").read_text()
        roots |= {(folder.path / name / "root.pem").read_bytes() for name in ("ca", "tls")}
        for name in ("admin", "gateway", "auditor"):
            assert role_of(folder.identity(name).certificate) == name
        await put(folder, "issued")
    assert len(roots) == 4
    (shown,) = await status([network.folders[OWN]])
    assert shown.processes["authority"] == supervisor.running(network.folders[OWN], "authority")


async def test_an_authority_issues_for_its_own_condominium_alone(network: Network) -> None:
    """The other's registrar is a stranger to it: its certificate is not under this root."""
    own, other = (network.folders[code] for code in (OWN, OTHER))
    place = own.authority / "registrar/identities"
    kept = {path: path.read_bytes() for path in place.iterdir()}
    with serving(own), issuer_of(own) as issuer:
        for path in kept:
            path.write_bytes((other.authority / "registrar/identities" / path.name).read_bytes())
        try:
            with pytest.raises(EnrolmentError, match="Authentication failure"):
                issuer.identity("intruder", "admin")
        finally:
            for path, content in kept.items():
                path.write_bytes(content)
        with pytest.raises(ValueError, match="is not one of"):
            issuer.identity("intruder", "owner")


async def test_renewed_by_re_enrolment_with_the_same_keys(network: Network) -> None:
    """Every certificate is another one for the same key and subject, and the network goes on with them."""
    folder = network.folders[OWN]
    before = {path: x509.load_pem_x509_certificate(path.read_bytes()) for path in certificates(folder)}
    assert set(renew(folder).renewed) == set(before)
    for path, old in before.items():
        new = x509.load_pem_x509_certificate(path.read_bytes())
        assert new.serial_number != old.serial_number
        assert (new.public_key(), new.subject) == (old.public_key(), old.subject)
        assert new.not_valid_after_utc >= old.not_valid_after_utc
        names = x509.SubjectAlternativeName
        assert [each.value for each in new.extensions if isinstance(each.value, names)] == [
            each.value for each in old.extensions if isinstance(each.value, names)
        ]
    await restart(folder)
    for each in network.folders.values():
        await put(each, "renewed")


async def test_identities_whose_keys_are_elsewhere_are_named_and_left(
    network: Network, tmp_path: Path
) -> None:
    """Their keys are in a token: the machines' certificates are renewed, theirs stay."""
    folder = network.folders[OWN]
    left = {folder.certificate(name) for name in ("admin", "gateway")}
    before = {path: path.read_bytes() for path in certificates(folder)}
    for path in left:
        key_of(path).rename(tmp_path / f"{path.parent.name}.key")
    try:
        found = renew(folder)
        assert set(found.keyless) == left
        assert set(found.renewed) == set(before) - left
        assert {path for path in before if path.read_bytes() == before[path]} == left
    finally:
        for path in left:
            (tmp_path / f"{path.parent.name}.key").rename(key_of(path))


async def test_a_revoked_gateway_is_refused_until_it_is_enrolled_anew(
    network: Network, fabric_binaries: Binaries, tmp_path: Path
) -> None:
    """The authority lists it, every peer refuses it, no renewal brings it back; another key is accepted."""
    folder = network.folders[OWN]
    lost = folder.identity("gateway")
    certificate = folder.path / "users/gateway/certificate.pem"
    for _ in range(2):
        await revoke(folder, certificate, fabric_binaries)
    for code in (OWN, OTHER):
        refused = ledger(network.folders[code], lost, Timeouts(3.0, 3.0))

        async def no_longer(refused: FabricLedger = refused) -> bool:
            try:
                await refused.evaluate(namespace_of(OWN), "get", [b"issued"])
            except EvaluateError:
                return True
            return False

        await wait_until("a peer still serves the revoked certificate", no_longer, 30)
        with pytest.raises(EndorseError):
            await refused.submit(namespace_of(OWN), "put", [b"issued", b"2"])
        await refused.close()
    assert certificate not in renew(folder).renewed
    with issuer_of(folder) as issuer, pytest.raises(EnrolmentError):
        issuer.renew(certificate, tls=False)
    typed = CliRunner().invoke(command, ["enrol", str(folder.path), "gateway", "--role", "gateway"])
    assert typed.exit_code == 0, typed.output
    assert Path(typed.output.strip()) == certificate
    await put(folder, "enrolled anew")


def test_a_newcomer_makes_an_authority_of_its_own(
    network: Network, fabric_binaries: Binaries, tmp_path: Path
) -> None:
    """Its keys are made under another name first; the server serves where the folder has moved to."""
    federation = network.folders[OWN].federation
    ports = Ports.block(free_ports(PORTS_PER_CONDOMINIUM))
    public = prepare(
        tmp_path / "elm",
        "elm",
        federation,
        fabric_binaries,
        ports=ports,
        host="127.0.0.1",
        certificates="ca",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["elm"]
    folder = Folder.open(tmp_path / "elm")
    assert read_public_file(public).root == (folder.path / "ca/root.pem").read_text()
    with issuer_of(folder) as issuer:
        assert issuer.identity("later", "auditor").role == "auditor"
    assert [supervisor.running(folder, name) for name in ("authority", "supervisor")] == [None, None]


async def test_it_is_started_for_the_moment_where_it_is_down(network: Network) -> None:
    """Who issues while the supervisor is stopped gets the certificate, and nothing stays behind."""
    folder = network.folders[OTHER]
    supervisor.stop(folder)
    with issuer_of(folder) as issuer:
        assert issuer.identity("night", "auditor").role == "auditor"
    assert supervisor.running(folder, "authority") is None
