"""The channel: its constitution, its first block, and how orderers and peers join it.

Who may do what is in the channel's configuration, the same for every member:

* A condominium's namespace is endorsed by its own peer and any one other member's; by its own alone while
  it is the only member. The rule is a policy of the channel with the namespace's name, to which the
  chaincode's definition refers, so one configuration update that adds a member changes all of them at once.
* A chaincode definition needs every member's approval: no majority can put another chaincode, or another
  endorsement policy, in the place of one condominium's.
* The namespace of a condominium that has left is endorsed by any two that remain.
* The configuration itself, membership included, changes with a majority of the members' administrators.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from fabric_protos.common import common_pb2, configtx_pb2

from network.federation.binaries import Binaries
from network.federation.crypto import write_msp
from network.federation.description import Federation, FederationError, Member
from network.federation.folder import LOCAL_ADDRESS, Folder

_PROFILE = "Federation"


def endorsement_rule(member: Member, members: Sequence[Member]) -> str:
    """Who must endorse what changes `member`'s namespace, in Fabric's policy language."""
    own = f"'{member.msp_id}.peer'"
    others = [f"'{other.msp_id}.peer'" for other in members if other.code != member.code]
    if len(others) == len(members):  # it has left: any two that remain stand in, so that its sessions can end
        return f"OutOf({min(2, len(others))}, {', '.join(others)})"
    return f"AND({own}, OR({', '.join(others)}))" if others else f"OR({own})"


def make_genesis(federation: Federation, binaries: Binaries) -> bytes:
    """The first block of a channel with these members. Raises FederationError where configtxgen fails."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "configtx.yaml").write_text(json.dumps(_profile(federation, place)))  # JSON is YAML
        command: list[str | Path] = [
            *(binaries.path("configtxgen"), "-profile", _PROFILE, "-channelID", federation.channel),
            *("-outputBlock", place / "genesis.block", "-configPath", place),
        ]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise FederationError(f"configtxgen failed: {run.stderr.strip()[-600:]}")
        return (place / "genesis.block").read_bytes()


def configuration(block: bytes) -> configtx_pb2.Config:
    """The channel configuration that a configuration block holds."""
    (content,) = common_pb2.Block.FromString(block).data.data
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(content).payload)
    return configtx_pb2.ConfigEnvelope.FromString(payload.data).config


def join_orderer(folder: Folder, block: bytes, channel: str) -> bool:
    """Make the condominium's orderer take part in the channel, where it does not already.

    `block` is the first block, or a later configuration block that names the orderer. Returns False where
    the orderer does not answer yet. Raises FederationError where it refuses.
    """
    try:
        with orderer_admin(folder) as client:
            if client.get(f"/participation/v1/channels/{channel}").status_code == httpx.codes.OK:
                return True
            answer = client.post("/participation/v1/channels", files={"config-block": ("block", block)})
    except httpx.TransportError:
        return False
    if answer.status_code != httpx.codes.CREATED:
        raise FederationError(f"the orderer of {folder.code} does not join {channel}: {answer.text.strip()}")
    return True


def orderer_status(folder: Folder, channel: str) -> dict[str, Any]:
    """What the orderer says of the channel: `status`, `consensusRelation`, `height`; empty where down."""
    try:
        with orderer_admin(folder) as client:
            answer = client.get(f"/participation/v1/channels/{channel}")
    except httpx.TransportError:
        return {}
    found: dict[str, Any] = answer.json() if answer.status_code == httpx.codes.OK else {}
    return found


def orderer_admin(folder: Folder) -> httpx.Client:
    """A client of the orderer's administration service, which takes only this condominium's certificates."""
    context = ssl.create_default_context(cafile=str(folder.path / "tls/root.pem"))
    tls = folder.path / "orderer/tls"
    context.load_cert_chain(tls / "certificate.pem", tls / "key.pem")
    address = f"https://{LOCAL_ADDRESS}:{folder.ports.orderer_admin}"
    return httpx.Client(base_url=address, verify=context, timeout=20, trust_env=False)


