"""Every sentence stands in every language, and every sentence that a page asks for exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[3] / "client" / "web"
_ENTRY = re.compile(r'^  "([a-zA-Z0-9.-]+)": "((?:[^"\\]|\\.)+)",$', re.MULTILINE)
_LOCALES = {path.stem: dict(_ENTRY.findall(path.read_text())) for path in WEB.glob("shared/locales/*.js")}
_SOURCES = [path for path in WEB.rglob("*.js") if not {"vendor", "node_modules", "locales"} & set(path.parts)]


def test_there_are_two_languages() -> None:
    """English and Portuguese."""
    assert set(_LOCALES) == {"en", "pt"}


@pytest.mark.parametrize("name", sorted(_LOCALES))
def test_each_language_has_every_sentence_in_order(name: str) -> None:
    """No key is missing, left over or out of order, and each line of the file was understood."""
    keys = list(_LOCALES[name])
    assert keys == sorted(keys)
    assert set(keys) == set(_LOCALES["en"])
    text = (WEB / "shared" / "locales" / f"{name}.js").read_text()
    assert len(keys) == text.count('": "')


@pytest.mark.parametrize("key", sorted(_LOCALES["en"]))
def test_placeholders_are_the_same_in_every_language(key: str) -> None:
    """A value that one language shows, the other shows too."""
    placeholders = {frozenset(re.findall(r"\{\w+\}", locale[key])) for locale in _LOCALES.values()}
    assert len(placeholders) == 1


def test_every_sentence_that_a_page_names_exists() -> None:
    """Keys written out in full exist; keys put together have at least one of their kind."""
    for path in _SOURCES:
        text = path.read_text()
        for key in re.findall(r'\bt\("([^"]+)"', text):
            assert key in _LOCALES["en"], f"{path.name}: {key}"
        for prefix in re.findall(r"\bt\(`([^`$]+)\$\{", text):
            assert any(key.startswith(prefix) for key in _LOCALES["en"]), f"{path.name}: {prefix}"
