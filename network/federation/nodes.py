"""The settings of a condominium's peer and orderer, written anew at each start from its folder.

One description serves both layouts: `peer_settings` and `orderer_settings` take where things are, so that
a container sees the same settings with its own paths.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from network.federation.binaries import Binaries
from network.federation.description import Member
from network.federation.folder import LOCAL_ADDRESS, Folder, Ports, listen_address
from network.federation.peer_settings import peer_settings

PROPOSAL_AGE = "15m"
"""How far a proposal's timestamp may be from the peer's clock."""
_BUILDER = Path(__file__).parent / "builder"


@dataclass(frozen=True, slots=True)
class Process:
    """One program that a condominium runs.

    `reads` and `writes` are all that it needs of the condominium's folder, relative to it: a container of its
    own sees nothing else. They name files where a key lies beside them.
    """

    name: str
    command: tuple[str, ...]
    directory: PurePath
    environment: dict[str, str]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs that a condominium's processes are, as commands."""

    orderer: str
    peer: str
    python: str
    python_path: str = ""
    """PYTHONPATH, where the packages are not installed."""
    authority: str = ""
    """The certificate authority's server, where the condominium has one."""

    @classmethod
    def here(cls, binaries: Binaries, authority: str = "") -> Programs:
        """Those of this machine."""
        root = str(Path(__file__).resolve().parents[2])
        search_path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        orderer, peer = str(binaries.path("orderer")), str(binaries.path("peer"))
        return cls(orderer, peer, sys.executable, search_path, authority)


def write_settings(
    folder: Folder, *, place: PurePath | None = None, proposal_age: str = PROPOSAL_AGE
) -> None:
    """Write core.yaml, orderer.yaml and the builder for where the folder is, or is seen at: `place`."""
    member, ports, place = folder.member, folder.ports, place or folder.path
    builder = folder.chaincode / "builder"
    shutil.copytree(_BUILDER, builder, dirs_exist_ok=True)
    for script in (builder / "bin").iterdir():
        script.chmod(0o755)
    peer = peer_settings(member, ports, place / "peer", place / "chaincode/builder", proposal_age)
    orderer = orderer_settings(member, ports, place / "orderer")
    (folder.path / "peer/core.yaml").write_text(json.dumps(peer, indent=1))  # JSON is YAML
    (folder.path / "orderer/orderer.yaml").write_text(json.dumps(orderer, indent=1))


def processes(place: PurePath, programs: Programs) -> tuple[Process, ...]:
    """Orderer, peer, chaincode server and, where it has one, authority of the condominium at `place`."""
    levels = {"FABRIC_LOGGING_SPEC": "warning"}
    chaincode = place / "chaincode"
    return (
        *((authority_process(place, programs.authority),) if programs.authority else ()),
        Process(
            "orderer",
            (programs.orderer,),
            place / "orderer",
            {"FABRIC_CFG_PATH": str(place / "orderer"), **levels},
            reads=("orderer/orderer.yaml", "orderer/msp", "orderer/tls"),
            writes=("orderer/data",),
        ),
        Process(
            "peer",
            (programs.peer, "node", "start"),
            place / "peer",
            {
                "FABRIC_CFG_PATH": str(place / "peer"),
                "CHAINCODE_CONNECTIONS": str(chaincode / "connections"),
                **levels,
            },
            reads=("peer/core.yaml", "peer/msp", "peer/tls", "chaincode/builder", "chaincode/connections"),
            writes=("peer/data",),
        ),
        Process(
            "chaincode",
            (programs.python, "-m", "chaincode.fabric", str(chaincode / "settings.json")),
            chaincode,
            {"PYTHONPATH": programs.python_path} if programs.python_path else {},
            reads=("chaincode/settings.json", "chaincode/tls"),
        ),
    )


def authority_process(place: PurePath, program: str) -> Process:
    """The certificate authority of the condominium whose folder is at `place`."""
    home = place / "authority"
    return Process("authority", (program, "start", "--home", str(home)), home, {}, writes=("authority",))


def orderer_settings(member: Member, ports: Ports, place: PurePath) -> dict[str, Any]:
    """The orderer's orderer.yaml."""
    tls = place / "tls"
    certificate, key, root = (str(tls / name) for name in ("certificate.pem", "key.pem", "root.pem"))
    general = {
        "ListenAddress": listen_address(member.host),
        "ListenPort": ports.orderer,
        "TLS": {
            "Enabled": True,
            "PrivateKey": key,
            "Certificate": certificate,
            "RootCAs": [root],
            "ClientAuthRequired": False,
        },
        "Keepalive": {"ServerMinInterval": "60s", "ServerInterval": "7200s", "ServerTimeout": "20s"},
        "Backoff": {"BaseDelay": "200ms", "Multiplier": 1.6, "MaxDelay": "5s"},
        "MaxRecvMsgSize": 104857600,
        "MaxSendMsgSize": 104857600,
        "Throttling": {"Rate": 0, "InactivityTimeout": "5s"},
        "Cluster": {
            "SendBufferSize": 100,
            "ClientCertificate": certificate,
            "ClientPrivateKey": key,
            "ReplicationPolicy": "",
        },
        "LocalMSPDir": str(place / "msp"),
        "LocalMSPID": member.msp_id,
        "BCCSP": {"Default": "SW", "SW": {"Hash": "SHA2", "Security": 256}},
        "Authentication": {"TimeWindow": "15m"},
    }
    return {
        "General": general,
        "FileLedger": {"Location": str(place / "data")},
        "Operations": {
            "ListenAddress": f"{LOCAL_ADDRESS}:{ports.orderer_operations}",
            "TLS": {"Enabled": False},
        },
        "Metrics": {"Provider": "prometheus"},  # the only place that tells who leads
        "Admin": {
            "ListenAddress": f"{LOCAL_ADDRESS}:{ports.orderer_admin}",
            "TLS": {
                "Enabled": True,
                "Certificate": certificate,
                "PrivateKey": key,
                "RootCAs": [root],
                "ClientAuthRequired": True,
                "ClientRootCAs": [root],
            },
        },
        "ChannelParticipation": {"Enabled": True, "MaxRequestBodySize": "4 MB"},
        "Consensus": {
            "WALDir": str(place / "data/consensus/wal"),
            "SnapDir": str(place / "data/consensus/snapshot"),
        },
    }
