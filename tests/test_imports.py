"""The folders are the architecture: who may import whom is in pyproject.toml and holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def lint(tree: Path) -> tuple[int, str]:
    """Exit code and output of the import linter on a tree.

    In a process of its own, as modules that are loaded already would be found instead of the tree's."""
    done = subprocess.run([sys.executable, "-c", LINT], cwd=tree, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_import_directions_hold() -> None:
    """Every contract of [tool.importlinter] is kept by the tree as it stands."""
    code, said = lint(ROOT)
    assert code == 0, said


def test_a_forbidden_import_is_caught(tmp_path: Path) -> None:
    """The contracts bite: a gateway that imports the client, or rules that speak HTTP, break one each."""
    for package in ("chaincode", "network", "gateway", "client", "demonstration", "firmware"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "gateway" / "app.py").write_text("import client\n")
    (tmp_path / "chaincode" / "session.py").write_text("import httpx\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    code, said = lint(tmp_path)
    assert code == 1
    assert "gateway.app -> client" in said
    assert "chaincode.session -> httpx" in said
