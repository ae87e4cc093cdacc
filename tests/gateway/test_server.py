"""`condocharge serve`: ready, stopped, killed, started again, and told off."""

from __future__ import annotations

import shutil
import signal
import socket
import sqlite3
import threading
from pathlib import Path

import httpx
import pytest

from tests.gateway.process import Process, refused, serving

pytestmark = pytest.mark.slow
GROUP = {"code": "garage", "name": "Garage", "maximum_load": 11_000}


def _as_admin(process: Process, token: str) -> httpx.Client:
    return httpx.Client(base_url=process.url, headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_ready_answers_and_stops(tmp_path: Path, number: int) -> None:
    """Both signals end it with code 0, and its port is free at once."""
    with serving(tmp_path) as process:
        assert "ready\n" in process.lines
        assert httpx.get(f"{process.url}/v1/condominium").json()["code"] == "riverside"
        url = process.url
        assert process.stop(number) == 0
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", httpx.URL(url).port or 0))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path, number: int) -> None:
    """Accounts, groups, units on the ledger and the audit log, also after a kill; no new invitation."""
    with serving(tmp_path) as first:
        token = first.admin()
        with _as_admin(first, token) as admin:
            assert admin.post("/v1/groups", json=GROUP).status_code == 201
            head = admin.get("/v1/audit-log/head").json()
        first.stop(number)
    with serving(tmp_path) as second:
        assert not any("#" in line for line in second.lines)
        with _as_admin(second, token) as admin:
            assert admin.get("/v1/groups").json()["groups"][0]["code"] == "garage"
            assert admin.get("/v1/audit-log/head", params=head).status_code == 200
        second.login()


def test_open_streams_and_held_answers_do_not_hold_it_up(tmp_path: Path) -> None:
    """A browser that listens hears the end of the stream, and the gateway exits."""
    with serving(tmp_path) as process:
        token = process.admin()
        begun = threading.Event()
        ended: list[bool] = []

        def listen() -> None:
            with _as_admin(process, token) as admin, admin.stream("GET", "/v1/events", timeout=60) as stream:
                begun.set()
                for _ in stream.iter_bytes():
                    continue
                ended.append(True)

        listener = threading.Thread(target=listen)
        listener.start()
        assert begun.wait(30)
        assert process.stop() == 0
        listener.join(30)
        assert ended == [True]


def test_a_taken_port_is_a_sentence(tmp_path: Path) -> None:
    """It names the port and the setting, and nothing was made for it."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        said = refused(tmp_path / "state", {"CONDOCHARGE_HTTP_PORT": port})
    assert f"cannot listen on 127.0.0.1, port {port}" in said and "set http.port to another" in said
    assert not (tmp_path / "state").exists()


def test_a_second_gateway_in_one_directory_is_a_sentence(tmp_path: Path) -> None:
    """The first one goes on undisturbed."""
    with serving(tmp_path) as process:
        said = refused(tmp_path)
        assert str(tmp_path) in said
        assert httpx.get(f"{process.url}/v1/condominium").status_code == 200


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"CONDOCHARGE_CONDOMINIUM_CODE": "X"}, "condominium.code: has 3 to 16"),
        ({"CONDOCHARGE_DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "127.0.0.1:1/x does not answer; check"),
        ({"CONDOCHARGE_HTTP_HOST": "not a host"}, "http.host: not a host is not an address"),
        ({"CONDOCHARGE_HTTP_HOST": "192.0.2.1"}, "cannot listen on 192.0.2.1"),
        (
            {"CONDOCHARGE_HTTP_CERTIFICATE": "gone.pem", "CONDOCHARGE_HTTP_KEY": "gone.key"},
            "http.certificate and http.key cannot be used",
        ),
        ({"CONDOCHARGE_LEDGER_KIND": "fabric", "CONDOCHARGE_LEDGER_FOLDER": "gone"}, "ledger.folder: "),
    ],
    ids=["code", "database", "host", "address", "certificate", "folder"],
)
def test_what_cannot_be_used_is_a_sentence(tmp_path: Path, settings: dict[str, str], sentence: str) -> None:
    """Whatever it is, the sentence names it."""
    said = refused(tmp_path, settings)
    assert sentence in said


@pytest.fixture
def directory(founded: Path, tmp_path: Path) -> Path:
    """The directory of a gateway that ran before."""
    copy = tmp_path / "state"
    shutil.copytree(founded, copy)
    return copy


def test_another_condominiums_directory_is_a_sentence(directory: Path) -> None:
    """Its keys are named, and nothing of it is touched."""
    said = refused(directory, {"CONDOCHARGE_CONDOMINIUM_CODE": "hillside"})
    assert "condominium.code: is riverside" in said


def test_a_lost_database_is_not_replaced_in_silence(directory: Path) -> None:
    """Without the signing key units would obey nothing: the start says what to restore."""
    (directory / "gateway.sqlite").unlink()
    assert "another signing key than this gateway has; restore" in refused(directory)


def test_a_damaged_ledger_is_a_sentence(directory: Path) -> None:
    """The block that is wrong is named."""
    with sqlite3.connect(directory / "ledger.sqlite") as connection:
        connection.execute("UPDATE block SET header = zeroblob(length(header))")
    assert "block 0 of" in refused(directory)
