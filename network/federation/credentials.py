"""Keys and certificates where a condominium's folder has them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from network.federation.crypto import write_msp
from network.federation.description import FederationError
from network.federation.folder import LOCAL_ADDRESS, Folder
from network.federation.issuer import Issuer
from network.file import write
from network.identity import read_pem

_NAME = re.compile("[a-z][a-z0-9-]{0,39}")


def make_credentials(folder: Folder, issuer: Issuer, host: str) -> None:
    """All that a new condominium's machines and people need; the others reach it at `host`."""
    for node in ("peer", "orderer"):
        _make_node(folder, issuer, node, host)
    _make_tls(folder, issuer, folder.chaincode / "tls", f"chaincode.{folder.code}", LOCAL_ADDRESS)
    _make_tls(folder, issuer, folder.chaincode / "client", f"client.{folder.code}", LOCAL_ADDRESS)
    for name, role in (("admin", "admin"), ("gateway", "gateway"), ("auditor", "auditor")):
        make_identity(folder, issuer, name, role)


def check_name(name: str) -> None:
    """Raises FederationError where `name` cannot name an identity: it becomes a folder's name too."""
    if _NAME.fullmatch(name) is None:
        raise FederationError(
            f"name: {name!r} needs 1 to 40 small letters, digits and hyphens, a letter first"
        )


def make_identity(folder: Folder, issuer: Issuer, name: str, role: str) -> Path:
    """An identity that acts for the condominium as `role`; returns where its certificate is.

    Another key takes the place of the one that `name` had. Raises ValueError for a role that is not in
    `network.authority.ROLES`.
    """
    place = folder.path / ("admin" if name == "admin" else f"users/{name}")
    identity = issuer.identity(name, role)
    place.mkdir(exist_ok=True)
    identity.save(place / "certificate.pem", place / "key.pem")
    return place / "certificate.pem"


def _make_node(folder: Folder, issuer: Issuer, node: str, host: str) -> None:
    """The MSP and TLS folders of the condominium's `peer` or `orderer`."""
    place = folder.path / node
    name = f"{node}.{folder.code}"
    certificate, key = issuer.node(name, node)
    write_msp(place / "msp", read_pem(folder.path / "ca/root.pem"), read_pem(folder.path / "tls/root.pem"))
    (place / "msp/signcerts").mkdir(exist_ok=True)
    (place / "msp/keystore").mkdir(exist_ok=True)
    (place / "msp/signcerts/certificate.pem").write_bytes(certificate)
    write(place / "msp/keystore/key.pem", key, private=True)
    _make_tls(folder, issuer, place / "tls", name, host)


def _make_tls(folder: Folder, issuer: Issuer, place: Path, name: str, host: str) -> None:
    """A TLS certificate for `host` and this machine, with its key and authority, in `place`."""
    certificate, key = issuer.tls(name, list(dict.fromkeys((host, "localhost", "127.0.0.1", name))))
    place.mkdir(exist_ok=True)
    (place / "certificate.pem").write_bytes(certificate)
    write(place / "key.pem", key, private=True)
    shutil.copy(folder.path / "tls/root.pem", place / "root.pem")
