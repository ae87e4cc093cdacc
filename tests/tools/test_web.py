"""The browser's modules come with their packages' licences."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools.web import WEB, SetupError, copy_licences, licence_name, packages

PACKAGES = packages(WEB / "package-lock.json")


def test_the_packages_are_those_that_pages_are_made_of(tmp_path: Path) -> None:
    """What only builds or tests the pages is not passed on; what a package brings along is."""
    lock = tmp_path / "package-lock.json"
    places = {"": {}, "node_modules/a": {}, "node_modules/@b/c": {}, "node_modules/d": {"dev": True}}
    lock.write_text(json.dumps({"packages": places | {"node_modules/a/node_modules/e": {}}}))
    assert packages(lock) == ["@b/c", "a", "e"]
    assert set(json.loads((WEB / "package.json").read_text())["dependencies"]) <= set(PACKAGES)


def test_each_package_comes_with_its_licence(tmp_path: Path) -> None:
    """One file each, the package's own."""
    for name in ("htm", "@preact/signals"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "LICENSE").write_text(f"of {name}")
    copy_licences(["@preact/signals", "htm"], tmp_path, tmp_path / "licences")
    kept = {path.name: path.read_text() for path in (tmp_path / "licences").iterdir()}
    assert kept == {"htm.txt": "of htm", "preact-signals.txt": "of @preact/signals"}


def test_a_package_without_a_licence_is_not_passed_on(tmp_path: Path) -> None:
    """The sentence names it."""
    (tmp_path / "htm").mkdir()
    with pytest.raises(SetupError, match="htm has no file LICENSE"):
        copy_licences(["htm"], tmp_path, tmp_path / "licences")


def test_the_notice_names_every_package() -> None:
    """And no two licences get the same name."""
    notice = (WEB.parents[1] / "NOTICE").read_text()
    assert [name for name in PACKAGES if not re.search(rf"(?<![\w/@]){name}(?![\w/-])", notice)] == []
    assert len({licence_name(name) for name in PACKAGES}) == len(PACKAGES)
