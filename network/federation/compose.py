"""A docker-compose file that runs in containers what `up` runs as processes.

Both come from `network.federation.nodes`: the same settings with the container's paths, the same commands and
environment. The containers of one condominium share one network namespace, as its processes share one
machine, so its host name is its code and the rest is on loopback.

They do not share its folder: each sees what its process names and no more, so who breaks into one that others
reach holds that one's keys. No container sees a root's key but the authority's, which has its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from network.federation.description import Certificates
from network.federation.nodes import Process, Programs, processes

PLACE = PurePosixPath("/condominium")
"""Where a condominium's folder would be: the parts of it that a container needs are mounted below."""
FABRIC_IMAGES = {
    "orderer": "hyperledger/fabric-orderer:3.1",
    "peer": "hyperledger/fabric-peer:3.1",
    "authority": "hyperledger/fabric-ca:1.5",
}
OWN_IMAGE = "condocharge"
DATABASE_IMAGE = "postgres:17"
_FIRST_PUBLISHED_PORT = 8080
_PORTS_EACH = 10
"""How far the condominiums' ports lie apart: REST and console, gRPC, the wallet, and room."""
_HOST = "localhost"
"""Where browsers on the machine find the published ports; others need HTTPS, so a proxy of their own."""
_AUTHORITY = "fabric-ca-server"
_MEMBER = ("local.json", "federation.json", "tls/root.pem", "admin")
"""What acts for the condominium at its own peer: who it is, how that peer is known, the administrator."""
SETUP_READS = (*_MEMBER, "genesis.block", "orderer/tls")
"""What `network up --external` reads; the orderer's administration takes the orderer's certificate."""
SETUP_WRITES = ("chaincode",)
"""What it may write: the chaincode server's settings, where the rules are newer than the folder."""
GATEWAY_READS = (*_MEMBER, "ca/root.pem", "users/gateway")
"""What the gateway reads (`gateway.membership`); as the administrator it registers the condominium."""
_HEADER = """\
# {size} with Fabric's official images, written by `condocharge network compose`.
#
#   docker build --tag condocharge .
#   docker run --rm --volume "$PWD:/work" --workdir /work condocharge \\
#     condocharge network create {directory} --condominiums {count} --containers{options}
#   docker compose up
#
# Units on other machines: UNITS_SERVER=192.0.2.7 docker compose up, with this machine's address.
"""


def compose(codes: Sequence[str], directory: str, certificates: Certificates = "cryptogen") -> str:
    """The file for these condominiums, whose folders are in `directory`, as YAML.

    With `certificates` from `ca` each of them runs the fabric-ca server that made its keys.
    """
    authority = _AUTHORITY if certificates == "ca" else ""
    programs = Programs(orderer="orderer", peer="peer", python="python", authority=authority)
    services: dict[str, Any] = {}
    for number, code in enumerate(codes):
        port = _FIRST_PUBLISHED_PORT + number * _PORTS_EACH
        services |= _condominium(code, f"./{directory}/{code}", port, programs)
    names = [f"{code}-{kind}" for code in codes for kind in ("gateway", "database")]
    document = {"name": "condocharge", "services": services, "volumes": {name: {} for name in names}}
    size = "One condominium" if len(codes) == 1 else f"{len(codes)} condominiums"
    options = " --certificates ca" if authority else ""
    header = _HEADER.format(size=size, directory=directory, count=len(codes), options=options)
    return header + "\n" + "\n".join(_yaml(document)) + "\n"


def _condominium(code: str, folder: str, port: int, programs: Programs) -> dict[str, Any]:
    """Orderer, peer, chaincode server, setup, gateway, database and authority, if any, of one condominium.

    Its REST, gRPC and wallet are at `port` and the two after it, inside as outside: units and browsers are
    told the port that the gateway knows.
    """
    services = {}
    for process in processes(PLACE, programs):
        # The orderer's container is the condominium's host; the others join its network.
        name = code if process.name == "orderer" else f"{code}-{process.name}"
        services[name] = _service(process, folder) | (
            {"hostname": code, "ports": [f"{each}:{each}" for each in range(port, port + 3)]}
            if process.name == "orderer"
            else {"network_mode": f"service:{code}", "depends_on": [code]}
        )
    services[f"{code}-chaincode"]["healthcheck"] = {
        "test": ["CMD", "python", "-m", "chaincode.fabric", "--check", f"{PLACE}/chaincode/settings.json"],
        "interval": "30s",
        "timeout": "10s",
        "start_period": "20s",
    }
    services[f"{code}-setup"] = _setup(code, folder)
    services[f"{code}-gateway"] = _gateway(code, folder, port)
    services[f"{code}-database"] = {
        "image": DATABASE_IMAGE,
        "network_mode": f"service:{code}",
        "depends_on": [code],
        "restart": "unless-stopped",
        "environment": {
            "POSTGRES_USER": "condocharge",
            "POSTGRES_DB": "condocharge",
            # It listens on the condominium's own loopback alone.
            "POSTGRES_HOST_AUTH_METHOD": "trust",
        },
        "command": ["postgres", "-c", "listen_addresses=127.0.0.1"],
        "volumes": [f"{code}-database:/var/lib/postgresql/data"],
    }
    return services


