"""Chaincode packages: the same bytes everywhere, and an id that stands for the rules."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from network.federation.description import FederationError
from network.federation.package import RULES, Rules, make_package


@pytest.fixture
def rules(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Rules:
    """Rules in a package of their own."""
    folder = tmp_path / f"rules_{name}"  # a name of its own, for Python remembers packages
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "entry.py").write_text("async def dispatch(stub, function, arguments): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return Rules("7", f"rules_{name}.entry:dispatch")


def test_a_package_is_the_same_wherever_it_is_made(rules: Rules) -> None:
    """Twice the same bytes, so that every member's peer gives it the same id."""
    first, second = make_package("condocharge-a", rules), make_package("condocharge-a", rules)
    assert first == second
    assert first.id.startswith("condocharge-a_7:")
    assert make_package("condocharge-b", rules).id != first.id


def test_the_id_changes_with_the_rules(rules: Rules, tmp_path: Path, name: str) -> None:
    """One changed byte, a renamed file or another version is another id."""
    ids = {make_package("condocharge-a", rules).id}
    ids.add(make_package("condocharge-a", Rules("8", rules.dispatch)).id)
    entry = tmp_path / f"rules_{name}/entry.py"
    entry.write_text(entry.read_text() + "#")
    ids.add(make_package("condocharge-a", rules).id)
    (entry.parent / "other.py").touch()
    ids.add(make_package("condocharge-a", rules).id)
    assert len(ids) == 4


def test_a_package_holds_its_namespace_and_rules(rules: Rules) -> None:
    """The builder reads the namespace; who approves can read which rules they are."""
    package = make_package("condocharge-a", rules)
    with tarfile.open(fileobj=io.BytesIO(package.content)) as outer:
        metadata = outer.extractfile("metadata.json")
        code = outer.extractfile("code.tar.gz")
        assert metadata is not None
        assert code is not None
        assert json.load(metadata) == {"path": "", "type": "service", "label": "condocharge-a_7"}
        with tarfile.open(fileobj=io.BytesIO(code.read())) as inner:
            namespace = inner.extractfile("namespace")
            description = inner.extractfile("rules.json")
            assert namespace is not None
            assert description is not None
            assert namespace.read() == b"condocharge-a\n"
            assert json.load(description)["digest"] == rules.digest()


def test_rules_that_are_not_there() -> None:
    """An entry that cannot be found is named; the platform's own can be."""
    with pytest.raises(FederationError, match="no_such_rules"):
        Rules("1", "no_such_rules:dispatch").digest()
    assert len(RULES.digest()) == 64
