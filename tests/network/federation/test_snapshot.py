"""A snapshot's file: packed by one member, unpacked by a newcomer, and nothing else in its place.

That a peer joins from one is in `test_interruption.py`.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from network.fabric.gateway import Gateway
from network.federation import blocks, join, snapshot
from network.federation.description import FederationError
from network.federation.folder import Folder
from network.federation.snapshot import Snapshot, unpack

METADATA = "_snapshot_signable_metadata.json"
RECORD = json.dumps({"channel_name": "condocharge", "last_block_number": 7, "last_block_hash": "ab"})


def packed(path: Path, *entries: tuple[str, bytes | None]) -> Path:
    """A tar of these files; None for a symbolic link out of the folder."""
    with tarfile.open(path, "w") as archive:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            if content is None:
                entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return path


def test_a_snapshot_is_unpacked_whole(tmp_path: Path) -> None:
    """Its metadata is read, its files are there; once more replaces what was there."""
    archive = packed(tmp_path / "a.tar", (METADATA, RECORD.encode()), ("txids.data", b"x"))
    for _ in range(2):
        found = unpack(archive, tmp_path / "out")
        assert (found.channel, found.block, found.block_hash) == ("condocharge", 7, "ab")
        assert found == Snapshot.read(tmp_path / "out")
        assert (tmp_path / "out/txids.data").read_bytes() == b"x"


@pytest.mark.parametrize(
    "entry", [("../escaped.data", b"x"), ("/tmp/escaped.data", b"x"), ("a/b.data", b"x"), ("link.data", None)]
)
def test_what_is_no_part_of_a_snapshot_is_not_written(
    entry: tuple[str, bytes | None], tmp_path: Path
) -> None:
    """A file that another member made may not reach out of its folder."""
    archive = packed(tmp_path / "a.tar", (METADATA, RECORD.encode()), entry)
    with pytest.raises(FederationError, match="is no part of a snapshot"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"no tar at all"])
def test_what_is_no_snapshot_is_said(content: bytes, tmp_path: Path) -> None:
    """One sentence, and nothing is left that a second call would take for a snapshot."""
    archive = tmp_path / "a.tar"
    archive.write_bytes(content)
    with pytest.raises(FederationError, match="holds no snapshot"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_snapshot_without_metadata(tmp_path: Path) -> None:
    """The block that it ends with has to be known."""
    archive = packed(tmp_path / "a.tar", ("txids.data", b"x"))
    with pytest.raises(FederationError, match="holds no snapshot"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize(
    "record",
    [
        [],
        "condocharge",
        {"channel_name": "condocharge", "last_block_number": "7", "last_block_hash": "ab"},
        {"channel_name": "condocharge", "last_block_number": 7.5, "last_block_hash": "ab"},
        {"channel_name": "condocharge", "last_block_number": True, "last_block_hash": "ab"},
        {"channel_name": "condocharge", "last_block_number": -1, "last_block_hash": "ab"},
        {"channel_name": "condocharge", "last_block_number": 7, "last_block_hash": None},
        {"channel_name": "condocharge", "last_block_number": 7},
    ],
)
def test_metadata_of_another_form(record: object, tmp_path: Path) -> None:
    """A number is a number and a name a name; nothing else is asked for as a block."""
    archive = packed(tmp_path / "a.tar", (METADATA, json.dumps(record).encode()))
    with pytest.raises(FederationError, match="names no channel"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


async def test_nothing_is_read_that_nobody_else_vouches_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call stops and says the fingerprint; with another it is refused, with its own it goes on."""
    used: list[str] = []

    async def answer(*_arguments: object) -> Any:
        return 7

    async def no_channels(*_arguments: object) -> list[str]:
        return []

    async def use(_gateway: object, channel: str, _directory: Path) -> None:
        used.append(channel)

    monkeypatch.setattr(join, "peer_answers", answer)
    monkeypatch.setattr(join, "channels", no_channels)
    monkeypatch.setattr(blocks, "newest_number", answer)
    monkeypatch.setattr(snapshot, "check", answer)
    monkeypatch.setattr(snapshot, "join_from", use)
    packed(tmp_path / join.SNAPSHOT_FILE, (METADATA, RECORD.encode()))
    own = hashlib.sha256(RECORD.encode()).hexdigest()
    folder = cast("Folder", SimpleNamespace(path=tmp_path, federation=SimpleNamespace(channel="condocharge")))
    gateway = cast("Gateway", SimpleNamespace(connections=[None], signer=None))

    async def joining(fingerprint: str | None) -> None:
        await join._join_peer(folder, gateway, lambda _step: None, 1, 5, fingerprint)

    with pytest.raises(FederationError, match=f"--fingerprint {own}"):
        await joining(None)
    with pytest.raises(FederationError, match=f"has {own}, not"):
        await joining("ab" * 32)
    assert used == []
    await joining(own)
    assert used == ["condocharge"]
