"""The folders are the architecture: who may import whom is in pyproject.toml, holds, and is complete."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
PLANTED = {
    "chaincode": ["yaml", "argon2", "httpx", "grpc", "chaincode.fabric.stub", "network.ledger", "gateway"],
    "chaincode.signing": ["fabric_protos", "client.wallet.key"],
    "chaincode.fabric": ["sqlalchemy", "network.identity"],
    "network": ["grpc", "network.fabric"],
    "network.embedded": ["httpx", "chaincode.fabric.server", "gateway.app"],
    "network.fabric": ["httpx", "network.federation.folder", "client"],
    "network.federation": ["yaml", "network.embedded.ledger", "firmware"],
    "gateway": ["network.embedded.ledger", "yaml", "click", "chaincode.fabric.stub", "chaincode.contract"],
    "gateway.monitor": [
        "network.fabric",
        "grpc",
        "client.wallet.gateway",
        "firmware",
        "gateway.proto",
    ],
    "gateway.grpc": ["network.identity", "fastapi", "demonstration"],
    "client.auditor": ["httpx", "network.embedded.verification", "client.wallet.gateway"],
    "client.wallet": ["gateway.rest.problem", "network.identity", "fastapi", "chaincode.fabric.stub"],
    "firmware": ["chaincode.signing.batch", "gateway", "client", "network", "demonstration", "cryptography"],
    "demonstration": ["sqlalchemy", "chaincode.fabric.stub", "yaml"],
}
"""What nobody may import, by the package it is planted in."""


def options() -> dict[str, Any]:
    """`[tool.importlinter]` of the repository."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return found


def lint(tree: Path) -> tuple[int, str]:
    """Exit code and output of the import linter on a tree.

    In a process of its own, as modules that are loaded already would be found instead of the tree's."""
    done = subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_import_directions_hold() -> None:
    """Every contract of [tool.importlinter] is kept by the tree as it stands."""
    code, said = lint(ROOT)
    assert code == 0, said


def test_every_planted_import_is_refused(tmp_path: Path) -> None:
    """One import of each kind that a rule forbids, planted in a copy of the tree: each is named, no other."""
    for package in options()["root_packages"]:
        shutil.copytree(
            ROOT / package,
            tmp_path / package,
            ignore=lambda _, names: [n for n in names if "." in n and not n.endswith(".py")],
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    expected = set()
    for package, imports in PLANTED.items():
        planted = tmp_path / package.replace(".", "/") / "planted.py"
        planted.write_text("".join(f"import {each}\n" for each in imports))
        expected |= {f"{package}.planted -> {each}" for each in imports}
    code, said = lint(tmp_path)
    assert code == 1, said
    assert {line.partition(" is not")[0] for line in said.splitlines() if " -> " in line} == expected


def test_every_module_has_its_list() -> None:
    """Each package that is shipped is linted, and what one list leaves out another one holds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert options()["root_packages"] == project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    modules = [name for contract in options()["contracts"] for name in contract["modules"]]
    assert set(options()["root_packages"]) <= {*modules, "client"}
    assert {each.removeprefix("!") for each in modules if each.startswith("!")} <= set(modules)
    assert all(contract["type"] == "allow-list" for contract in options()["contracts"])
