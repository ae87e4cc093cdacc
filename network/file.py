"""Files that are there whole or not at all, whenever the process or the power ends."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path


def write(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write `content` to a new or replaced file; a `private` one nobody else may read at any moment.

    It is durable when this returns. Raises OSError, and then leaves what was there."""
    write_all({path: content}, private=(path,) if private else ())


def write_all(files: Mapping[Path, bytes], *, private: Collection[Path] = ()) -> None:
    """Write several as `write` does one: all are durable beside their places before the first is put into its
    own, and they are put there in the order of `files`. So the last one says that all are there."""
    drafts: dict[Path, Path] = {}
    try:
        for path, content in files.items():
            drafts[path] = draft = path.with_name(f"{path.name}.partial")
            _create(draft, content, 0o600 if path in private else 0o666)
        for path, draft in drafts.items():
            draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    for directory in {path.parent for path in files}:
        settle(directory)


def settle(directory: Path) -> None:
    """Make the names in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create(path: Path, content: bytes, mode: int) -> None:
    # What an earlier process left when it was killed may have another mode.
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
