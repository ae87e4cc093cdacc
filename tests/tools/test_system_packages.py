"""Which groups of system packages a tree needs, and whether they are there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import system_packages
from tools.system_packages import GROUPS, Group, used_groups


def group(*programs: tuple[str, ...], files: tuple[str, ...] = ()) -> Group:
    """A group for tests, of programs and files alone."""
    return Group(name="trial", purpose="trying", packages=("a", "b"), programs=programs, files=files)


def test_only_groups_with_tests_are_used(tmp_path: Path) -> None:
    """A marker in a test file calls for its group; markers in strings and other files do not."""
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "test_store.py").write_text("@pytest.mark.postgresql\ndef test(): ...\n")
    (tmp_path / "gateway" / "test_text.py").write_text("text = 'pytest.mark.firmware'\n")
    (tmp_path / "gateway" / "notes.txt").write_text("pytest.mark.browser")
    assert [group.name for group in used_groups(tmp_path)] == ["postgresql"]


def test_alternatives_satisfy_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of several programs is enough, and all lacking ones are named together."""
    program = tmp_path / "chromium-browser"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert group(("chromium", "chromium-browser")).missing() == []
    assert group(("firefox", "librewolf")).missing() == ["firefox or librewolf"]


def test_a_missing_header_is_named(tmp_path: Path) -> None:
    """Libraries are recognised by their headers."""
    header = tmp_path / "sim_avr.h"
    assert group(files=(str(header),)).missing() == [str(header)]
    header.touch()
    assert group(files=(str(header),)).missing() == []


def test_without_privilege_the_command_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user who may not install is told what to run, and nothing is started."""
    monkeypatch.setattr(system_packages, "_privilege", lambda: None)
    monkeypatch.setattr(subprocess, "run", lambda *_a, **_k: pytest.fail("started a program"))
    assert system_packages.install([group(("no-such-program",))]) == 0
    assert "apt-get install --no-install-recommends a b" in capsys.readouterr().err


def test_an_unknown_group_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt group is an error that lists the right ones."""
    with pytest.raises(SystemExit):
        system_packages.main(["postgres"])
    assert "there are postgresql, firmware, browser" in capsys.readouterr().err


def test_each_group_is_a_marker(pytestconfig: pytest.Config) -> None:
    """A group without a marker could never be asked for."""
    markers = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    assert set(GROUPS) <= markers
