"""Setting the repository up: once, from the lock, and with a sentence where it cannot be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import environment


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """An empty repository, and the commands that setting it up would have run."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "development.txt").write_text("a==1 \\\n    --hash=sha256:00\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "LOCK", tmp_path / "requirements" / "development.txt")
    monkeypatch.setattr(environment, "PROJECT", tmp_path / "pyproject.toml")
    run = list[list[str]]()

    def pretend(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        run.append(command)
        if command[1:3] == ["-m", "venv"]:
            python = tmp_path / ".venv" / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
        version = f"{sys.version_info[0]} {sys.version_info[1]}\n"
        return subprocess.CompletedProcess(command, 0, stdout=version)

    monkeypatch.setattr(subprocess, "run", pretend)
    return run


def installs(commands: list[list[str]]) -> list[list[str]]:
    """Those of the commands that install something."""
    return [command for command in commands if "install" in command]


def test_packages_come_from_the_lock_by_hash(commands: list[list[str]]) -> None:
    """Nothing is resolved anew, and the project itself is installed without dependencies."""
    assert environment.main() == 0
    lock, project = installs(commands)
    assert "--require-hashes" in lock
    assert "--no-deps" in project
    assert "--editable" in project


def test_a_second_run_installs_nothing(commands: list[list[str]]) -> None:
    """Stamps say what is done; only what changed is done again."""
    environment.main()
    commands.clear()
    assert environment.main() == 0
    assert installs(commands) == []
    environment.PROJECT.write_text("[project]\nname = 'x'\n")
    environment.main()
    assert [command[-2] for command in installs(commands)] == ["--editable"]


def test_an_old_python_is_told_what_is_needed(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The version is checked before anything is made."""
    monkeypatch.setattr(environment, "OLDEST", (99, 0))
    assert environment.main() == 1
    assert "needs Python 3.11 or newer" in capsys.readouterr().err
    assert commands == []


def test_a_failed_install_is_tried_again(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a network there is a sentence, no stamp, and the next run goes on."""
    working = subprocess.run

    def broken(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        if "--require-hashes" in command:
            return subprocess.CompletedProcess(command, 1)
        return working(command, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(subprocess, "run", broken)
    assert environment.main() == 1
    assert "run make setup again" in capsys.readouterr().err
    monkeypatch.setattr(subprocess, "run", working)
    assert environment.main() == 0
    assert len(installs(commands)) == 2


def test_the_lock_names_no_address() -> None:
    """A lock with an index's address would send everybody there."""
    for lock in (Path(environment.__file__).parent.parent / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text
        assert "--hash=sha256:" in text
