"""What a chaincode server serves: a JSON file, read at start and again on SIGHUP."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from chaincode.fabric.stream import Dispatch


class SettingsError(Exception):
    """The settings file breaks a rule; the sentence names the field."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One installed package: the peer that connects to `address` is told that it reached `package`."""

    package: str
    """The package id that the peer's install answered with, `label:hash`."""
    namespace: str
    """The chaincode name that the package is committed under."""
    address: str
    """`host:port`; a port each, for Fabric's protocol does not say which package a stream is for."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files of the server, and the authority whose clients (the peers) may connect."""

    certificate: Path
    key: Path
    client_authority: Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a chaincode server needs to know."""

    dispatch: str
    """The chaincode's entry, `module:function`."""
    listeners: tuple[Listener, ...]
    tls: Tls | None
    """None serves in the clear, for a peer on the same machine alone."""

    def load_dispatch(self) -> Dispatch:
        """Import the chaincode's entry. Raises SettingsError where there is none."""
        module, _, name = self.dispatch.partition(":")
        try:
            function = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise SettingsError(f"dispatch: {self.dispatch!r} cannot be imported: {error}") from error
        return cast(Dispatch, function)


def _text(record: Mapping[str, Any], field: str) -> str:
    value = record.get(field)
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{field}: a text that is not empty is needed")
    return value


def read_settings(path: Path) -> Settings:
    """The settings in the JSON file at `path`; file names in it are relative to its folder.

    Raises SettingsError naming the field that is missing or of the wrong kind.
    """
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error
    if not isinstance(record, dict):
        raise SettingsError(f"{path}: an object is needed")
    listeners = record.get("listeners")
    if not isinstance(listeners, list) or not all(isinstance(entry, dict) for entry in listeners):
        raise SettingsError("listeners: a list of objects is needed")
    tls = record.get("tls")
    if tls is not None and not isinstance(tls, dict):
        raise SettingsError("tls: an object or null is needed")
    return Settings(
        dispatch=_text(record, "dispatch"),
        listeners=tuple(
            Listener(_text(entry, "package"), _text(entry, "namespace"), _text(entry, "address"))
            for entry in listeners
        ),
        tls=None
        if tls is None
        else Tls(
            certificate=path.parent / _text(tls, "certificate"),
            key=path.parent / _text(tls, "key"),
            client_authority=path.parent / _text(tls, "client_authority"),
        ),
    )
