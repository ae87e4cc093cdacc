"""A snapshot's file: packed by one member, unpacked by a newcomer, and nothing else in its place.

That a peer joins from one is in `test_interruption.py`.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from network.federation.description import FederationError
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
