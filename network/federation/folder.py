"""A condominium's folder: all that its own machine holds, and nothing of another's but public files.

::

    federation.json     the members (public, the same at every member)
    genesis.block       the channel's first block (public)
    local.json          this machine's ports
    ca/ tls/            its own roots: root.pem, and root.key where there is no authority
    authority/          its own fabric-ca server, where it has one
    admin/ users/NAME/  identities: certificate.pem, key.pem
    peer/ orderer/      msp/, tls/, data/ and the generated core.yaml or orderer.yaml
    chaincode/          settings.json, TLS files, packages/, connections/, builder/
    log/ run/           what the processes print, and their process ids
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from chaincode.condominium import msp_id_of
from network.federation.description import Federation, FederationError, Member
from network.identity import Identity

LOCAL_ADDRESS = "127.0.0.1"
PORTS_PER_CONDOMINIUM = 40
LAST_FIRST_PORT = 0xFFFF - PORTS_PER_CONDOMINIUM + 1
"""Where the ports of a condominium begin at the latest."""
_FIRST_CHAINCODE = 8


class KeyElsewhere(FederationError):
    """The private key of a certificate is not in its file; a hardware token may hold it."""


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports on this machine. Only peer and orderer are for others."""

    peer: int
    peer_chaincode: int
    """Where chaincode that the peer starts itself would connect; nothing does, but the peer wants one."""
    peer_operations: int
    orderer: int
    orderer_admin: int
    orderer_operations: int
    chaincode: int
    """The first of the chaincode server's ports, one a namespace."""
    authority: int = 0
    """The certificate authority's, where the condominium has one of its own."""

    @classmethod
    def block(cls, first: int) -> Ports:
        """The ports of one condominium, `PORTS_PER_CONDOMINIUM` from `first` on.

        Raises FederationError where some of them would be beyond the last port there is."""
        if not 1 <= first <= LAST_FIRST_PORT:
            raise FederationError(
                f"first port: {first} leaves no room for {PORTS_PER_CONDOMINIUM} ports a condominium; "
                f"they begin at {LAST_FIRST_PORT} at most: choose another with --first-port"
            )
        return cls(
            peer=first,
            peer_chaincode=first + 1,
            peer_operations=first + 2,
            orderer=first + 3,
            orderer_admin=first + 4,
            orderer_operations=first + 5,
            chaincode=first + _FIRST_CHAINCODE,
            authority=first + 6,
        )


@dataclass(frozen=True, slots=True)
class Folder:
    """Where things are in a condominium's folder."""

    path: Path
    code: str

    @classmethod
    def open(cls, path: Path) -> Folder:
        """The folder at `path`. Raises FederationError where it is none."""
        try:
            code = json.loads((path / "local.json").read_text())["code"]
        except (OSError, ValueError, KeyError) as error:
            raise FederationError(f"{path} is no condominium's folder: local.json is missing") from error
        return cls(path.resolve(), code)

    @classmethod
    def create(cls, path: Path, code: str, ports: Ports) -> Folder:
        """A new folder with its ports. Raises FederationError where something is there already."""
        try:
            path.mkdir(parents=True)
        except FileExistsError as error:
            raise FederationError(f"{path} exists already; choose another place or remove it") from error
        (path / ".gitignore").write_text("# Keys: nothing here is for a repository.\n*\n")
        for name in ("peer", "orderer", "chaincode/packages", "chaincode/connections", "log", "run", "users"):
            (path / name).mkdir(parents=True)
        (path / "local.json").write_text(json.dumps({"code": code, "ports": asdict(ports)}, indent=2) + "\n")
        return cls(path.resolve(), code)

    @property
    def ports(self) -> Ports:
        """This machine's ports."""
        return Ports(**json.loads((self.path / "local.json").read_text())["ports"])

    @property
    def federation(self) -> Federation:
        """The members, as this condominium knows them."""
        return Federation.load(self.path / "federation.json")

    @property
    def member(self) -> Member:
        """This condominium as the others know it."""
        return self.federation.member(self.code)

    @property
    def genesis(self) -> Path:
        """The channel's first block."""
        return self.path / "genesis.block"

    @property
    def chaincode(self) -> Path:
        """The chaincode server's folder."""
        return self.path / "chaincode"

    @property
    def authority(self) -> Path:
        """Its own certificate authority's home, where it has one."""
        return self.path / "authority"

    @property
    def processes(self) -> tuple[str, ...]:
        """The names of the processes that the condominium runs, in the order in which they start."""
        return (*(("authority",) if self.authority.exists() else ()), "orderer", "peer", "chaincode")

    def log(self, process: str) -> Path:
        """What `process` (peer, orderer, chaincode, authority, supervisor) prints."""
        return self.path / "log" / f"{process}.log"

    def process_file(self, process: str) -> Path:
        """Where the process id of `process` is kept."""
        return self.path / "run" / f"{process}.pid"

    def admin(self) -> Identity:
        """The condominium's administrator."""
        return self.identity("admin")

    def identity(self, name: str) -> Identity:
        """The identity `name`: admin, or one of `users/`."""
        certificate = self.certificate(name)
        return Identity.load(certificate, key_of(certificate), msp_id_of(self.code))

    def certificate(self, name: str) -> Path:
        """Where the certificate of the identity `name` is."""
        return self.path / ("admin" if name == "admin" else f"users/{name}") / "certificate.pem"


def listen_address(host: str) -> str:
    """Loopback where the member's own address is; else every interface, for others must reach it."""
    return LOCAL_ADDRESS if host in (LOCAL_ADDRESS, "localhost") else "0.0.0.0"  # noqa: S104


def key_of(certificate: Path) -> Path:
    """Where the private key of a certificate in a condominium's folder is."""
    if certificate.parent.name == "signcerts":
        return certificate.parents[1] / "keystore/key.pem"
    return certificate.with_name("key.pem")


def members_in(directory: Path) -> list[Folder]:
    """The folders in `directory` of condominiums that are members, as far as the newest of them knows.

    Raises FederationError where there is none.
    """
    found = folders(directory)
    newest = max((folder.federation for folder in found), key=lambda federation: federation.changes)
    return [folder for folder in found if newest.has(folder.code)]


def folders(directory: Path) -> list[Folder]:
    """The condominiums' folders in `directory`: itself where it is one, or those in it.

    Raises FederationError where there is none.
    """
    if (directory / "local.json").exists():
        return [Folder.open(directory)]
    found = [Folder.open(path.parent) for path in sorted(directory.glob("*/local.json"))]
    if not found:
        raise FederationError(f"{directory} holds no condominium's folder; make one with `create`")
    return found
