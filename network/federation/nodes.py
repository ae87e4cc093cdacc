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
from network.federation.folder import LOCAL_ADDRESS, Folder, Ports

PROPOSAL_AGE = "15m"
"""How far a proposal's timestamp may be from the peer's clock."""
_BUILDER = Path(__file__).parent / "builder"


@dataclass(frozen=True, slots=True)
class Process:
    """One program that a condominium runs."""

    name: str
    command: tuple[str, ...]
    directory: PurePath
    environment: dict[str, str]


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
        ),
        Process(
            "chaincode",
            (programs.python, "-m", "chaincode.fabric", str(chaincode / "settings.json")),
            chaincode,
            {"PYTHONPATH": programs.python_path} if programs.python_path else {},
        ),
    )


def authority_process(place: PurePath, program: str) -> Process:
    """The certificate authority of the condominium whose folder is at `place`."""
    home = place / "authority"
    return Process("authority", (program, "start", "--home", str(home)), home, {})


def peer_settings(
    member: Member, ports: Ports, place: PurePath, builder: PurePath, proposal_age: str
) -> dict[str, Any]:
    """The peer's core.yaml."""
    tls = place / "tls"
    address = f"{member.host}:{ports.peer}"
    gossip = {
        "bootstrap": address,
        "endpoint": address,
        "externalEndpoint": member.peer,
        "useLeaderElection": False,
        "orgLeader": True,
        "membershipTrackerInterval": "5s",
        "maxBlockCountToStore": 10,
        "maxPropagationBurstLatency": "10ms",
        "maxPropagationBurstSize": 10,
        "propagateIterations": 1,
        "propagatePeerNum": 3,
        "pullInterval": "4s",
        "pullPeerNum": 3,
        # Members learn of each other's peers and chaincodes within seconds of a start, not twenty.
        "requestStateInfoInterval": "1s",
        "publishStateInfoInterval": "1s",
        "reconnectInterval": "2s",
        "publishCertPeriod": "10s",
        "dialTimeout": "3s",
        "connTimeout": "2s",
        "recvBuffSize": 20,
        "sendBuffSize": 200,
        "digestWaitTime": "1s",
        "requestWaitTime": "1500ms",
        "responseWaitTime": "2s",
        "aliveTimeInterval": "2s",
        "aliveExpirationTimeout": "20s",
        "maxConnectionAttempts": 120,
        "msgExpirationFactor": 20,
        "pvtData": {
            "pullRetryThreshold": "60s",
            "transientstoreMaxBlockRetention": 1000,
            "pushAckTimeout": "3s",
            "btlPullMargin": 10,
            "reconcileBatchSize": 10,
            "reconcileSleepInterval": "1m",
            "reconciliationEnabled": True,
            "skipPullingInvalidTransactionsDuringCommit": False,
            "implicitCollectionDisseminationPolicy": {"requiredPeerCount": 0, "maxPeerCount": 0},
        },
        "state": {"enabled": False},
    }
    peer = {
        "id": f"peer.{member.code}",
        "networkId": "condocharge",
        "listenAddress": f"{listen_address(member.host)}:{ports.peer}",
        "address": address,
        "chaincodeListenAddress": f"{LOCAL_ADDRESS}:{ports.peer_chaincode}",
        "localMspId": member.msp_id,
        "localMspType": "bccsp",
        "mspConfigPath": str(place / "msp"),
        "fileSystemPath": str(place / "data"),
        "gateway": {
            "enabled": True,
            # A peer that the network has cut off is asked until the others stop hearing of it.
            "endorsementTimeout": "5s",
            "broadcastTimeout": "10s",
            "dialTimeout": "10s",
        },
        "keepalive": {
            "interval": "7200s",
            "timeout": "20s",
            "minInterval": "60s",
            "client": {"interval": "60s", "timeout": "20s"},
            "deliveryClient": {"interval": "60s", "timeout": "20s"},
        },
        "gossip": gossip,
        "tls": {
            "enabled": True,
            "clientAuthRequired": False,
            "cert": {"file": str(tls / "certificate.pem")},
            "key": {"file": str(tls / "key.pem")},
            "rootcert": {"file": str(tls / "root.pem")},
        },
        "authentication": {"timewindow": proposal_age},
        "BCCSP": {"Default": "SW", "SW": {"Hash": "SHA2", "Security": 256}},
        "client": {"connTimeout": "3s"},
        "deliveryclient": {
            "blockGossipEnabled": False,
            "reconnectTotalTimeThreshold": "87600h",  # a peer never gives up on the orderers
            "connTimeout": "3s",
            "reConnectBackoffThreshold": "5s",
            "blockCensorshipTimeoutKey": "30s",
            "minimalReconnectInterval": "100ms",
            "policy": "cluster",
        },
        "handlers": {
            "authFilters": [
                {"name": "DefaultAuth"},
                {"name": "ExpirationCheck"},
                {"name": "TimeWindowCheck"},
            ],
            "decorators": [{"name": "DefaultDecorator"}],
            "endorsers": {"escc": {"name": "DefaultEndorsement"}},
            "validators": {"vscc": {"name": "DefaultValidation"}},
        },
        "discovery": {
            "enabled": True,
            "authCacheEnabled": True,
            "authCacheMaxSize": 1000,
            "authCachePurgeRetentionRatio": 0.75,
            "orgMembersAllowedAccess": False,
        },
        "limits": {"concurrency": {"endorserService": 2500, "deliverService": 2500, "gatewayService": 500}},
        "maxRecvMsgSize": 104857600,
        "maxSendMsgSize": 104857600,
    }
    chaincode = {
        "externalBuilders": [
            {
                "name": "condocharge",
                "path": str(builder),
                "propagateEnvironment": ["CHAINCODE_CONNECTIONS"],
            }
        ],
        "installTimeout": "60s",
        "startuptimeout": "30s",
        "executetimeout": "30s",
        "mode": "net",
        "keepalive": 0,
        "system": {"_lifecycle": "enable", "cscc": "enable", "lscc": "enable", "qscc": "enable"},
        "logging": {"level": "warning", "shim": "warning"},
        "runtimeParams": {
            "useWriteBatch": True,
            "maxSizeWriteBatch": 1000,
            "useGetMultipleKeys": True,
            "maxSizeGetMultipleKeys": 1000,
        },
    }
    ledger = {
        "state": {"stateDatabase": "goleveldb", "totalQueryLimit": 100000},
        "history": {"enableHistoryDatabase": True},
        "pvtdataStore": {
            "collElgProcMaxDbBatchSize": 5000,
            "collElgProcDbBatchesInterval": 1000,
            "deprioritizedDataReconcilerInterval": "60m",
            "purgeInterval": 100,
            "purgedKeyAuditLogging": True,
        },
        "snapshots": {"rootDir": str(place / "data/snapshots")},
    }
    return {
        "peer": peer,
        "chaincode": chaincode,
        "ledger": ledger,
        "vm": {"endpoint": ""},
        "operations": {
            "listenAddress": f"{LOCAL_ADDRESS}:{ports.peer_operations}",
            "tls": {"enabled": False},
        },
        "metrics": {"provider": "disabled"},
    }


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


def listen_address(host: str) -> str:
    """Loopback where the member's own address is; else every interface, for others must reach it."""
    return LOCAL_ADDRESS if host in (LOCAL_ADDRESS, "localhost") else "0.0.0.0"  # noqa: S104
