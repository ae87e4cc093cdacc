"""The folders are the architecture: who may import whom is in pyproject.toml and holds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent


def test_import_directions_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every contract of [tool.importlinter] is kept by the tree as it stands."""
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    outcome = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert outcome == 0, capsys.readouterr().out


def test_a_forbidden_import_is_caught(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The contracts bite: a gateway that imports the client, or rules that speak HTTP, break one each."""
    for package in ("chaincode", "network", "gateway", "client", "demonstration", "firmware"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        monkeypatch.delitem(sys.modules, package, raising=False)  # or the real one would be looked at
    (tmp_path / "gateway" / "app.py").write_text("import client\n")
    (tmp_path / "chaincode" / "session.py").write_text("import httpx\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    outcome = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert outcome == 1
    said = capsys.readouterr().out
    assert "gateway.app -> client" in said
    assert "chaincode.session -> httpx" in said
