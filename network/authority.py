"""A condominium's own certificate authority: one root, and the certificates under it.

Enough for a condominium on the embedded ledger, and the same form as Hyperledger Fabric's: organisational
units as its MSP reads them (`NodeOUs`), roles as fabric-ca writes them.
"""

from __future__ import annotations

import datetime
import errno
import json
import shutil
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from chaincode.condominium import msp_id_of
from chaincode.creator import ATTRIBUTES, ROLE
from network.file import settle, write_all
from network.identity import (
    Identity,
    IdentityError,
    organisation_name,
    private_pem,
    read_key,
    read_pem,
)

ROLES = ("admin", "gateway", "auditor", "ledger")
ROOT_VALIDITY = datetime.timedelta(days=3653)
CLIENT_VALIDITY = datetime.timedelta(days=825)
BACKDATED = datetime.timedelta(days=1)
"""A clock that was fast at the first start, and is put right, must not leave certificates of the future."""
_ROOT_FILE = "root.pem"
_KEY_FILE = "root.key"


class Authority:
    """A condominium's root key, which certifies its administrators, gateways, auditors and ledger."""

    def __init__(self, code: str, root: bytes, key: ec.EllipticCurvePrivateKey) -> None:
        self.code = code
        self.root = root
        """The root certificate, PEM: what everybody else needs in order to trust this condominium."""
        self._key = key
        self._root = x509.load_pem_x509_certificate(root)

    @property
    def msp_id(self) -> str:
        """The MSP id of the identities issued here."""
        return msp_id_of(self.code)

    @classmethod
    def create(cls, code: str, not_before: datetime.datetime | None = None) -> Self:
        """A new root for the condominium `code`, valid for ten years from `not_before` (default: now)."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(code, f"{code} root")
        builder = _builder(subject, subject, key.public_key(), not_before, ROOT_VALIDITY)
        usage = _usage(key_cert_sign=True, crl_sign=True)
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, SHA256())
        )
        return cls(code, _pem(certificate), key)

    def issue(
        self,
        name: str,
        role: str,
        not_before: datetime.datetime | None = None,
        validity: datetime.timedelta = CLIENT_VALIDITY,
    ) -> Identity:
        """A new key and its certificate for `name`, who acts as `role`.

        Raises ValueError for a role that is not in `ROLES`."""
        if role not in ROLES:
            raise ValueError(f"role {role!r} is not one of {', '.join(ROLES)}")
        key = ec.generate_private_key(ec.SECP256R1())
        unit = "admin" if role == "admin" else "client"
        builder = _builder(
            _name(self.code, name, unit), self._root.subject, key.public_key(), not_before, validity
        )
        attributes = json.dumps({"attrs": {ROLE: role}}).encode()
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .add_extension(x509.UnrecognizedExtension(ATTRIBUTES, attributes), critical=False)
            .sign(self._key, SHA256())
        )
        return Identity(self.msp_id, _pem(certificate), key)

    def save(self, directory: Path) -> None:
        """Write root certificate and private key into the new `directory`, which is there with both or not at
        all. Raises IdentityError where something is in it already."""
        partial = directory.with_name(f"{directory.name}.partial")
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        key = partial / _KEY_FILE
        write_all({key: private_pem(self._key), partial / _ROOT_FILE: self.root}, private={key})
        try:
            partial.rename(directory)
        except OSError as error:
            shutil.rmtree(partial)
            if error.errno not in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}:
                raise
            raise IdentityError(f"{directory} is there already; a root takes no other one's place") from error
        settle(directory.parent)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote. Raises IdentityError where a file is missing or does not fit."""
        path = directory / _ROOT_FILE
        root, key = read_pem(path), read_key(directory / _KEY_FILE)
        authority = cls(organisation_name(root, path), root, key)
        if authority._root.public_key() != key.public_key():
            raise IdentityError(f"{directory / _KEY_FILE} is not the key of {path}")
        return authority


def _name(code: str, name: str, unit: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, code)]
    if unit is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    not_before: datetime.datetime | None,
    validity: datetime.timedelta,
) -> x509.CertificateBuilder:
    start = not_before or datetime.datetime.now(datetime.UTC) - BACKDATED
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + validity)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
