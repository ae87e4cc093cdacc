"""A client of a condominium's fabric-ca server: register, enrol, renew, revoke.

Over the server's own REST interface (`swagger/swagger-fabric-ca.json` of fabric-ca). A caller proves itself
with a token: its certificate and its signature over method, path, body and certificate.
"""

from __future__ import annotations

import base64
import json
import secrets
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from chaincode.condominium import msp_id_of
from chaincode.creator import ROLE
from network.authority import ROLES
from network.federation.crypto import alternative_names
from network.federation.description import FederationError
from network.federation.folder import LOCAL_ADDRESS, Folder, KeyElsewhere, key_of
from network.identity import Identity, private_pem, read_key

IDENTITIES = "identities"
TLS = "tls"
REGISTRAR = "registrar"
REGISTRAR_PROFILE = "registrar"
TLS_PROFILE = "tls"
_DEFAULT_PROFILE = ""
"""Of all who sign; fabric-ca lets no profile but its own three carry attributes."""
_ALL = {"expireafter": "1970-01-01T00:00:00Z"}
"""All revoked certificates; fabric-ca by itself lists only those that have not ended yet."""
_ALREADY_REGISTERED = 74
_ALREADY_REVOKED = 66
_SECONDS = 30.0


class EnrolmentError(FederationError):
    """The certificate authority refused; `code` is fabric-ca's own number of the reason."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code


class Enrolment:
    """`network.federation.issuer.Issuer` over the condominium's fabric-ca server, which must be running."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def node(self, name: str, unit: str) -> tuple[bytes, bytes]:
        """See `Issuer.node`. Raises EnrolmentError."""
        certificate, key = self._enrol(IDENTITIES, name, unit, _DEFAULT_PROFILE)
        return certificate, private_pem(key)

    def identity(self, name: str, role: str) -> Identity:
        """See `Issuer.identity`. Raises EnrolmentError."""
        if role not in ROLES:
            raise ValueError(f"role {role!r} is not one of {', '.join(ROLES)}")
        unit = "admin" if role == "admin" else "client"
        certificate, key = self._enrol(IDENTITIES, name, unit, _DEFAULT_PROFILE, role=role)
        return Identity(msp_id_of(self._folder.code), certificate, key)

    def tls(self, name: str, hosts: Sequence[str]) -> tuple[bytes, bytes]:
        """See `Issuer.tls`. Raises EnrolmentError."""
        certificate, key = self._enrol(TLS, name, "client", TLS_PROFILE, hosts=hosts)
        return certificate, private_pem(key)

    def renew(self, certificate: Path, *, tls: bool) -> bytes:
        """See `Issuer.renew`: fabric-ca's re-enrolment. Raises EnrolmentError, also for a revoked one."""
        if not key_of(certificate).exists():
            raise KeyElsewhere(
                f"{key_of(certificate)} is missing; {certificate} is renewed by its key's holder"
            )
        holder = Identity.load(certificate, key_of(certificate), msp_id_of(self._folder.code))
        old = x509.load_pem_x509_certificate(holder.certificate)
        profile = TLS_PROFILE if tls else _DEFAULT_PROFILE
        body = _request(old.subject, _alternatives(old), read_key(key_of(certificate)), profile)
        with _Server(self._folder, TLS if tls else IDENTITIES) as server:
            return _certificate(server.call("POST", "reenroll", body, holder))

    def revoke(self, certificate: x509.Certificate, earlier: set[int]) -> bytes:
        """See `Issuer.revoke`; the server remembers the earlier ones itself. Raises EnrolmentError."""
        identifier = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        body = {
            "serial": f"{certificate.serial_number:x}",
            "aki": (identifier.key_identifier or b"").hex().lstrip("0"),
            "reason": "keycompromise",
        }
        registrar = _registrar(self._folder, IDENTITIES)
        with _Server(self._folder, IDENTITIES) as server:
            try:
                server.call("POST", "revoke", body, registrar)
            except EnrolmentError as error:
                if error.code != _ALREADY_REVOKED:
                    raise
            listed = base64.b64decode(server.call("POST", "gencrl", _ALL, registrar)["CRL"])
        known = {entry.serial_number for entry in x509.load_pem_x509_crl(listed)}
        if lost := earlier - known:
            raise FederationError(
                f"the certificate authority no longer knows {len(lost)} revoked certificates"
            )
        return listed

    def _enrol(
        self, authority: str, name: str, unit: str, profile: str, *, role: str = "", hosts: Sequence[str] = ()
    ) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
        """Register `name` with a password for this once, and have a new key certified."""
        password = secrets.token_urlsafe(32)
        attributes = [{"name": ROLE, "value": role, "ecert": True}] if role else []
        account = {"type": unit, "secret": password, "affiliation": "", "attrs": attributes}
        registrar = _registrar(self._folder, authority)
        with _Server(self._folder, authority) as server:
            try:
                server.call("POST", "register", {"id": name, **account}, registrar)
            except EnrolmentError as error:
                if error.code != _ALREADY_REGISTERED:
                    raise
                server.call("PUT", f"identities/{name}", account, registrar)
            return server.enrol(name, password, profile, hosts)


