"""The settings of a condominium's peer: its core.yaml (the sample of Fabric 3.1 says what each is)."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from network.federation.description import Member
from network.federation.folder import LOCAL_ADDRESS, Ports, listen_address

_GOSSIP: dict[str, Any] = {
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
_PEER: dict[str, Any] = {
    "networkId": "condocharge",
    "localMspType": "bccsp",
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
_CHAINCODE: dict[str, Any] = {
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
_LEDGER: dict[str, Any] = {
    "state": {"stateDatabase": "goleveldb", "totalQueryLimit": 100000},
    "history": {"enableHistoryDatabase": True},
    "pvtdataStore": {
        "collElgProcMaxDbBatchSize": 5000,
        "collElgProcDbBatchesInterval": 1000,
        "deprioritizedDataReconcilerInterval": "60m",
        "purgeInterval": 100,
        "purgedKeyAuditLogging": True,
    },
}


def peer_settings(
    member: Member, ports: Ports, place: PurePath, builder: PurePath, proposal_age: str
) -> dict[str, Any]:
    """The core.yaml of a member's peer at `place`, which builds chaincode with `builder`.

    `proposal_age` is how far a proposal's time may be from the peer's clock, as Go writes durations."""
    return {
        "peer": _peer(member, ports, place, proposal_age),
        "chaincode": {
            "externalBuilders": [
                {
                    "name": "condocharge",
                    "path": str(builder),
                    "propagateEnvironment": ["CHAINCODE_CONNECTIONS"],
                }
            ],
            **_CHAINCODE,
        },
        "ledger": {**_LEDGER, "snapshots": {"rootDir": str(place / "data/snapshots")}},
        "vm": {"endpoint": ""},
        "operations": {
            "listenAddress": f"{LOCAL_ADDRESS}:{ports.peer_operations}",
            "tls": {"enabled": False},
        },
        "metrics": {"provider": "disabled"},
    }


def _peer(member: Member, ports: Ports, place: PurePath, proposal_age: str) -> dict[str, Any]:
    address = f"{member.host}:{ports.peer}"
    tls = place / "tls"
    return {
        "id": f"peer.{member.code}",
        "listenAddress": f"{listen_address(member.host)}:{ports.peer}",
        "address": address,
        "chaincodeListenAddress": f"{LOCAL_ADDRESS}:{ports.peer_chaincode}",
        "localMspId": member.msp_id,
        "mspConfigPath": str(place / "msp"),
        "fileSystemPath": str(place / "data"),
        "gossip": {
            "bootstrap": address,
            "endpoint": address,
            "externalEndpoint": member.peer,
            **_GOSSIP,
        },
        "tls": {
            "enabled": True,
            "clientAuthRequired": False,
            "cert": {"file": str(tls / "certificate.pem")},
            "key": {"file": str(tls / "key.pem")},
            "rootcert": {"file": str(tls / "root.pem")},
        },
        "authentication": {"timewindow": proposal_age},
        **_PEER,
    }
