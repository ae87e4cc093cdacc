"""Identities, the authority that issues them, and the organisation that vouches for them."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from chaincode.signing.certificate import CertificateError, parse
from network.authority import ROLES, Authority
from network.identity import Identity, IdentityError
from network.organisation import Organisation

HALF_ORDER = 0x7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8
NOON = datetime.datetime(2019, 5, 1, 12, tzinfo=datetime.UTC)
MS = int(NOON.timestamp()) * 1000
HOUR = 3_600_000


@pytest.fixture(scope="module")
def authority() -> Authority:
    """A condominium's authority whose time begins at noon."""
    return Authority.create("aurora", NOON)


@pytest.mark.parametrize("role", ROLES)
def test_a_certificate_says_who_and_what(authority: Authority, role: str) -> None:
    """Organisation, MSP id and role; Fabric's classification of administrators and clients."""
    identity = authority.issue("somebody", role, NOON)
    certificate = parse(identity.certificate)
    assert (identity.msp_id, identity.role, certificate.organisation) == ("auroraMSP", role, "aurora")
    [unit] = certificate.x509.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATIONAL_UNIT_NAME)
    assert unit.value == ("admin" if role == "admin" else "client")
    with pytest.raises(ValueError, match="role 'king' is not one of admin"):
        authority.issue("somebody", "king")


def test_signatures_have_a_low_s(authority: Authority) -> None:
    """Fabric's MSP refuses the other half; what is signed verifies, and nothing else does."""
    identity = authority.issue("gateway", "gateway", NOON)
    certificate = parse(identity.certificate)
    for number in range(40):
        message = b"message %d" % number
        signature = identity.sign(message)
        assert decode_dss_signature(signature)[1] <= HALF_ORDER
        assert certificate.verifies(message, signature)
        assert not certificate.verifies(message + b"!", signature)


def test_identities_are_kept_in_files(authority: Authority, tmp_path: Path) -> None:
    """PEM, the private key for its owner alone; what comes back signs as before."""
    identity = authority.issue("gateway", "gateway", NOON)
    certificate, key = tmp_path / "gateway.pem", tmp_path / "gateway.key"
    for _ in range(2):
        identity.save(certificate, key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    loaded = Identity.load(certificate, key)
    assert (loaded.msp_id, loaded.certificate) == (identity.msp_id, identity.certificate)
    assert parse(identity.certificate).verifies(b"x", loaded.sign(b"x"))
    assert Identity.load(certificate, key, "otherMSP").msp_id == "otherMSP"


def test_an_authority_is_kept_in_a_folder(authority: Authority, tmp_path: Path) -> None:
    """What comes back issues under the same root."""
    authority.save(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new" / "root.key").stat().st_mode) == 0o600
    loaded = Authority.load(tmp_path / "new")
    identity = loaded.issue("gateway", "gateway", NOON)
    assert (loaded.code, loaded.root) == ("aurora", authority.root)
    Organisation(authority.msp_id, authority.root).check(identity.certificate, MS)


def test_a_root_takes_no_others_place(authority: Authority, tmp_path: Path) -> None:
    """Whoever knows the condominium knows it by the root that is there."""
    authority.save(tmp_path / "kept")
    with pytest.raises(IdentityError, match="kept is there already"):
        Authority.create("aurora", NOON).save(tmp_path / "kept")
    assert Authority.load(tmp_path / "kept").root == authority.root
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_files_that_do_not_fit(authority: Authority, tmp_path: Path) -> None:
    """Missing, of another kind, or of another identity: the sentence names the file."""
    one, other = (authority.issue(name, "gateway", NOON) for name in ("one", "other"))
    certificate, key = tmp_path / "one.pem", tmp_path / "one.key"
    with pytest.raises(IdentityError, match=r"one.pem cannot be read"):
        Identity.load(certificate, key)
    one.save(certificate, key)
    other.save(tmp_path / "other.pem", tmp_path / "other.key")
    with pytest.raises(IdentityError, match="does not belong"):
        Identity.load(certificate, tmp_path / "other.key")
    with pytest.raises(IdentityError, match=r"one.key holds no certificate"):
        Identity.load(key, key)
    with pytest.raises(IdentityError, match=r"one.pem holds no unencrypted private key"):
        Identity.load(certificate, certificate)
    authority.save(tmp_path / "roots")
    one.save(tmp_path / "unused.pem", tmp_path / "roots/root.key")
    with pytest.raises(IdentityError, match=r"root.key is not the key of"):
        Authority.load(tmp_path / "roots")


def test_an_organisation_vouches_for_its_own(authority: Authority) -> None:
    """Under its root, within the validity, not revoked."""
    organisation = Organisation(authority.msp_id, authority.root)
    identity = authority.issue("gateway", "gateway", NOON, datetime.timedelta(hours=1))
    certificate = organisation.check(identity.certificate, MS)
    organisation.check(identity.certificate, MS + HOUR)
    for timestamp, why in ((MS - 1, "not valid yet"), (MS + HOUR + 1, "has expired")):
        with pytest.raises(CertificateError, match=why):
            organisation.check(identity.certificate, timestamp)
    with pytest.raises(CertificateError, match="revoked"):
        Organisation(authority.msp_id, authority.root, [certificate.serial]).check(identity.certificate, MS)
    organisation.revoke(certificate.serial)
    with pytest.raises(CertificateError, match="revoked"):
        organisation.check(identity.certificate, MS)


def test_an_organisation_refuses_others(authority: Authority) -> None:
    """Another root of the same name, a certificate that a client issued, and what is no certificate."""
    organisation = Organisation(authority.msp_id, authority.root)
    namesake = Authority.create("aurora", NOON).issue("gateway", "gateway", NOON)
    with pytest.raises(CertificateError, match="not issued under"):
        organisation.check(namesake.certificate, MS)
    with pytest.raises(CertificateError, match=r"no X.509"):
        organisation.check(b"nonsense", MS)
    client = authority.issue("gateway", "gateway", NOON)
    with pytest.raises(CertificateError, match="not a certificate authority's"):
        Organisation(authority.msp_id, client.certificate)