def enrol_registrar(folder: Folder, authority: str, password: str) -> None:
    """Trade the password that a new authority was given for a key and a certificate.

    The certificate is good for as long as the authority's root is.
    """
    place = folder.authority / REGISTRAR / authority
    place.mkdir(parents=True)
    with _Server(folder, authority) as server:
        certificate, key = server.enrol(REGISTRAR, password, REGISTRAR_PROFILE)
    Identity(msp_id_of(folder.code), certificate, key).save(place / "certificate.pem", place / "key.pem")


class _Server:
    """One authority's REST interface."""

    def __init__(self, folder: Folder, authority: str) -> None:
        context = ssl.create_default_context(cafile=str(folder.authority / "ca-cert.pem"))
        address = f"https://{LOCAL_ADDRESS}:{folder.ports.authority}"
        self._client = httpx.Client(base_url=address, verify=context, timeout=_SECONDS, trust_env=False)
        self._authority = authority
        self._code = folder.code

    def __enter__(self) -> _Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def enrol(
        self, name: str, password: str, profile: str, hosts: Sequence[str] = ()
    ) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
        """A certificate for a new key of who is registered as `name`. Raises EnrolmentError."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self._code),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        body = _request(subject, alternative_names(hosts) if hosts else None, key, profile)
        return _certificate(self.call("POST", "enroll", body, (name, password))), key

    def call(
        self, method: str, path: str, body: Mapping[str, Any], caller: Identity | tuple[str, str]
    ) -> dict[str, Any]:
        """The answer's result. Raises EnrolmentError where the server refuses."""
        content = json.dumps({**body, "caname": self._authority}).encode()
        target = f"/api/v1/{path}"
        proof = _token(method, target, content, caller) if isinstance(caller, Identity) else _basic(*caller)
        headers = {"Authorization": proof, "Content-Type": "application/json"}
        try:
            answer = self._client.request(method, target, content=content, headers=headers)
            record: dict[str, Any] = answer.json()
        except (httpx.TransportError, ValueError) as error:
            raise EnrolmentError(f"the certificate authority does not answer: {error}", 0) from error
        if not record.get("success"):
            reasons = record.get("errors") or [{"code": 0, "message": answer.reason_phrase}]
            sentence = "; ".join(str(reason["message"]) for reason in reasons)
            raise EnrolmentError(f"the certificate authority refuses: {sentence}", int(reasons[0]["code"]))
        result: dict[str, Any] = record["result"]
        return result


def _request(
    subject: x509.Name,
    alternatives: x509.SubjectAlternativeName | None,
    key: ec.EllipticCurvePrivateKey,
    profile: str,
) -> dict[str, Any]:
    """What enrolment and re-enrolment take: a certificate signing request and the profile."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if alternatives is not None:
        builder = builder.add_extension(alternatives, critical=False)
    request = builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
    return {"certificate_request": request, "profile": profile}


def _certificate(result: Mapping[str, Any]) -> bytes:
    return base64.b64decode(result["Cert"])


def _alternatives(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _registrar(folder: Folder, authority: str) -> Identity:
    place = folder.authority / REGISTRAR / authority
    return Identity.load(place / "certificate.pem", place / "key.pem", msp_id_of(folder.code))


def _basic(name: str, password: str) -> str:
    return "Basic " + _encoded(f"{name}:{password}".encode())


def _token(method: str, target: str, body: bytes, caller: Identity) -> str:
    """`GenECDSAToken` of fabric-ca's `util/util.go`."""
    certificate = _encoded(caller.certificate)
    signed = ".".join((method, _encoded(target.encode()), _encoded(body), certificate))
    return f"{certificate}.{_encoded(caller.sign(signed.encode()))}"


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
