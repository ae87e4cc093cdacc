"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from network.file import write, write_all


def test_a_private_file_is_its_owners_from_the_start(tmp_path: Path) -> None:
    """Also where what a killed process left beside it could be read by everybody."""
    (tmp_path / "key.partial").write_bytes(b"left")
    (tmp_path / "key.partial").chmod(0o644)
    write(tmp_path / "key", b"secret", private=True)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"key": b"secret"}


def test_none_is_replaced_where_one_cannot_be_written(tmp_path: Path) -> None:
    """The second has no directory: the first keeps its content, and nothing is left beside it."""
    write(tmp_path / "one", b"before")
    with pytest.raises(FileNotFoundError):
        write_all({tmp_path / "one": b"after", tmp_path / "missing/two": b"after"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"one": b"before"}


def test_content_is_durable_before_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is synchronised before the first takes its place, and their directory afterwards."""
    synchronised: list[str] = []

    def fsync(descriptor: int) -> None:
        now = sorted(path.name for path in tmp_path.iterdir())
        kind = "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        synchronised.append(f"{kind}: {' '.join(now)}")

    monkeypatch.setattr(os, "fsync", fsync)
    write_all({tmp_path / "one": b"1", tmp_path / "two": b"2"})
    assert synchronised == ["file: one.partial", "file: one.partial two.partial", "directory: one two"]
