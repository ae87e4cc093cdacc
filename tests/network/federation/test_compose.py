"""The docker-compose file: the committed one is the generated one, and it runs what `up` runs."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # its stubs are a package of their own

from gateway.settings import PREFIX, load
from network.federation.binaries import FABRIC, cache_directory, find_go
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


def test_with_authorities_each_condominium_runs_its_own() -> None:
    """The server that made its keys, in its own network namespace and nobody else's; the rest is the same."""
    plain = yaml.safe_load(compose(CODES, "demo"))["services"]
    text = compose(CODES, "demo", "ca")
    services = yaml.safe_load(text)["services"]
    assert "--containers --certificates ca\n" in text
    for code in CODES:
        service = services.pop(f"{code}-authority")
        (process, *_) = processes(PLACE, Programs("orderer", "peer", "python", authority="fabric-ca-server"))
        assert (process.name, service["command"]) == ("authority", list(process.command))
        assert service["working_dir"] == str(PLACE / "authority")
        assert service["network_mode"] == f"service:{code}"
        assert service["image"].startswith("hyperledger/fabric-ca:")
        assert "ports" not in service
    assert services == plain


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
    assert len(ports) == len(set(ports)) == 3 * len(CODES)


@pytest.fixture(scope="module")
def specification() -> Draft7Validator:
    """The Compose specification's own schema, from the pinned Go module that Docker's own tool uses."""
    go = find_go(FABRIC, cache_directory(os.environ), lambda *_step: None)
    run = subprocess.run(
        [go, "mod", "download", "-json", "github.com/compose-spec/compose-go/v2"],
        cwd=Path(__file__).parent / "compose",
        env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=True,
    )
    module = Path(json.loads(run.stdout)["Dir"])
    return Draft7Validator(json.loads((module / "schema/compose-spec.json").read_text()))


@pytest.mark.fabric
@pytest.mark.slow
def test_it_is_valid_under_the_compose_specification(
    document: dict[str, Any], specification: Draft7Validator
) -> None:
    """No member that the specification lacks, and none of another kind."""
    assert list(specification.iter_errors(document)) == []
    with_authorities = yaml.safe_load(compose(CODES, "demo", "ca"))
    assert list(specification.iter_errors(with_authorities)) == []
    for member, value in (("volume", []), ("command", 7), ("network_mode", ["host"]), ("depends_on", "x")):
        altered = copy.deepcopy(document)
        altered["services"]["condo1-peer"][member] = value
        assert not specification.is_valid(altered), member


def test_the_gateways_settings_are_settings(document: dict[str, Any]) -> None:
    """The gateway takes its environment as it stands in the file."""
    for code in CODES:
        environment = document["services"][f"{code}-gateway"]["environment"]
        assert all(name.startswith(PREFIX) for name in environment)
        settings = load(None, environment)
        assert (settings.condominium.code, settings.ledger.kind) == (code, "fabric")
        assert settings.database_url.startswith("postgresql://")


def test_what_browsers_and_units_are_told_is_published(document: dict[str, Any]) -> None:
    """Logging in is refused from another origin than the gateway's own, and 0.0.0.0 is nobody's address."""
    for code in CODES:
        settings = load(None, document["services"][f"{code}-gateway"]["environment"])
        own = (settings.http.port, settings.grpc.port, settings.pages.wallet_port)
        assert document["services"][code]["ports"] == [f"{port}:{port}" for port in own]
        assert settings.origin == f"http://localhost:{settings.http.port}"
        assert settings.pages.wallet_url == f"http://localhost:{settings.pages.wallet_port}"
        assert settings.units.server == "${UNITS_SERVER:-localhost}"
        # Docker passes on what arrives at the container's address, not at its loopback.
        assert settings.http.host == settings.grpc.host == "0.0.0.0"


def test_its_head_says_how_it_was_made() -> None:
    """With as many condominiums, in the folder that it mounts."""
    head = compose(["condo1", "condo2"], "trial")
    assert "2 condominiums" in head
    assert "network create trial --condominiums 2 --containers" in head