def _profile(federation: Federation, place: Path) -> dict[str, Any]:
    organisations = [_organisation(member, place) for member in federation.members]
    standard = {
        "Readers": _implicit("ANY Readers"),
        "Writers": _implicit("ANY Writers"),
        "Admins": _implicit("MAJORITY Admins"),
    }
    namespaces = {
        member.namespace: {"Type": "Signature", "Rule": endorsement_rule(member, federation.members)}
        for member in (*federation.members, *federation.departed)
    }
    application = {
        "Organizations": organisations,
        "Capabilities": {"V2_5": True},
        "Policies": {
            **standard,
            **namespaces,
            "Endorsement": _implicit("MAJORITY Endorsement"),
            "LifecycleEndorsement": _implicit("ALL Endorsement"),
        },
    }
    orderer = {
        "BatchTimeout": f"{federation.block_milliseconds}ms",
        "BatchSize": {"MaxMessageCount": 500, "AbsoluteMaxBytes": "10 MB", "PreferredMaxBytes": "2 MB"},
        "Organizations": organisations,
        "Capabilities": {"V2_0": True},
        "Policies": {**standard, "BlockValidation": _implicit("ANY Writers")},
        **_consensus(federation, place),
    }
    profile = {
        "Capabilities": {"V3_0": True},
        "Policies": standard,
        "Orderer": orderer,
        "Application": application,
    }
    return {"Profiles": {_PROFILE: profile}}


def _implicit(rule: str) -> dict[str, str]:
    return {"Type": "ImplicitMeta", "Rule": rule}


def _organisation(member: Member, place: Path) -> dict[str, Any]:
    msp = place / member.code
    write_msp(msp, member.root.encode(), member.tls_root.encode())
    return {
        "Name": member.msp_id,
        "ID": member.msp_id,
        "MSPDir": str(msp),
        "AnchorPeers": [{"Host": member.host, "Port": member.peer_port}],
        "OrdererEndpoints": [member.orderer],
        "Policies": {
            "Readers": {"Type": "Signature", "Rule": f"OR('{member.msp_id}.member')"},
            "Writers": {"Type": "Signature", "Rule": f"OR('{member.msp_id}.member')"},
            "Admins": {"Type": "Signature", "Rule": f"OR('{member.msp_id}.admin')"},
            "Endorsement": {"Type": "Signature", "Rule": f"OR('{member.msp_id}.peer')"},
        },
    }


def _consensus(federation: Federation, place: Path) -> dict[str, Any]:
    consenters = []
    for member in federation.members:
        identity, tls = place / f"{member.code}-identity.pem", place / f"{member.code}-tls.pem"
        identity.write_text(member.orderer_certificate)
        tls.write_text(member.orderer_tls_certificate)
        consenters.append(
            {
                "ID": member.consenter,
                "Host": member.host,
                "Port": member.orderer_port,
                "MSPID": member.msp_id,
                "Identity": str(identity),
                "ClientTLSCert": str(tls),
                "ServerTLSCert": str(tls),
            }
        )
    if federation.ordering == "raft":
        keys = ("Host", "Port", "ClientTLSCert", "ServerTLSCert")
        options = {
            "TickInterval": "200ms",
            "ElectionTick": 10,
            "HeartbeatTick": 1,
            "MaxInflightBlocks": 5,
            "SnapshotIntervalSize": "16 MB",
        }
        raft = {
            "Consenters": [{key: consenter[key] for key in keys} for consenter in consenters],
            "Options": options,
        }
        return {"OrdererType": "etcdraft", "EtcdRaft": raft}
    # A silent leader is replaced after this heartbeat timeout; Fabric's own minute is a long time to wait
    # at a socket, and a loaded small computer can be silent for a few seconds. With 5 s instead of 10, for
    # these, complaints and view changes, three orderers of four agreed on no new leader in 14 minutes on a
    # machine with eight times more to do than it could.
    options = {
        "RequestBatchMaxCount": 500,
        "RequestBatchMaxBytes": 10 * 1024 * 1024,
        "RequestBatchMaxInterval": f"{federation.block_milliseconds}ms",
        "IncomingMessageBufferSize": 2000,
        "RequestPoolSize": 10_000,
        "RequestForwardTimeout": "2s",
        "RequestComplainTimeout": "10s",
        "RequestAutoRemoveTimeout": "3m0s",
        "ViewChangeResendInterval": "2s",
        "ViewChangeTimeout": "10s",
        "LeaderHeartbeatTimeout": "10s",
        "LeaderHeartbeatCount": 10,
        "CollectTimeout": "1s",
        "SyncOnStart": True,
        "SpeedUpViewChange": False,
    }
    return {"OrdererType": "BFT", "ConsenterMapping": consenters, "SmartBFT": options}
