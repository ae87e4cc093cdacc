"""Organisations: whose certificates a ledger accepts (the verifying side of an MSP)."""

from __future__ import annotations

from collections.abc import Iterable

from chaincode.signing import certificate as certificates
from chaincode.signing.certificate import Certificate, CertificateError


class Organisation:
    """A member of the channel, known by its root certificate."""

    def __init__(self, msp_id: str, root: bytes, revoked: Iterable[int] = ()) -> None:
        """`root` is PEM; `revoked` holds serial numbers that are no longer accepted.

        Raises CertificateError where `root` is no certificate authority's certificate."""
        self.msp_id = msp_id
        self.root = root
        self._root = certificates.parse(root)
        if not self._root.authority:
            raise CertificateError(f"the root certificate of {msp_id} is not a certificate authority's")
        self._revoked = set(revoked)
        self._issued: dict[bytes, Certificate] = {}

    def revoke(self, serial: int) -> None:
        """Accept nothing more from the certificate with this serial number."""
        self._revoked.add(serial)

    def check(self, pem: bytes, timestamp: int) -> Certificate:
        """The certificate, where this organisation vouches for it at `timestamp` (ms since 1970).

        The chain is checked once for each certificate, validity and revocation every time. Raises
        CertificateError where it is not under the root, not valid at that time, or revoked."""
        certificate = self._issued.get(pem)
        if certificate is None:
            certificate = certificates.parse(pem)
            certificate.check_issuer(self._root)
            self._issued[pem] = certificate
        certificate.check_time(timestamp)
        self._root.check_time(timestamp)
        if certificate.serial in self._revoked:
            raise CertificateError("the certificate is revoked")
        return certificate