def _service(process: Process, folder: str) -> dict[str, Any]:
    return {
        "image": FABRIC_IMAGES.get(process.name, OWN_IMAGE),
        "restart": "unless-stopped",
        "working_dir": str(process.directory),
        "command": list(process.command),
        "environment": dict(process.environment),
        "volumes": _mounts(folder, process.reads, process.writes),
    }


def _mounts(folder: str, reads: Sequence[str], writes: Sequence[str] = ()) -> list[str]:
    """These parts of the condominium's folder, each where the settings files name it."""
    return [
        *(f"{folder}/{path}:{PLACE}/{path}:ro" for path in reads),
        *(f"{folder}/{path}:{PLACE}/{path}" for path in writes),
    ]


def _setup(code: str, folder: str) -> dict[str, Any]:
    """Joins the channel and defines the namespaces, then ends: it listens to nobody.

    Apart from the gateway, for it holds the orderer's key and writes what the chaincode server reads.
    """
    return {
        "image": OWN_IMAGE,
        "network_mode": f"service:{code}",
        "depends_on": [f"{code}-peer", f"{code}-chaincode"],
        "restart": "on-failure",
        "command": ["condocharge", "network", "up", "--external", str(PLACE)],
        "volumes": _mounts(folder, SETUP_READS, SETUP_WRITES),
    }


def _gateway(code: str, folder: str, port: int) -> dict[str, Any]:
    return {
        "image": OWN_IMAGE,
        "network_mode": f"service:{code}",
        "depends_on": {
            f"{code}-setup": {"condition": "service_completed_successfully"},
            f"{code}-database": {"condition": "service_started"},
        },
        "restart": "unless-stopped",
        "command": ["condocharge", "serve"],
        "environment": {
            "CONDOCHARGE_DIRECTORY": "/gateway",
            "CONDOCHARGE_CONDOMINIUM_CODE": code,
            "CONDOCHARGE_LEDGER_KIND": "fabric",
            "CONDOCHARGE_LEDGER_FOLDER": str(PLACE),
            "CONDOCHARGE_DATABASE_URL": "postgresql://condocharge@127.0.0.1/condocharge",
            "CONDOCHARGE_HTTP_HOST": "0.0.0.0",  # noqa: S104  its container's own
            "CONDOCHARGE_HTTP_PORT": str(port),
            "CONDOCHARGE_HTTP_PUBLIC_URL": f"http://{_HOST}:{port}",
            "CONDOCHARGE_GRPC_HOST": "0.0.0.0",  # noqa: S104  its container's own
            "CONDOCHARGE_GRPC_PORT": str(port + 1),
            "CONDOCHARGE_PAGES_WALLET_PORT": str(port + 2),
            "CONDOCHARGE_PAGES_WALLET_URL": f"http://{_HOST}:{port + 2}",
            "CONDOCHARGE_UNITS_SERVER": f"${{UNITS_SERVER:-{_HOST}}}",
        },
        "volumes": [*_mounts(folder, GATEWAY_READS), f"{code}-gateway:/gateway"],
    }


def _yaml(value: Mapping[str, Any], indent: int = 0) -> Iterator[str]:
    """Mappings and lists in block style; scalars as JSON writes them, which is YAML."""
    space = "  " * indent
    for key, content in value.items():
        if isinstance(content, Mapping) and content:
            yield f"{space}{key}:"
            yield from _yaml(content, indent + 1)
        elif isinstance(content, list):
            yield f"{space}{key}:"
            yield from (f"{space}  - {json.dumps(each)}" for each in content)
        else:
            yield f"{space}{key}: {json.dumps(content)}"
