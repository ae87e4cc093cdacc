"""The channel's state at one block, made by a member's peer and taken over by a newcomer's.

A peer that joins with the first block runs through the whole chain; one that joins with a snapshot begins
at the snapshot's block and has none before it. The file is a tar of what Fabric's peer writes: state,
transaction ids, configuration and two files of metadata. Two members' snapshots of one block are the same,
and so is their fingerprint, the SHA-256 of the signable metadata.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.peer import query_pb2, snapshot_pb2, snapshot_pb2_grpc

from network.fabric.block import header_hash
from network.fabric.gateway import Gateway
from network.fabric.proposal import NONCE_LENGTH, creator
from network.federation import blocks
from network.federation.administration import ask_peer, channels
from network.federation.description import Federation, FederationError
from network.federation.folder import Folder
from network.federation.readiness import wait_until

LONG_CHAIN = 20_000
"""From how many blocks on a newcomer takes a snapshot instead of running through the chain."""
_METADATA = "_snapshot_signable_metadata.json"
_FILE_NAME = re.compile(r"[a-z][a-z_]*\.(?:data|metadata)|_snapshot_[a-z]+_metadata\.json")
_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot's metadata says."""

    channel: str
    block: int
    """The last block whose transactions it holds."""
    block_hash: str
    """Hexadecimal."""
    fingerprint: str
    """SHA-256 of the signable metadata, hexadecimal: what members compare."""

    @classmethod
    def read(cls, directory: Path) -> Snapshot:
        """The snapshot that is unpacked in `directory`. Raises FederationError where there is none."""
        try:
            content = (directory / _METADATA).read_bytes()
            record = json.loads(content)
        except (OSError, ValueError) as error:
            raise FederationError(f"{directory} holds no snapshot: {error}") from error
        match record:
            case {
                "channel_name": str(channel),
                "last_block_number": int(block),
                "last_block_hash": str(block_hash),
            } if block >= 0 and not isinstance(block, bool):
                return cls(channel, block, block_hash, hashlib.sha256(content).hexdigest())
        raise FederationError(
            f"{directory} holds no snapshot: {_METADATA} names no channel, last block and its hash"
        )


async def take(folder: Folder, gateway: Gateway, height: int, target: Path) -> Snapshot:
    """Have the own peer write a snapshot and pack it into `target`; the chain has `height` blocks now.

    The peer commits no block while it writes. Raises FederationError where it refuses.
    """
    channel = folder.federation.channel
    completed = folder.path / "peer/data/snapshots/completed" / channel

    def newest() -> int:
        return max((int(path.name) for path in completed.glob("[0-9]*")), default=-1)

    if newest() < height - 1:
        await _request(gateway, channel)

    async def written() -> bool:
        return newest() >= height - 1

    await wait_until("the peer has written no snapshot", written, _SECONDS)
    made = completed / str(newest())
    snapshot = Snapshot.read(made)
    partial = target.with_suffix(".partial")
    with tarfile.open(partial, "w") as archive:
        for path in sorted(made.iterdir()):
            archive.add(path, path.name)
    partial.replace(target)
    shutil.rmtree(made)
    return snapshot


def unpack(archive: Path, directory: Path) -> Snapshot:
    """Unpack what `take` packed into the new `directory`, whole or not at all.

    Raises FederationError where the file is not that.
    """
    partial = directory.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with tarfile.open(archive) as packed:
            for entry in packed:
                expected = entry.isfile() and _FILE_NAME.fullmatch(entry.name)
                content = packed.extractfile(entry) if expected else None
                if content is None:
                    raise FederationError(f"{archive}: {entry.name!r} is no part of a snapshot")
                with (partial / entry.name).open("wb") as file:
                    shutil.copyfileobj(content, file)
    except (OSError, tarfile.TarError) as error:
        raise FederationError(f"{archive} holds no snapshot: {error}") from error
    snapshot = Snapshot.read(partial)
    shutil.rmtree(directory, ignore_errors=True)
    partial.rename(directory)
    return snapshot


async def check(snapshot: Snapshot, federation: Federation, gateway: Gateway) -> None:
    """The snapshot ends at a block of this channel as the members' orderers have it.

    Raises FederationError where it does not. What the state holds beside that is the word of the member
    that made it; others vouch for it by the fingerprint.
    """
    if snapshot.channel != federation.channel:
        raise FederationError(f"the snapshot is of {snapshot.channel}, not of {federation.channel}")
    block = common_pb2.Block.FromString(await blocks.numbered(federation, gateway.signer, snapshot.block))
    header = block.header
    if header_hash(header.number, header.previous_hash, header.data_hash).hex() != snapshot.block_hash:
        raise FederationError(f"the snapshot ends at another block {snapshot.block} than the members have")


def check_fingerprint(snapshot: Snapshot, expected: str | None) -> None:
    """The state is what a second member vouches for.

    Raises FederationError where it is another, and, naming the fingerprint, where none is `expected` yet.
    """
    if expected is None:
        raise FederationError(
            f"the snapshot of block {snapshot.block} has the fingerprint {snapshot.fingerprint}: compare it "
            "with a second member's snapshot of that block, then call this again with "
            f"--fingerprint {snapshot.fingerprint}"
        )
    if expected.strip().lower() != snapshot.fingerprint:
        raise FederationError(
            f"fingerprint: the snapshot of block {snapshot.block} has {snapshot.fingerprint}, not {expected}"
        )


async def join_from(gateway: Gateway, channel: str, directory: Path) -> None:
    """Make the own peer join `channel` from the unpacked snapshot, and wait until it has.

    Raises FederationError where the peer refuses it.
    """
    connection, signer = gateway.connections[0], gateway.signer
    if not await _joining(gateway):
        await ask_peer(connection, signer, "cscc", [b"JoinChainBySnapshot", str(directory).encode()])

    async def ended() -> bool:
        return not await _joining(gateway)

    await wait_until("the peer has not read the snapshot", ended, _SECONDS)
    if channel not in await channels(connection, signer):
        raise FederationError("the peer refused the snapshot; its log says why")


async def _joining(gateway: Gateway) -> bool:
    """Whether the own peer is reading a snapshot."""
    answer = await ask_peer(gateway.connections[0], gateway.signer, "cscc", [b"JoinBySnapshotStatus"])
    return bool(query_pb2.JoinBySnapshotStatus.FromString(answer).in_progress)


async def _request(gateway: Gateway, channel: str) -> None:
    """Ask the own peer for a snapshot at its last block."""
    signer, connection = gateway.signer, gateway.connections[0]
    author = common_pb2.SignatureHeader(creator=creator(signer), nonce=secrets.token_bytes(NONCE_LENGTH))
    request = snapshot_pb2.SnapshotRequest(signature_header=author, channel_id=channel, block_number=0)
    content = request.SerializeToString()
    signed = snapshot_pb2.SignedSnapshotRequest(request=content, signature=signer.sign(content))
    try:
        await snapshot_pb2_grpc.SnapshotStub(connection.channel).Generate(signed, timeout=60)
    except grpc.aio.AioRpcError as error:
        raise FederationError(f"{connection.peer.address}: snapshot: {error.details()}") from error
