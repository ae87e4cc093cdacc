"""X.509 certificates of those who sign transactions and blocks.

A condominium's root certifies its clients and its ledger. What a certificate's holder may do is its role
(`chaincode.creator`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from chaincode.creator import role_of

_ALGORITHM = ec.ECDSA(SHA256())
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the X.509 reader raises for bytes that somebody made up."""


class CertificateError(ValueError):
    """A certificate cannot be used; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is used of an X.509 certificate."""

    key: ec.EllipticCurvePublicKey
    serial: int
    organisation: str | None
    """The condominium's code."""
    role: str | None
    not_before: int
    """Milliseconds since 1970, like `not_after`; both included."""
    not_after: int
    authority: bool
    """Whether it may certify others."""
    x509: x509.Certificate

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` (DER) is this certificate's ECDSA P-256 with SHA-256 over `message`."""
        try:
            self.key.verify(signature, message, _ALGORITHM)
        except InvalidSignature:
            return False
        return True

    def check_issuer(self, root: Certificate) -> None:
        """Raises CertificateError where `root` did not certify this certificate."""
        if not root.authority:
            raise CertificateError("the root certificate is not a certificate authority's")
        try:
            self.x509.verify_directly_issued_by(root.x509)
        except (InvalidSignature, TypeError, ValueError, UnsupportedAlgorithm):
            raise CertificateError("the certificate was not issued under the root certificate") from None

    def check_time(self, timestamp: int) -> None:
        """Raises CertificateError where `timestamp` (milliseconds since 1970) is outside the validity."""
        if timestamp < self.not_before:
            raise CertificateError("the certificate is not valid yet")
        if timestamp > self.not_after:
            raise CertificateError("the certificate has expired")


@lru_cache(maxsize=1024)
def parse(pem: bytes) -> Certificate:
    """Read a PEM certificate. Raises CertificateError where it is none or its key is not on P-256."""
    try:
        return _read(x509.load_pem_x509_certificate(pem), role_of(pem))
    except _UNREADABLE as error:
        raise CertificateError("this is no X.509 certificate in PEM form with a key on P-256") from error


def _read(certificate: x509.Certificate, role: str | None) -> Certificate:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CertificateError("the certificate's key is not on P-256")
    extensions = certificate.extensions
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return Certificate(
        key=key,
        serial=certificate.serial_number,
        organisation=str(names[0].value) if names else None,
        role=role,
        not_before=int(certificate.not_valid_before_utc.timestamp()) * 1000,
        not_after=int(certificate.not_valid_after_utc.timestamp()) * 1000,
        authority=_is_authority(extensions),
        x509=certificate,
    )


def _is_authority(extensions: x509.Extensions) -> bool:
    try:
        return extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
