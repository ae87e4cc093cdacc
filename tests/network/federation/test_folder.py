"""A condominium's folder, on the machine that holds its keys."""

from __future__ import annotations

import subprocess
from pathlib import Path

from network.federation.folder import Folder, Ports


def test_git_passes_over_a_condominiums_keys(tmp_path: Path) -> None:
    """Made within a repository, the folder is nothing that could be committed."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    folder = Folder.create(tmp_path / "try" / "aurora", "aurora", Ports.block(21_000))
    (folder.path / "peer" / "key.pem").write_text("secret")
    seen = subprocess.run(["git", "-C", tmp_path, "status", "--porcelain"], capture_output=True, check=True)
    assert seen.stdout == b""
