"""Ports are looked at before anything is started, and what is taken is named with what to do."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from network.command import network as command
from network.federation.binaries import Binaries
from network.federation.description import CHANNEL, Federation, FederationError, Member
from network.federation.folder import LOCAL_ADDRESS, PORTS_PER_CONDOMINIUM, Folder, Ports
from network.federation.join import join
from network.federation.listening import Place, check_free, check_startable, places, places_of
from network.federation.network import up
from network.federation.package import RULES
from tests.federation import free_ports


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A condominium's folder with free ports, without keys."""
    made = Folder.create(tmp_path / "aurora", "aurora", Ports.block(free_ports(PORTS_PER_CONDOMINIUM)))
    member = Member("aurora", LOCAL_ADDRESS, made.ports.peer, made.ports.orderer, 1, "", "", "", "")
    Federation(CHANNEL, "raft", (member,)).save(made.path / "federation.json")
    return made


@pytest.fixture
def taken(folder: Folder) -> Iterator[int]:
    """The port of the orderer's administration, where somebody else listens."""
    with socket.create_server((LOCAL_ADDRESS, folder.ports.orderer_admin)) as listener:
        yield listener.getsockname()[1]


def quiet(_step: str) -> None:
    """Say nothing."""


def test_free_ports_are_no_hindrance(folder: Folder) -> None:
    """Every port of the folder's own, each once, but for the authority's, which it has not."""
    ports = [place.port for place in places_of(folder)]
    assert sorted(ports) == sorted(set(asdict(folder.ports).values()) - {folder.ports.authority})
    check_startable([folder])


@pytest.mark.usefixtures("taken")
@pytest.mark.parametrize("how", ["up", "join"])
def test_nothing_is_started_where_a_port_is_taken(how: str, folder: Folder) -> None:
    """The port, whose it is and what to do; no setting was written and no supervisor was started."""
    none = Binaries(folder.path / "nowhere")
    with pytest.raises(FederationError) as caught:
        if how == "up":
            asyncio.run(up(folder.path, none, RULES, quiet))
        else:
            asyncio.run(join(folder, none, RULES, quiet, patience=0))
    assert f"port {folder.ports.orderer_admin} (orderer of aurora): in use" in str(caught.value)
    assert "condocharge network down" in str(caught.value)
    assert not (folder.path / "orderer/orderer.yaml").exists()
    assert not list((folder.path / "run").iterdir())


def test_all_that_is_taken_is_named_at_once(folder: Folder, taken: int) -> None:
    """So that nobody frees one port to be told of the next."""
    with (
        socket.create_server((LOCAL_ADDRESS, folder.ports.chaincode)),
        pytest.raises(FederationError) as caught,
    ):
        check_startable([folder])
    first, second = f"{taken} (orderer of aurora)", f"{folder.ports.chaincode} (chaincode of aurora)"
    assert f"ports {first}, {second}: in use" in str(caught.value)


def test_a_processes_own_ports_are_its_own(folder: Folder, taken: int) -> None:
    """What runs already listens there, and is not started again."""
    stat = Path("/proc/self/stat")
    number, started = stat.read_text().split()[0], stat.read_text().rpartition(")")[2].split()[19]
    folder.process_file("orderer").write_text(f"{number} {started}\n")
    assert taken not in [place.port for place in places_of(folder)]
    check_startable([folder])


def test_others_reach_it_on_every_interface(folder: Folder) -> None:
    """Where its host is a name that others use, peer and orderer listen everywhere, the rest at home."""
    found = places("aurora", "aurora.example", folder.ports, [1], authority=True)
    public = {place.port for place in found if place.address == "0.0.0.0"}
    assert public == {folder.ports.peer, folder.ports.orderer}
    assert folder.ports.authority in {place.port for place in found}


def test_create_makes_nothing_where_a_port_is_taken(tmp_path: Path) -> None:
    """Another network there is the usual reason; the sentence says how to have both."""
    first = free_ports(2 * PORTS_PER_CONDOMINIUM)
    peer = Ports.block(first + PORTS_PER_CONDOMINIUM).peer
    target = tmp_path / "demo"
    words = ["create", str(target), "--condominiums", "2", "--first-port", str(first)]
    with socket.create_server((LOCAL_ADDRESS, peer)):
        typed = CliRunner().invoke(command, words)
    assert typed.exit_code == 1
    assert f"port {peer} (peer of condo2): in use" in typed.output
    assert "--first-port" in typed.output
    assert not target.exists()


@pytest.mark.parametrize(("first", "count"), [("65530", "1"), ("65490", "2"), ("0", "1")])
def test_create_wants_room_for_every_port(first: str, count: str, tmp_path: Path) -> None:
    """Beyond the last port there is nothing to listen on, for the first condominium or a later one."""
    target = tmp_path / "demo"
    words = ["create", str(target), "--condominiums", count, "--ordering", "raft", "--first-port", first]
    typed = CliRunner().invoke(command, words)
    assert typed.exit_code != 0
    assert not isinstance(typed.exception, OverflowError)
    assert "--first-port" in typed.output
    assert "65496" in typed.output
    assert not target.exists()


def test_join_wants_room_for_every_port(folder: Folder, tmp_path: Path) -> None:
    """Where the port is given, and where it would be the one after the members'."""
    known = folder.path / "federation.json"
    words = ["join", str(tmp_path / "elm"), "--code", "elm", "--federation", str(known)]
    typed = CliRunner().invoke(command, [*words, "--first-port", "65530"])
    assert "is not in the range 1<=x<=65496" in typed.output
    member = Member("aurora", LOCAL_ADDRESS, 65480, 65483, 1, "", "", "", "")
    Federation(CHANNEL, "raft", (member,)).save(known)
    typed = CliRunner().invoke(command, words)
    assert typed.exit_code == 1
    assert "first port: 65520 leaves no room" in typed.output
    assert not (tmp_path / "elm").exists()


def test_what_is_in_the_way_is_told_in_the_systems_words(folder: Folder) -> None:
    """A port that only the system's owner may have, an address of another machine: nobody else's program."""
    away = Place("aurora", "peer", "192.0.2.1", folder.ports.peer)
    with pytest.raises(FederationError) as caught:
        check_free([away], "Do this.")
    words = os.strerror(errno.EADDRNOTAVAIL)
    assert str(caught.value) == f"port {folder.ports.peer} (peer of aurora): {words}. Do this."


def test_a_port_of_the_systems_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below 1024 a process needs a right that this one has not."""

    def bind(_probe: socket.socket, _address: tuple[str, int]) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket.socket, "bind", bind)
    assert Place("aurora", "peer", LOCAL_ADDRESS, 443).obstacle() == "Permission denied"


def test_ports_are_asked_of_the_folder_that_has_them(folder: Folder) -> None:
    """Each package of the chaincode server listens on a port that the folder's settings name."""
    port = folder.ports.chaincode + 7
    listener = {"package": "p", "namespace": "n", "address": f"{LOCAL_ADDRESS}:{port}"}
    (folder.chaincode / "settings.json").write_text(json.dumps({"listeners": [listener]}))
    assert port in [place.port for place in places_of(folder)]
    assert folder.ports.chaincode not in [place.port for place in places_of(folder)]
