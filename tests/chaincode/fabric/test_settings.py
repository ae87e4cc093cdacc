"""The chaincode server's settings: read whole, or refused by the field that is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chaincode.fabric.settings import Listener, Settings, SettingsError, Tls, read_settings

GOOD: dict[str, Any] = {
    "dispatch": "chaincode.contract:dispatch",
    "listeners": [{"package": "a:1", "namespace": "a", "address": "127.0.0.1:7000"}],
    "tls": {"certificate": "c.pem", "key": "k.pem", "client_authority": "r.pem"},
}


def written(tmp_path: Path, record: object) -> Path:
    """A settings file with this content."""
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(record))
    return path


def test_settings_are_read_with_paths_beside_the_file(tmp_path: Path) -> None:
    """File names are relative to the settings' own folder."""
    assert read_settings(written(tmp_path, GOOD)) == Settings(
        dispatch="chaincode.contract:dispatch",
        listeners=(Listener("a:1", "a", "127.0.0.1:7000"),),
        tls=Tls(tmp_path / "c.pem", tmp_path / "k.pem", tmp_path / "r.pem"),
    )
    assert read_settings(written(tmp_path, GOOD | {"tls": None})).tls is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dispatch": ""}, "dispatch"),
        ({"dispatch": 3}, "dispatch"),
        ({"listeners": {}}, "listeners"),
        ({"listeners": [{"package": "a:1", "namespace": "a"}]}, "address"),
        ({"tls": "yes"}, "tls"),
        ({"tls": {"certificate": "c.pem", "key": "k.pem"}}, "client_authority"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    """Each rule of form has its sentence."""
    with pytest.raises(SettingsError, match=f"^{field}: "):
        read_settings(written(tmp_path, GOOD | change))


def test_what_is_no_settings_file(tmp_path: Path) -> None:
    """A missing file and one of another kind are told apart from wrong fields."""
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path / "missing.json")
    with pytest.raises(SettingsError, match="an object is needed"):
        read_settings(written(tmp_path, []))


def test_an_entry_that_does_not_exist() -> None:
    """A chaincode that cannot be imported is refused at start, not at the first transaction."""
    with pytest.raises(SettingsError, match="no_such_module"):
        Settings("no_such_module:dispatch", (), None).load_dispatch()
