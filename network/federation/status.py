"""How a federation is: what runs, how far each ledger is, who leads, what is approved, what expires."""

from __future__ import annotations

import asyncio
import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
from cryptography import x509

from network.fabric.gateway import Timeouts
from network.fabric.ledger import FabricLedger
from network.federation import lifecycle, supervisor
from network.federation.administration import own_peer
from network.federation.channel import orderer_status
from network.federation.folder import LOCAL_ADDRESS, Folder
from network.federation.lifecycle import Definition
from network.federation.package import RULES
from network.ledger import LedgerError

_LEADER = re.compile(r"^consensus_(?:BFT|etcdraft)_is_leader\{[^}]*\} 1$", re.MULTILINE)
_SECONDS = Timeouts(evaluate=5.0)


@dataclass(frozen=True, slots=True)
class NamespaceStatus:
    """A namespace as one member's peer sees it."""

    namespace: str
    version: str
    sequence: int
    """0 where nothing is committed yet."""
    approved_by: tuple[str, ...]
    """MSP ids that have approved the definition in force, or the first one where there is none yet."""


@dataclass(frozen=True, slots=True)
class CondominiumStatus:
    """One condominium's machines. Heights are None where the machine does not answer."""

    code: str
    processes: dict[str, int | None]
    """Process id by name; None where it is down."""
    peer_height: int | None
    orderer_height: int | None
    leads: bool
    lag: int
    """How many blocks its peer is behind the highest height that is known here."""
    certificates_end: str
    """The first end of its machines' and identities' certificates, a date, ISO 8601."""
    namespaces: tuple[NamespaceStatus, ...]


async def status(folders: Sequence[Folder]) -> list[CondominiumStatus]:
    """The state of every condominium in `folders`; what does not answer is shown so."""
    heights = await asyncio.gather(*(_peer_height(folder) for folder in folders))
    orderers = [orderer_status(folder, folder.federation.channel) for folder in folders]
    highest = max([height or 0 for height in heights] + [answer.get("height", 0) for answer in orderers])
    namespaces = await asyncio.gather(*(_namespaces(folder) for folder in folders))
    return [
        CondominiumStatus(
            code=folder.code,
            processes={
                name: supervisor.running(folder, name) for name in (supervisor.SUPERVISOR, *folder.processes)
            },
            peer_height=height,
            orderer_height=orderer.get("height"),
            leads=_leads(folder),
            lag=highest - (height or 0),
            certificates_end=first_end(folder).date().isoformat(),
            namespaces=tuple(found),
        )
        for folder, height, orderer, found in zip(folders, heights, orderers, namespaces, strict=True)
    ]


def certificates(folder: Folder) -> list[Path]:
    """The certificates of the condominium that have an end to watch."""
    patterns = ("*/msp/signcerts/*.pem", "*/tls/certificate.pem", "chaincode/*/certificate.pem")
    own = (folder.path / "admin/certificate.pem", *folder.path.glob("users/*/certificate.pem"))
    return sorted({*own, *(path for pattern in patterns for path in folder.path.glob(pattern))})


def first_end(folder: Folder) -> datetime.datetime:
    """When the first of the condominium's certificates ends."""
    return min(
        x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc for path in certificates(folder)
    )


async def _peer_height(folder: Folder) -> int | None:
    ledger = FabricLedger(folder.admin(), folder.federation.channel, [own_peer(folder)], timeouts=_SECONDS)
    try:
        return await ledger.height()
    except (LedgerError, grpc.aio.AioRpcError):
        return None
    finally:
        await ledger.close()


async def _namespaces(folder: Folder) -> list[NamespaceStatus]:
    ledger = FabricLedger(folder.admin(), folder.federation.channel, [own_peer(folder)], timeouts=_SECONDS)
    found = []
    try:
        for member in folder.federation.members:
            now = await lifecycle.committed(ledger.gateway, member.namespace)
            shown = now or Definition(member.namespace, RULES.version, 1)
            given = await lifecycle.approvals(ledger.gateway, shown, in_force=now is not None)
            approved = tuple(sorted(name for name, yes in given.items() if yes))
            sequence = now.sequence if now else 0
            found.append(NamespaceStatus(member.namespace, shown.version, sequence, approved))
    except LedgerError:
        return found
    finally:
        await ledger.close()
    return found


def _leads(folder: Folder) -> bool:
    """Whether the condominium's orderer leads, from its metrics: Fabric says it nowhere else."""
    return _LEADER.search(_metrics(folder)) is not None


def _metrics(folder: Folder) -> str:
    address = f"http://{LOCAL_ADDRESS}:{folder.ports.orderer_operations}/metrics"
    try:
        return httpx.get(address, timeout=5, trust_env=False).text
    except httpx.TransportError:
        return ""
