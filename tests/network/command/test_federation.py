"""`condocharge network`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from network.command import network
from network.federation.binaries import DIRECTORY_VARIABLE, Binaries
from network.federation.description import Federation
from network.federation.folder import Folder


def typed(*words: str) -> Result:
    """What the command says."""
    return CliRunner().invoke(network, words)


@pytest.mark.parametrize("command", ["up", "down", "status", "logs"])
def test_a_directory_without_a_network_says_how_to_make_one(command: str, tmp_path: Path) -> None:
    """One sentence, and a status that scripts see."""
    outcome = typed(command, str(tmp_path))
    assert outcome.exit_code == 1
    assert "make one with `create`" in outcome.output


def test_missing_release_binaries_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the user points to a directory, nothing is built in its place."""
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    outcome = typed("binaries")
    assert outcome.exit_code == 1
    assert f"peer is missing from {tmp_path}" in outcome.output


@pytest.mark.parametrize(
    ("codes", "sentence"),
    [
        (["Aurora"], "small letters"),
        (["x"], "3 to 16"),
        (["aurora", "aurora"], "twice"),
    ],
)
def test_codes_that_cannot_be_are_refused(codes: list[str], sentence: str, tmp_path: Path) -> None:
    """Before anything is made."""
    options = [part for code in codes for part in ("--code", code)]
    outcome = typed("create", str(tmp_path / "new"), *options)
    assert outcome.exit_code == 1
    assert sentence in outcome.output
    assert not (tmp_path / "new").exists()


def test_what_is_no_public_file_admits_nobody(tmp_path: Path) -> None:
    """A newcomer's file that is something else is refused before any member is asked."""
    (tmp_path / "member.json").write_text('{"code": "elm"}')
    outcome = typed("admit", str(tmp_path), str(tmp_path / "member.json"))
    assert outcome.exit_code == 1
    assert "no member's public file" in outcome.output


@pytest.mark.fabric
@pytest.mark.slow
def test_create_makes_folders_that_hold_their_own_keys_alone(
    tmp_path: Path, fabric_binaries: Binaries
) -> None:
    """Each folder has its own roots' keys and nobody else's; a second create touches nothing."""
    path = tmp_path / "demo"
    outcome = typed("create", str(path), "--condominiums", "2", "--ordering", "raft")
    assert outcome.exit_code == 0, outcome.output
    opened = [Folder.open(path / code) for code in ("condo1", "condo2")]
    keys = [{key.read_bytes() for key in folder.path.rglob("*.key")} for folder in opened]
    assert all(keys)
    assert not keys[0] & keys[1]
    described = {json.dumps(json.loads((f.path / "federation.json").read_text())) for f in opened}
    assert len(described) == 1
    assert "PRIVATE KEY" not in described.pop()
    assert isinstance(opened[0].federation, Federation)
    for folder in opened:
        private = [*folder.path.rglob("*.key"), *folder.path.rglob("key.pem")]
        assert {file.stat().st_mode & 0o077 for file in private} == {0}
    outcome = typed("create", str(path))
    assert outcome.exit_code == 1
    assert "is not empty" in outcome.output
