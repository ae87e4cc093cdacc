"""The docker-compose file: the committed one is the generated one, and it runs what `up` runs."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # its stubs are a package of their own

from chaincode.fabric.settings import read_settings
from gateway import membership
from gateway.clock import SystemClock
from gateway.settings import PREFIX, load
from network.authority import Authority
from network.federation.administration import own_peer
from network.federation.binaries import FABRIC, cache_directory, find_go
from network.federation.channel import orderer_admin
from network.federation.compose import PLACE, compose
from network.federation.crypto import write_msp
from network.federation.description import CERTIFICATES, CHANNEL, Certificates, Federation, Member
from network.federation.folder import Folder, Ports
from network.federation.nodes import Programs, processes, write_settings
from network.federation.package import RULES, Rules, make_package
from network.federation.server import listeners, serve_package

ROOT = Path(__file__).parents[3]
CODES = ["condo1", "condo2", "condo3", "condo4"]
ROOT_KEYS = ("ca/root.key", "tls/root.key")
AUTHORITY_SECRETS = (
    "authority/authority.db",
    "authority/msp/keystore/tls_sk",
    "authority/identities/msp/keystore/identities_sk",
    "authority/registrar/tls/key.pem",
    "authority/registrar/identities/key.pem",
)


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
            assert service["volumes"] == [
                *(f"./demo/{code}/{path}:{PLACE}/{path}:ro" for path in process.reads),
                *(f"./demo/{code}/{path}:{PLACE}/{path}" for path in process.writes),
            ]


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


@pytest.fixture
def whole(tmp_path: Path) -> Folder:
    """All that condo1's folder can hold: both kinds of authorities' secrets, settings and identities."""
    folder = Folder.create(tmp_path / "condo1", "condo1", Ports.block(21000))
    authority = Authority.create("condo1")
    root = authority.root.decode()
    member = Member("condo1", "condo1", folder.ports.peer, folder.ports.orderer, 1, root, root, root, root)
    Federation(CHANNEL, "raft").with_member(member).save(folder.path / "federation.json")
    folder.genesis.write_bytes(b"the first block")
    for place in ("admin", "users/gateway", "users/auditor"):
        (folder.path / place).mkdir()
        role = PurePosixPath(place).name
        authority.issue(role, role).save(
            folder.path / place / "certificate.pem", folder.path / place / "key.pem"
        )
    for place in ("peer/tls", "orderer/tls", "chaincode/tls", "chaincode/client"):
        (folder.path / place).mkdir()
        tls = authority.issue(place, "gateway")
        tls.save(folder.path / place / "certificate.pem", folder.path / place / "key.pem")
        (folder.path / place / "root.pem").write_text(root)
    for node in ("peer", "orderer"):
        write_msp(folder.path / node / "msp", authority.root, authority.root)
        (folder.path / node / "msp/keystore").mkdir()
        (folder.path / node / "msp/keystore/key.pem").write_text("a node's key")
        (folder.path / node / "data").mkdir()
    for secret in (*ROOT_KEYS, *AUTHORITY_SECRETS):
        (folder.path / secret).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / secret).write_text("a secret")
    for place in ("ca", "tls"):
        (folder.path / place / "root.pem").write_text(root)
    serve_package(folder, make_package(member.namespace, RULES), RULES.dispatch)
    write_settings(folder, place=PLACE)
    return folder


def mounts(service: dict[str, Any]) -> Iterator[tuple[PurePosixPath, bool]]:
    """What of condo1's folder a service is given, relative to it, and whether it may write there.

    Each is where the settings files look for it."""
    for volume in service["volumes"]:
        source, target, *mode = volume.split(":")
        if source.startswith("./"):
            path = PurePosixPath(source).relative_to("demo/condo1")
            assert PLACE / path == PurePosixPath(target)
            yield path, mode != ["ro"]


def seen(service: dict[str, Any], folder: Folder) -> set[str]:
    """The files of the folder that a service can read, relative to it."""
    found: set[str] = set()
    for path, _ in mounts(service):
        place = folder.path / path
        assert place.exists(), f"{path} is mounted and not there"
        files = [place] if place.is_file() else [each for each in place.rglob("*") if each.is_file()]
        found |= {str(file.relative_to(folder.path)) for file in files}
    return found


def given(service: dict[str, Any], folder: Folder, place: Path) -> Folder:
    """A folder that holds what a service is given and nothing else."""
    for name in seen(service, folder):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder.path / name, place / name)
    return Folder.open(place)


@pytest.mark.parametrize("certificates", CERTIFICATES)
def test_only_the_authority_sees_a_roots_key(certificates: Certificates, whole: Folder) -> None:
    """Who breaks into a container that others reach can certify nobody, nor sign as another machine."""
    services = yaml.safe_load(compose(["condo1"], "demo", certificates))["services"]
    readers: dict[str, set[str]] = {}
    for name, service in services.items():
        for file in seen(service, whole):
            readers.setdefault(file, set()).add(name.removeprefix("condo1").removeprefix("-") or "orderer")
    for key in ROOT_KEYS:
        assert key not in readers
    for secret in AUTHORITY_SECRETS:
        assert readers.get(secret, set()) == ({"authority"} if certificates == "ca" else set())
    # The gateway registers and amends the condominium as its administrator; setup approves the rules.
    assert readers["admin/key.pem"] == {"gateway", "setup"}
    assert readers["users/gateway/key.pem"] == {"gateway"}
    assert "users/auditor/key.pem" not in readers
    assert readers["peer/msp/keystore/key.pem"] == readers["peer/tls/key.pem"] == {"peer"}
    assert readers["orderer/msp/keystore/key.pem"] == {"orderer"}
    assert readers["orderer/tls/key.pem"] == {"orderer", "setup"}
    assert readers["chaincode/tls/key.pem"] == {"chaincode", "setup"}


@pytest.mark.parametrize("certificates", CERTIFICATES)
def test_containers_write_their_own_state_alone(certificates: Certificates) -> None:
    """Settings, keys and certificates are read-only for who runs by them; no part is writable for two."""
    services = yaml.safe_load(compose(["condo1"], "demo", certificates))["services"]
    writable = {
        name: [str(path) for path, writes in mounts(service) if writes] for name, service in services.items()
    }
    assert {name: paths for name, paths in writable.items() if paths} == {
        "condo1": ["orderer/data"],
        "condo1-peer": ["peer/data"],
        "condo1-setup": ["chaincode"],
    } | ({"condo1-authority": ["authority"]} if certificates == "ca" else {})


def texts(value: Any) -> Iterator[str]:
    """Every text in a settings file's value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def named(service: dict[str, Any], folder: Folder) -> set[PurePosixPath]:
    """The paths in a process's command, its environment and the settings file that it reads."""
    environment = dict(service["environment"])
    found = [*service["command"]]
    if "FABRIC_CFG_PATH" in environment:  # a folder, in which the program looks for the one file
        place = PurePosixPath(environment.pop("FABRIC_CFG_PATH"))
        file = place / {"orderer": "orderer.yaml", "peer": "core.yaml"}[service["command"][0]]
        settings = json.loads((folder.path / file.relative_to(PLACE)).read_text())
        found += [str(file), *texts(settings)]
    elif str(PLACE / "chaincode/settings.json") in found:
        tls = read_settings(folder.chaincode / "settings.json").tls
        assert tls is not None
        files = (tls.certificate, tls.key, tls.client_authority)
        found += [str(PLACE / each.relative_to(folder.path)) for each in files]
    found += environment.values()
    return {PurePosixPath(text) for text in found if text.startswith(f"{PLACE}/")}


