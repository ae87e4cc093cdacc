"""A condominium's own fabric-ca server: its settings, its roots, and its process.

One process holds two authorities: `identities`, which certifies who signs, and `tls`, which certifies who
listens. Both roots' keys are made by the server and stay in its folder::

    authority/                 the server's home and the `tls` authority: ca-cert.pem, msp/keystore/
    authority/identities/      the `identities` authority
    authority/registrar/NAME/  who may have each authority register others: certificate.pem, key.pem
"""

from __future__ import annotations

import json
import secrets
import shutil
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx

from network.authority import CLIENT_VALIDITY, ROOT_VALIDITY
from network.federation import supervisor
from network.federation.binaries import FABRIC_CA, binaries
from network.federation.crypto import NODE_VALIDITY
from network.federation.description import FederationError
from network.federation.enrolment import (
    IDENTITIES,
    REGISTRAR,
    REGISTRAR_PROFILE,
    TLS,
    TLS_PROFILE,
    enrol_registrar,
)
from network.federation.folder import LOCAL_ADDRESS, Folder
from network.federation.nodes import authority_process
from network.file import write

AUTHORITY = "authority"
"""The process and its folder."""
_SETTINGS = "fabric-ca-server-config.yaml"
_SECONDS = 60.0
_ROOTS = ((IDENTITIES, f"{IDENTITIES}/ca-cert.pem", "ca"), (TLS, "ca-cert.pem", "tls"))


def make_roots(folder: Folder) -> None:
    """Have a new fabric-ca server make the roots of identities and of TLS; copy their certificates.

    Raises FederationError where the server does not start, BinariesError where it cannot be built.
    """
    home = folder.authority
    (home / IDENTITIES).mkdir(parents=True)
    home.chmod(0o700)  # fabric-ca itself leaves some of its secrets readable for all
    password = secrets.token_urlsafe(32)
    _write_settings(folder, password)
    with _started(folder):
        for name, certificate, target in _ROOTS:
            (folder.path / target).mkdir()
            shutil.copy(home / certificate, folder.path / target / "root.pem")
            enrol_registrar(folder, name, password)
    _write_settings(folder, None)


def program() -> str:
    """The server's command. Raises BinariesError where it cannot be had."""
    return str(binaries(FABRIC_CA).path("fabric-ca-server"))


@contextmanager
def serving(folder: Folder) -> Iterator[None]:
    """The server answers within: one that runs, maybe in a container beside, or one for this alone."""
    if _answers(folder):
        yield
    elif supervisor.running(folder, AUTHORITY) is not None:
        _await_answer(folder)
        yield
    else:
        with _started(folder):
            yield


def _write_settings(folder: Folder, password: str | None) -> None:
    """The settings of both authorities; the registrar's password is there until it has been used."""
    home = folder.authority
    server = {
        "version": FABRIC_CA.version,
        "address": LOCAL_ADDRESS,
        "port": folder.ports.authority,
        "tls": {"enabled": True},
        "operations": {"listenAddress": f"{LOCAL_ADDRESS}:0"},
        "metrics": {"provider": "disabled"},
        "cafiles": [f"{IDENTITIES}/{_SETTINGS}"],
    }
    settings = {home: server | _authority(folder, TLS, password)}
    settings[home / IDENTITIES] = _authority(folder, IDENTITIES, password)
    for place, content in settings.items():
        write(place / _SETTINGS, json.dumps(content, indent=1).encode(), private=True)  # JSON is YAML


def _authority(folder: Folder, name: str, password: str | None) -> dict[str, Any]:
    rights = {
        "hf.Registrar.Roles": "*",
        "hf.Registrar.Attributes": "*",
        "hf.Revoker": True,
        "hf.GenCRL": True,
    }
    registrar = {"name": REGISTRAR, "pass": password, "type": "client", "attrs": rights}
    tls_usage = ["signing", "key encipherment", "server auth", "client auth"]
    profiles = {
        REGISTRAR_PROFILE: {"usage": ["digital signature"], "expiry": _hours(NODE_VALIDITY)},
        TLS_PROFILE: {"usage": tls_usage, "expiry": _hours(NODE_VALIDITY)},
    }
    default = {"usage": ["digital signature"], "expiry": _hours(CLIENT_VALIDITY)}
    return {
        # Who renews too late still holds the key; expired is not revoked.
        "ca": {"name": name, "reenrollIgnoreCertExpiry": True},
        "crl": {"expiry": _hours(NODE_VALIDITY)},
        "registry": {"maxenrollments": -1, "identities": [registrar] if password else []},
        "db": {"type": "sqlite3", "datasource": "authority.db"},
        "affiliations": {},
        "signing": {"default": default, "profiles": profiles},
        "csr": {
            "cn": f"{name}.{folder.code}",
            "keyrequest": {"algo": "ecdsa", "size": 256},
            "names": [{"O": folder.code}],
            "hosts": ["localhost", LOCAL_ADDRESS],
            "ca": {"expiry": _hours(ROOT_VALIDITY), "pathlength": 0, "pathlenzero": True},
        },
        "bccsp": {
            "default": "SW",
            "sw": {"hash": "SHA2", "security": 256, "filekeystore": {"keystore": "msp/keystore"}},
        },
    }


def _hours(validity: timedelta) -> str:
    return f"{int(validity.total_seconds()) // 3600}h"


@contextmanager
def _started(folder: Folder) -> Iterator[None]:
    """A server for the time being, which ends with this process however that one ends."""
    supervisor.start(folder, [authority_process(folder.path, program())], bound=True)
    try:
        _await_answer(folder)
        yield
    finally:
        supervisor.stop(folder)


def _await_answer(folder: Folder) -> None:
    deadline = time.monotonic() + _SECONDS
    while not _answers(folder):
        if time.monotonic() > deadline:
            raise FederationError(f"the certificate authority does not answer; see {folder.log(AUTHORITY)}")
        time.sleep(0.1)


def _answers(folder: Folder) -> bool:
    root = folder.authority / "ca-cert.pem"
    if not root.exists():
        return False
    address = f"https://{LOCAL_ADDRESS}:{folder.ports.authority}/cainfo"
    try:
        context = ssl.create_default_context(cafile=str(root))
        return httpx.get(address, verify=context, timeout=5, trust_env=False).is_success
    except (httpx.TransportError, ssl.SSLError):
        return False
