"""The docker-compose file: the committed one is the generated one, and it runs what `up` runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

from gateway.settings import PREFIX, load
from network.federation.compose import PLACE, compose
from network.federation.nodes import Programs, processes

ROOT = Path(__file__).parents[3]
CODES = ["condo1", "condo2", "condo3", "condo4"]


@pytest.fixture
def document() -> dict[str, Any]:
    """The committed file."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def test_the_committed_file_is_the_generated_one() -> None:
    """Nobody edits it by hand: `condocharge network compose > docker-compose.yml`."""
    assert (ROOT / "docker-compose.yml").read_text() == compose(CODES, "demo")


def test_it_runs_what_the_tool_runs(document: dict[str, Any]) -> None:
    """Commands, environment and folders of each process are those that the supervisor starts."""
    for code in CODES:
        for process in processes(PLACE, Programs("orderer", "peer", "python")):
            name = code if process.name == "orderer" else f"{code}-{process.name}"
            service = document["services"][name]
            assert service["command"] == list(process.command)
            assert service["environment"] == process.environment
            assert service["working_dir"] == str(process.directory)
            assert service["volumes"] == [f"./demo/{code}:{PLACE}"]


def test_its_references_hold(document: dict[str, Any]) -> None:
    """Every service and volume that is named is there, and no port is published twice."""
    services = document["services"]
    ports = []
    for service in services.values():
        for name in service.get("depends_on", []):
            assert name in services
        if "network_mode" in service:
            assert service["network_mode"].removeprefix("service:") in services
            assert "ports" not in service, "a port is published where the network namespace is made"
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source.startswith("./") or source in document["volumes"]
        ports += service.get("ports", [])
    assert len(ports) == len(set(ports)) == len(CODES)


def test_members_have_the_forms_of_the_compose_specification(document: dict[str, Any]) -> None:
    """Only members that the specification has, of the kinds that it gives them."""
    kinds: dict[str, type | tuple[type, ...]] = {
        "image": str,
        "restart": str,
        "working_dir": str,
        "command": list,
        "environment": dict,
        "volumes": list,
        "hostname": str,
        "ports": list,
        "network_mode": str,
        "depends_on": list,
        "healthcheck": dict,
    }
    assert set(document) == {"name", "services", "volumes"}
    for name, service in document["services"].items():
        assert re.fullmatch(r"[a-zA-Z0-9._-]+", name)
        for member, value in service.items():
            assert isinstance(value, kinds[member]), f"{name}.{member}"
        assert all(isinstance(value, str) for value in service["environment"].values())


def test_the_gateways_settings_are_settings(document: dict[str, Any]) -> None:
    """The gateway takes its environment as it stands in the file."""
    for code in CODES:
        environment = document["services"][f"{code}-gateway"]["environment"]
        assert all(name.startswith(PREFIX) for name in environment)
        settings = load(None, environment)
        assert (settings.condominium.code, settings.ledger.kind) == (code, "fabric")
        assert settings.database_url.startswith("postgresql://")
