"""Keys and certificates: a condominium's roots and its machines.

For trials cryptogen makes the roots, and whatever else a condominium needs is certified here with them.
Identities that act for it come from `network.authority`. A condominium with a certificate authority of its
own (`network.federation.authority`) needs none of that.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from network.federation.binaries import Binaries
from network.federation.description import FederationError
from network.federation.folder import Folder
from network.file import write
from network.identity import private_pem, read_key, read_pem

NODE_VALIDITY = datetime.timedelta(days=3650)
_NODE_UNITS = ("client", "peer", "admin", "orderer")


def make_roots(folder: Folder, binaries: Binaries) -> None:
    """Make the roots of identities and of TLS with cryptogen, and keep them in the folder.

    Raises FederationError where cryptogen fails.
    """
    description = {
        "PeerOrgs": [
            {"Name": folder.code, "Domain": folder.code, "EnableNodeOUs": True, "Users": {"Count": 0}}
        ]
    }
    with tempfile.TemporaryDirectory() as scratch:
        settings = Path(scratch) / "crypto.yaml"
        settings.write_text(json.dumps(description))  # JSON is YAML
        run = subprocess.run(
            [binaries.path("cryptogen"), "generate", "--config", settings, "--output", f"{scratch}/out"],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise FederationError(f"cryptogen failed: {run.stderr.strip()}")
        made = Path(scratch) / "out" / "peerOrganizations" / folder.code
        for source, name in (("ca", "ca"), ("tlsca", "tls")):
            target = folder.path / name
            target.mkdir()
            shutil.copy(made / source / f"{source}.{folder.code}-cert.pem", target / "root.pem")
            write(target / "root.key", (made / source / "priv_sk").read_bytes(), private=True)


def certify(
    roots: Path,
    name: str,
    *,
    unit: str | None = None,
    hosts: Sequence[str] = (),
    validity: datetime.timedelta = NODE_VALIDITY,
) -> tuple[bytes, bytes]:
    """A new P-256 key and its certificate under the root in `roots`; both PEM, certificate first.

    `unit` is the organisational unit by which Fabric tells peers, orderers, admins and clients apart;
    `hosts` makes it a TLS certificate for these names and addresses, as server and as client.
    """
    root = x509.load_pem_x509_certificate(read_pem(roots / "root.pem"))
    root_key = read_key(roots / "root.key")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if unit is not None:
        subject.insert(0, x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    start = earliest(root)
    # A certificate that outlives its issuer is refused by some verifiers.
    end = min(start + validity, root.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(tls=bool(hosts)), critical=True)
        .add_extension(_issuer(root), critical=False)
    )
    if hosts:
        both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        names = alternative_names(hosts)
        builder = builder.add_extension(both, critical=False).add_extension(names, critical=False)
    certificate = builder.sign(root_key, SHA256())
    return certificate.public_bytes(Encoding.PEM), private_pem(key)


def recertify(roots: Path, path: Path, validity: datetime.timedelta = NODE_VALIDITY) -> bytes:
    """The certificate in `path` anew, with the same key, subject and extensions and a later end; PEM.

    An identity's certificate keeps the length of its validity.
    """
    root = x509.load_pem_x509_certificate(read_pem(roots / "root.pem"))
    old = x509.load_pem_x509_certificate(read_pem(path))
    length = min(validity, old.not_valid_after_utc - old.not_valid_before_utc)
    start = earliest(root)
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(root.subject)
        .public_key(old.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(min(start + length, root.not_valid_after_utc))
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(read_key(roots / "root.key"), SHA256()).public_bytes(Encoding.PEM)


def write_msp(place: Path, root: bytes, tls_root: bytes) -> None:
    """A public MSP folder as Fabric reads it: who vouches for a condominium's identities."""
    for name, certificate in (("cacerts", root), ("tlscacerts", tls_root)):
        (place / name).mkdir(parents=True, exist_ok=True)
        (place / name / "root.pem").write_bytes(certificate)
    units = {
        f"{unit.capitalize()}OUIdentifier": {
            "Certificate": "cacerts/root.pem",
            "OrganizationalUnitIdentifier": unit,
        }
        for unit in _NODE_UNITS
    }
    (place / "config.yaml").write_text(json.dumps({"NodeOUs": {"Enable": True, **units}}, indent=2))


def earliest(root: x509.Certificate) -> datetime.datetime:
    """From when a new certificate is valid: a little in the past, for clocks differ, yet not before its root.

    Fabric checks a certificate's chain as of the certificate's own first second.
    """
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    return max(past, root.not_valid_before_utc)


def alternative_names(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    """These host names and addresses as a certificate lists them."""
    return x509.SubjectAlternativeName([_host(host) for host in dict.fromkeys(hosts)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _issuer(root: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _usage(*, tls: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=tls,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
