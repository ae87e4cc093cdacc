"""Identities: who signs what is submitted to a ledger.

As on Hyperledger Fabric, an identity is an X.509 certificate under its organisation's root, that
organisation's MSP id, and the private key (EC P-256). `network.authority` issues them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from chaincode.condominium import msp_id_of
from chaincode.signing import certificate as certificates
from network.file import write_all

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256's base point (FIPS 186-5, SP 800-186 section 3.2.1.3)."""
_ALGORITHM = ec.ECDSA(SHA256())


class IdentityError(Exception):
    """A certificate or private key cannot be used; the sentence names the file and says why."""


class NotAPair(IdentityError):
    """The private key is another certificate's: what a kill leaves between the two files of a pair."""


class Identity:
    """A certificate with its private key and the MSP id of its organisation."""

    def __init__(self, msp_id: str, certificate: bytes, key: ec.EllipticCurvePrivateKey) -> None:
        """`certificate` is PEM. Raises NotAPair where the key is not the certificate's, and IdentityError
        where that is none."""
        try:
            parsed = certificates.parse(certificate)
        except certificates.CertificateError as error:
            raise IdentityError(str(error)) from error
        if key.public_key().public_numbers() != parsed.key.public_numbers():
            raise NotAPair("the private key does not belong to the certificate")
        self.msp_id = msp_id
        self.certificate = certificate
        self._key = key

    @property
    def role(self) -> str | None:
        """The role in the certificate's attributes (`admin`, `gateway`, `auditor`, `ledger`)."""
        return certificates.parse(self.certificate).role

    def sign(self, message: bytes) -> bytes:
        """ECDSA P-256 with SHA-256 over `message`, DER, with the low S that Fabric's MSP insists on."""
        return low_s(*utils.decode_dss_signature(self._key.sign(message, _ALGORITHM)))

    def save(self, certificate: Path, key: Path) -> None:
        """Write both as PEM files; the private key is readable by its owner alone.

        Where this is killed there is the earlier pair, the new one, or what `load` calls no pair."""
        write_all({key: private_pem(self._key), certificate: self.certificate}, private={key})

    @classmethod
    def load(cls, certificate: Path, key: Path, msp_id: str | None = None) -> Self:
        """Read what `save` wrote; without `msp_id` it is made from the certificate's organisation.

        Raises NotAPair where they do not belong together, and IdentityError where a file is missing or is not
        what it should be."""
        pem = read_pem(certificate)
        return cls(msp_id or msp_id_of(organisation_name(pem, certificate)), pem, read_key(key))


def low_s(r: int, s: int) -> bytes:
    """The P-256 signature (r, s) as DER with the lower of its two equal values of s."""
    return utils.encode_dss_signature(r, min(s, _ORDER - s))


def organisation_name(pem: bytes, path: Path) -> str:
    """The condominium code that the certificate read from `path` names as its organisation."""
    names = x509.load_pem_x509_certificate(pem).subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    if not names:
        raise IdentityError(f"{path} names no organisation; say which MSP id it belongs to")
    return str(names[0].value)


def read_pem(path: Path) -> bytes:
    """The certificate in `path`. Raises IdentityError where it is missing or holds none."""
    try:
        pem = path.read_bytes()
        x509.load_pem_x509_certificate(pem)
    except OSError as error:
        raise IdentityError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise IdentityError(f"{path} holds no certificate in PEM form") from error
    return pem


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The P-256 private key in `path`. Raises IdentityError where it is missing or another kind."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise IdentityError(f"{path} cannot be read: {error.strerror}") from error
    except (TypeError, ValueError) as error:
        raise IdentityError(f"{path} holds no unencrypted private key in PEM form") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise IdentityError(f"{path} holds no P-256 key")
    return key


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """`key` as unencrypted PKCS #8 in PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
