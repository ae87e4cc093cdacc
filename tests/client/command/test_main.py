"""The command finds subcommands of packages that it does not import."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import click
import pytest
from click.testing import CliRunner

from client.command import main as module


@click.command("greet")
def greet() -> None:
    """Say hello."""
    click.echo("hello")


def register(monkeypatch: pytest.MonkeyPatch, **points: str) -> None:
    """Pretend that installed packages registered `points` (name = module:object)."""
    found = [EntryPoint(name, value, module.ENTRY_POINTS) for name, value in points.items()]
    monkeypatch.setattr(module, "_registered", lambda: found)


def test_a_registered_command_runs_and_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an entry point names is a subcommand like any other."""
    register(monkeypatch, greet=f"{__name__}:greet")
    monkeypatch.setattr(EntryPoint, "load", lambda _point: greet)
    assert CliRunner().invoke(module.main, ["greet"]).output == "hello\n"
    assert "Say hello." in CliRunner().invoke(module.main, ["--help"]).output


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command whose packages are not installed says which one, and leaves the others alone."""
    register(monkeypatch, network="no_such_package_at_all.command:network")
    refused = CliRunner().invoke(module.main, ["network", "create", "--name", "x"])
    assert refused.exit_code == 1
    assert "needs the Python package no_such_package_at_all" in refused.output
    assert CliRunner().invoke(module.main, ["--help"]).exit_code == 0


def test_an_entry_point_that_is_no_command_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registration of something else is reported as the programming error it is."""
    register(monkeypatch, wrong="json:dumps")
    with pytest.raises(TypeError, match="wrong = json:dumps is not a click command"):
        CliRunner().invoke(module.main, ["wrong"], catch_exceptions=False)
