"""Every sentence stands in every language, and every sentence that a page asks for exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.charging.reason import Code
from gateway.monitor.anomaly import Kind

WEB = Path(__file__).resolve().parents[3] / "client" / "web"
_ENTRY = re.compile(r'^  "([a-zA-Z0-9.-]+)": "((?:[^"\\]|\\.)+)",$', re.MULTILINE)
_PLACES = ("shared", "wallet", "console")
_LOCALES = {
    place: {path.stem: dict(_ENTRY.findall(path.read_text())) for path in WEB.glob(f"{place}/locales/*.js")}
    for place in _PLACES
}
_SITES = {
    "wallet": _LOCALES["shared"]["en"] | _LOCALES["wallet"]["en"],
    "console": _LOCALES["shared"]["en"] | _LOCALES["console"]["en"],
    "shared": _LOCALES["shared"]["en"],
}
_SAID_IN = {"wallet": ("wallet",), "console": ("console",), "shared": ("shared", "wallet", "console")}
_SENTENCES = [(place, key) for place in _PLACES for key in sorted(_LOCALES[place]["en"])]


def _sources(place: str) -> list[Path]:
    return [path for path in (WEB / place).rglob("*.js") if "locales" not in path.parts]


@pytest.mark.parametrize("place", _PLACES)
def test_there_are_two_languages(place: str) -> None:
    """English and Portuguese."""
    assert set(_LOCALES[place]) == {"en", "pt"}


@pytest.mark.parametrize("place", _PLACES)
@pytest.mark.parametrize("name", ["en", "pt"])
def test_each_language_has_every_sentence_in_order(place: str, name: str) -> None:
    """No key is missing, left over or out of order, and each line of the file was understood."""
    keys = list(_LOCALES[place][name])
    assert keys == sorted(keys)
    assert set(keys) == set(_LOCALES[place]["en"])
    text = (WEB / place / "locales" / f"{name}.js").read_text()
    assert len(keys) == text.count('": "')


@pytest.mark.parametrize("site", ["wallet", "console"])
def test_no_site_says_anew_what_the_sites_share(site: str) -> None:
    """A key stands in one file of each language."""
    assert not set(_LOCALES["shared"]["en"]) & set(_LOCALES[site]["en"])


@pytest.mark.parametrize(("place", "key"), _SENTENCES)
def test_placeholders_are_the_same_in_every_language(place: str, key: str) -> None:
    """A value that one language shows, the other shows too."""
    placeholders = {frozenset(re.findall(r"\{\w+\}", locale[key])) for locale in _LOCALES[place].values()}
    assert len(placeholders) == 1


@pytest.mark.parametrize("place", _PLACES)
def test_every_sentence_that_a_page_names_exists(place: str) -> None:
    """Keys written out in full exist; keys put together have at least one of their kind."""
    for path in _sources(place):
        text = path.read_text()
        for key in re.findall(r'\bt\("([^"]+)"', text):
            assert key in _SITES[place], f"{path.name}: {key}"
        for prefix in re.findall(r"\bt\(`([^`$]+)\$\{", text):
            assert any(key.startswith(prefix) for key in _SITES[place]), f"{path.name}: {prefix}"


@pytest.mark.parametrize("place", _PLACES)
def test_no_sentence_is_left_that_nobody_says(place: str) -> None:
    """Each key is named by a page of its site, or put together from a kind that one names."""
    text = "".join(path.read_text() for each in _SAID_IN[place] for path in _sources(each))
    kinds = tuple(re.findall(r"`([a-z-]+\.[a-z-]*)\$\{", text))
    unsaid = [key for key in _LOCALES[place]["en"] if f'"{key}"' not in text and not key.startswith(kinds)]
    assert unsaid == []


def test_every_reason_and_alarm_of_the_gateway_has_a_sentence() -> None:
    """Whatever the gateway can say by code, a page can say in its reader's language."""
    assert {f"why.{code}" for code in Code} <= set(_SITES["wallet"])
    [known] = re.findall(r"KNOWN = new Set\(\[(.*?)\]\)", (WEB / "shared/reason.js").read_text(), re.DOTALL)
    assert set(re.findall(r'"([a-z-]+)"', known)) == set(Code)
    assert {f"alarm.{kind}" for kind in Kind} <= set(_SITES["console"])
