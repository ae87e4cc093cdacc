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
from network.federation import blocks, lifecycle, supervisor
from network.federation.administration import own_peer
from network.federation.channel import orderer_status
from network.federation.description import FederationError
from network.federation.folder import LOCAL_ADDRESS, Folder
from network.federation.lifecycle import Definition
from network.federation.package import RULES
from network.identity import read_pem
from network.ledger import LedgerError

_LEADER = re.compile(r"^consensus_(?:BFT|etcdraft)_is_leader\{[^}]*\} 1$", re.MULTILINE)
_ROOTS = ("ca/root.pem", "tls/root.pem")
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
    awaited: tuple[str, ...]
    """MSP ids that have not."""
    next_approved_by: tuple[str, ...] | None
    """Who has approved the rules that are installed here as the next definition; None where these are in
    force, or nothing is."""


@dataclass(frozen=True, slots=True)
class CondominiumStatus:
    """One condominium's machines. Heights and lags are None where the machine does not answer."""

    code: str
    processes: dict[str, int | None]
    """Process id by name; None where it is down."""
    peer_height: int | None
    orderer_height: int | None
    leads: bool
    lag: int | None
    """How many blocks its peer is behind the highest height that any member's orderer or peer says."""
    orderer_lag: int | None
    """Likewise its orderer."""
    certificates_end: str
    """The first end of its certificates, a date, ISO 8601."""
    certificates: dict[str, str]
    """When each ends, by its file in the condominium's folder; the roots' too."""
    namespaces: tuple[NamespaceStatus, ...]
    """As far as its peer answered."""
    namespaces_error: str | None
    """Why not all of them are there; None where all are."""


async def status(folders: Sequence[Folder]) -> list[CondominiumStatus]:
    """The state of every condominium in `folders`; what does not answer is shown so."""
    # All at once: what is down is found out by waiting.
    found, leading, elsewhere, namespaces = await asyncio.gather(
        heights(folders),
        asyncio.gather(*(asyncio.to_thread(leads, folder) for folder in folders)),
        _elsewhere(folders),
        asyncio.gather(*(_namespaces(folder) for folder in folders)),
    )
    highest = max(height or 0 for height in (*(height for pair in found for height in pair), elsewhere))
    return [
        CondominiumStatus(
            code=folder.code,
            processes={
                name: supervisor.running(folder, name) for name in (supervisor.SUPERVISOR, *folder.processes)
            },
            peer_height=peer,
            orderer_height=orderer,
            leads=first,
            lag=_behind(peer, highest),
            orderer_lag=_behind(orderer, highest),
            certificates_end=first_end(folder).date().isoformat(),
            certificates={
                path.relative_to(folder.path).as_posix(): _end(path).date().isoformat()
                for path in (*certificates(folder), *(folder.path / name for name in _ROOTS))
            },
            namespaces=tuple(spaces),
            namespaces_error=error,
        )
        for folder, (peer, orderer), first, (spaces, error) in zip(
            folders, found, leading, namespaces, strict=True
        )
    ]


async def heights(folders: Sequence[Folder]) -> list[tuple[int | None, int | None]]:
    """How many blocks each condominium's peer and its orderer have; None where it does not answer."""
    peers, orderers = await asyncio.gather(
        asyncio.gather(*(_peer_height(folder) for folder in folders)),
        asyncio.gather(
            *(asyncio.to_thread(orderer_status, folder, folder.federation.channel) for folder in folders)
        ),
    )
    return [(peer, orderer.get("height")) for peer, orderer in zip(peers, orderers, strict=True)]


def leads(folder: Folder) -> bool:
    """Whether the condominium's orderer leads, from its metrics: Fabric says it nowhere else."""
    return _LEADER.search(_metrics(folder)) is not None


def certificates(folder: Folder) -> list[Path]:
    """The certificates of the condominium that have an end to watch."""
    patterns = ("*/msp/signcerts/*.pem", "*/tls/certificate.pem", "chaincode/*/certificate.pem")
    own = (folder.path / "admin/certificate.pem", *folder.path.glob("users/*/certificate.pem"))
    return sorted({*own, *(path for pattern in patterns for path in folder.path.glob(pattern))})


def first_end(folder: Folder) -> datetime.datetime:
    """When the first of the condominium's certificates ends."""
    return min(_end(path) for path in certificates(folder))


def _end(path: Path) -> datetime.datetime:
    return x509.load_pem_x509_certificate(read_pem(path)).not_valid_after_utc


def _behind(height: int | None, highest: int) -> int | None:
    return None if height is None else max(0, highest - height)


async def _elsewhere(folders: Sequence[Folder]) -> int | None:
    """The height that a member elsewhere says; None where all are here, or none answers in time."""
    federation = folders[0].federation
    if {member.code for member in federation.members} <= {folder.code for folder in folders}:
        return None
    try:
        newest = blocks.newest_number(federation, folders[0].admin())
        return await asyncio.wait_for(newest, _SECONDS.evaluate) + 1
    except (FederationError, TimeoutError):
        return None


async def _peer_height(folder: Folder) -> int | None:
    ledger = FabricLedger(folder.admin(), folder.federation.channel, [own_peer(folder)], timeouts=_SECONDS)
    try:
        return await ledger.height()
    except (LedgerError, grpc.aio.AioRpcError):
        return None
    finally:
        await ledger.close()


async def _namespaces(folder: Folder) -> tuple[list[NamespaceStatus], str | None]:
    """What the own peer says of each namespace, and why it stopped before the last one."""
    ledger = FabricLedger(folder.admin(), folder.federation.channel, [own_peer(folder)], timeouts=_SECONDS)
    found: list[NamespaceStatus] = []
    try:
        for member in folder.federation.members:
            now = await lifecycle.committed(ledger.gateway, member.namespace)
            shown = now or Definition(member.namespace, RULES.version, 1)
            given = await lifecycle.approvals(ledger.gateway, shown, in_force=now is not None)
            approved = tuple(sorted(name for name, yes in given.items() if yes))
            awaited = tuple(sorted(name for name, yes in given.items() if not yes))
            following = await _following(ledger, now)
            sequence = now.sequence if now else 0
            found.append(
                NamespaceStatus(member.namespace, shown.version, sequence, approved, awaited, following)
            )
    except LedgerError as error:
        return found, str(error)
    finally:
        await ledger.close()
    return found, None


async def _following(ledger: FabricLedger, now: Definition | None) -> tuple[str, ...] | None:
    """Who has approved the rules that are installed here, where others are in force."""
    if now is None or now.version == RULES.version:
        return None
    following = Definition(now.namespace, RULES.version, now.sequence + 1)
    given = await lifecycle.approvals(ledger.gateway, following)
    return tuple(sorted(name for name, yes in given.items() if yes))


def _metrics(folder: Folder) -> str:
    address = f"http://{LOCAL_ADDRESS}:{folder.ports.orderer_operations}/metrics"
    try:
        return httpx.get(address, timeout=5, trust_env=False).text
    except httpx.TransportError:
        return ""