@pytest.mark.parametrize("process", ["orderer", "peer", "chaincode", "authority"])
def test_what_the_settings_name_is_mounted_and_no_more(process: str, whole: Folder) -> None:
    """Each path in its settings is in one mount, writable where it keeps data; no mount goes unnamed."""
    services = yaml.safe_load(compose(["condo1"], "demo", "ca"))["services"]
    service = services["condo1" if process == "orderer" else f"condo1-{process}"]
    given_to_it = {PLACE / path: writes for path, writes in mounts(service)}
    used = set()
    for path in named(service, whole):
        (mount,) = (each for each in given_to_it if path.is_relative_to(each))
        assert given_to_it[mount] == ("data" in path.parts or process == "authority"), path
        used.add(mount)
    assert used == set(given_to_it)


async def test_the_gateway_joins_with_what_it_is_given(whole: Folder, tmp_path: Path) -> None:
    """Its identities, its own peer and the members, from the mounted files alone."""
    service = yaml.safe_load(compose(["condo1"], "demo"))["services"]["condo1-gateway"]
    folder = given(service, whole, tmp_path / "given")
    environment = service["environment"] | {"CONDOCHARGE_LEDGER_FOLDER": str(folder.path)}
    joined = await membership.join(load(None, environment), SystemClock())
    try:
        assert (joined.members, joined.root) == (("condo1",), (whole.path / "ca/root.pem").read_bytes())
    finally:
        await joined.close()


def test_setup_has_what_it_acts_with(whole: Folder, tmp_path: Path) -> None:
    """The administrator, both nodes' addresses and roots, the first block; and it can serve newer rules."""
    service = yaml.safe_load(compose(["condo1"], "demo"))["services"]["condo1-setup"]
    assert service["command"] == ["condocharge", "network", "up", "--external", str(PLACE)]
    folder = given(service, whole, tmp_path / "given")
    assert (folder.admin().role, folder.genesis.read_bytes()) == ("admin", b"the first block")
    assert own_peer(folder) == own_peer(whole)
    orderer_admin(folder).close()
    newer = make_package(folder.member.namespace, Rules(f"{RULES.version}.1", RULES.dispatch))
    serve_package(folder, newer, RULES.dispatch)
    assert [each.package for each in listeners(folder)][1:] == [newer.id]


def test_the_gateway_waits_for_setup(document: dict[str, Any]) -> None:
    """Setup is tried until it has ended well, and is not run again; a gateway that restarts needs it not."""
    for code in CODES:
        services = document["services"]
        awaited = services[f"{code}-gateway"]["depends_on"][f"{code}-setup"]
        assert awaited == {"condition": "service_completed_successfully"}
        assert services[f"{code}-setup"]["restart"] == "on-failure"
