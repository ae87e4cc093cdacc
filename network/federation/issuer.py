"""Who certifies a condominium's keys: its own fabric-ca server where it has one, else its roots' keys.

The keys themselves are made here, on the condominium's machine, and never leave it; an issuer sees public
keys alone.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from network.authority import Authority
from network.federation.authority import serving
from network.federation.crypto import certify, earliest, recertify
from network.federation.description import FederationError
from network.federation.enrolment import Enrolment
from network.federation.folder import Folder
from network.identity import Identity, read_key, read_pem

REVOCATION_VALIDITY = datetime.timedelta(days=3650)


class Issuer(Protocol):
    """Certifies keys of one condominium. Certificates, keys and lists are PEM."""

    def node(self, name: str, unit: str) -> tuple[bytes, bytes]:
        """A new key for a machine and its certificate, certificate first; `unit` is peer or orderer."""

    def identity(self, name: str, role: str) -> Identity:
        """A new key and its certificate for who acts as `role`.

        Raises ValueError for a role that is not in `network.authority.ROLES`."""

    def tls(self, name: str, hosts: Sequence[str]) -> tuple[bytes, bytes]:
        """A new key and its TLS certificate for these host names and addresses."""

    def renew(self, certificate: Path, *, tls: bool) -> bytes:
        """The certificate in the file anew, for the same key (`folder.key_of`), with a later end.

        Raises FederationError where it cannot be had: KeyElsewhere where the key, whose signature some
        issuers want, is not in its file."""

    def revoke(self, certificate: x509.Certificate, earlier: set[int]) -> bytes:
        """The list of all revoked identities, this one and the serial numbers `earlier` among them."""


class RootIssuer:
    """Certifies with the roots' keys in the condominium's folder: for trials, where cryptogen made them."""

    def __init__(self, folder: Folder) -> None:
        """Raises FederationError where the roots' keys are not in the folder."""
        self._folder = folder
        self._roots, self._tls = folder.path / "ca", folder.path / "tls"
        if not (self._roots / "root.key").exists():
            raise FederationError(f"{self._roots / 'root.key'} is missing; its holder issues certificates")

    def node(self, name: str, unit: str) -> tuple[bytes, bytes]:
        """See `Issuer.node`."""
        return certify(self._roots, name, unit=unit)

    def identity(self, name: str, role: str) -> Identity:
        """See `Issuer.identity`."""
        root = read_pem(self._roots / "root.pem")
        authority = Authority(self._folder.code, root, read_key(self._roots / "root.key"))
        return authority.issue(name, role, earliest(x509.load_pem_x509_certificate(root)))

    def tls(self, name: str, hosts: Sequence[str]) -> tuple[bytes, bytes]:
        """See `Issuer.tls`."""
        return certify(self._tls, name, hosts=hosts)

    def renew(self, certificate: Path, *, tls: bool) -> bytes:
        """See `Issuer.renew`."""
        return recertify(self._tls if tls else self._roots, certificate)

    def revoke(self, certificate: x509.Certificate, earlier: set[int]) -> bytes:
        """See `Issuer.revoke`."""
        root = x509.load_pem_x509_certificate(read_pem(self._roots / "root.pem"))
        now = datetime.datetime.now(datetime.UTC)
        identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(root.subject)
            .last_update(now)
            .next_update(now + REVOCATION_VALIDITY)
            .add_extension(issuer, critical=False)
        )
        for serial in sorted(earlier | {certificate.serial_number}):
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(read_key(self._roots / "root.key"), SHA256()).public_bytes(Encoding.PEM)


@contextmanager
def issuer_of(folder: Folder) -> Iterator[Issuer]:
    """The condominium's issuer; its fabric-ca server is started for as long as needed where it is down.

    Raises FederationError where the folder has neither the server nor the roots' keys.
    """
    if folder.authority.exists():
        with serving(folder):
            yield Enrolment(folder)
    else:
        yield RootIssuer(folder)
