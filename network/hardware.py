"""Identities whose private key is in a hardware token, reached through PKCS #11 (extra `pkcs11`).

Whoever copies the machine's disk then holds no key that can sign. Signing asks the token and waits for it,
some milliseconds each time.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Self

import pkcs11
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from chaincode.signing import certificate as certificates
from network.identity import IdentityError, low_s, read_pem

_HALF = 32
"""Bytes of each half of a P-256 signature as a token gives it (PKCS #11 3.0, section 2.3.1)."""
_PROBE = b"condocharge: does this key belong to this certificate?"


class HardwareIdentity:
    """A `network.fabric.proposal.Signer` whose key stays in a token."""

    def __init__(self, msp_id: str, certificate: bytes, key: Any) -> None:
        """`certificate` is PEM; `key` is the PKCS #11 library's private key.

        Raises IdentityError where it is not the certificate's."""
        self.msp_id = msp_id
        self.certificate = certificate
        self._key = key
        try:
            public = certificates.parse(certificate).key
            public.verify(self.sign(_PROBE), _PROBE, ec.ECDSA(SHA256()))
        except certificates.CertificateError as error:
            raise IdentityError(str(error)) from error
        except InvalidSignature as error:
            raise IdentityError("the token's key does not belong to the certificate") from error

    @classmethod
    def open(cls, msp_id: str, certificate: Path, *, library: Path, token: str, key: str, pin: str) -> Self:
        """The identity whose certificate is in a file and whose key is labelled `key` in the token `token`.

        `library` is the PKCS #11 library of the token's maker. Raises IdentityError where library, token or
        key are not there, the PIN is wrong, or the key is another one.
        """
        pem = read_pem(certificate)
        try:
            session = _session(pkcs11.lib(str(library)).get_token(token_label=token), pin)
            found = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=key)
        except (pkcs11.PKCS11Error, RuntimeError) as error:
            reason = str(error) or type(error).__name__
            raise IdentityError(f"the key {key!r} in the token {token!r} cannot be used: {reason}") from error
        return cls(msp_id, pem, found)

    def sign(self, message: bytes) -> bytes:
        """ECDSA P-256 with SHA-256 over `message`, DER, with the low S that Fabric's MSP insists on."""
        digest = hashlib.sha256(message).digest()
        try:
            halves = self._key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA)
        except pkcs11.PKCS11Error as error:
            raise IdentityError(f"the token does not sign: {str(error) or type(error).__name__}") from error
        return low_s(int.from_bytes(halves[:_HALF], "big"), int.from_bytes(halves[_HALF:], "big"))


def _session(token: Any, pin: str) -> Any:
    """A session in which the token's private keys may be used.

    A token is logged in to once for a whole process (PKCS #11 3.0, section 5.6.8), whose second identity
    shares that.
    """
    try:
        return token.open(user_pin=pin)
    except pkcs11.UserAlreadyLoggedIn:
        return token.open()
