"""Who may submit what: the creator's organisation and role.

The role is in the creator's certificate, in the attribute extension that fabric-ca writes (object
identifier 1.2.3.4.5.6.7.8.1): `{"attrs": {"condocharge.role": "gateway"}}`. That the certificate chains
to its organisation's root, is in date and not revoked is the ledger's to check, as Fabric's peers do.
"""

from __future__ import annotations

import json
from functools import lru_cache

from cryptography import x509

from chaincode.errors import NotAuthorised
from chaincode.stub import Stub

ATTRIBUTES = x509.ObjectIdentifier("1.2.3.4.5.6.7.8.1")
ROLE = "condocharge.role"
ADMIN = "admin"
GATEWAY = "gateway"


@lru_cache(maxsize=1024)
def role_of(certificate: bytes) -> str | None:
    """The role that a PEM certificate carries, None where it carries none."""
    try:
        extensions = x509.load_pem_x509_certificate(certificate).extensions
        value = extensions.get_extension_for_oid(ATTRIBUTES).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    if not isinstance(value, x509.UnrecognizedExtension):
        return None
    try:
        role = json.loads(value.value)["attrs"][ROLE]
    except (ValueError, KeyError, TypeError):
        return None
    return role if isinstance(role, str) else None


def require(stub: Stub, msp_id: str, *roles: str) -> None:
    """Let only identities of `msp_id` with one of `roles` go on. Raises NotAuthorised."""
    creator = stub.creator
    if creator.msp_id != msp_id:
        raise NotAuthorised("creator", f"is an identity of {msp_id}")
    if role_of(creator.certificate) not in roles:
        raise NotAuthorised("creator", f"has the role {' or '.join(roles)}")
