"""`condocharge run`: ready, stopped, started again, and told off."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from chaincode.signing.intent import OpenIntent, new_nonce
from client.wallet.gateway import Gateway
from client.wallet.key import WalletKey
from tests.forked import fork

pytestmark = pytest.mark.slow
_RUN = "from demonstration.building.command import run; run(prog_name='condocharge run')"
BOUND = 60
"""Seconds in which it has to end once it was told to, however slow the machine is."""
PATIENCE = 60.0


@dataclass
class Building:
    """A demonstration that has said all that it says at its start."""

    popen: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def address(self, name: str) -> str:
        """What it printed after a name."""
        return next(line for line in self.said if line.startswith(name)).split()[1]

    def stop(self, number: int) -> int:
        """Send a signal and wait; returns the exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(BOUND)


@contextmanager
def living(folder: Path, port: int = 0) -> Iterator[Building]:
    """A building in a process of its own; killed at the end where it has not been stopped."""
    popen = subprocess.Popen(
        [sys.executable, "-c", _RUN, "--folder", str(folder), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    building = Building(popen)
    try:
        assert popen.stdout is not None and popen.stderr is not None
        for line in popen.stdout:
            building.said.append(line)
            if line.startswith("Ctrl-C"):
                break
        else:
            raise AssertionError(popen.stderr.read())
        yield building
    finally:
        popen.kill()
        popen.communicate()


def refused(folder: Path, port: int) -> str:
    """What one that cannot start says; it exits with 1, without `ready` and without a traceback."""
    command = [sys.executable, "-c", _RUN, "--folder", str(folder), "--port", str(port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=BOUND, check=False)
    assert done.returncode == 1 and "ready" not in done.stdout and "Traceback" not in done.stderr, done
    return done.stderr


def three_ports() -> int:
    """The first of three in a row that are free."""
    while True:
        first = random.randrange(20_000, 60_000)
        try:
            for port in range(first, first + 3):
                with socket.socket() as listener:
                    listener.bind(("localhost", port))
        except OSError:
            continue
        return first


@pytest.fixture
def port() -> int:
    """Where nobody listens, nor at the next two."""
    return three_ports()


def test_it_is_ready_at_its_port_and_ends_with_ctrl_c(tmp_path: Path, port: int) -> None:
    """Wallet, console and REST answer where it says; Ctrl-C ends it with code 0."""
    with living(tmp_path, port) as building:
        assert "ready\n" in building.said
        assert building.address("wallet") == f"http://localhost:{port}"
        assert building.address("console") == f"http://localhost:{port + 1}"
        assert "<title>" in httpx.get(building.address("wallet")).text
        assert "<title>" in httpx.get(building.address("console")).text
        assert httpx.get(building.address("REST")).is_success
        assert building.stop(signal.SIGINT) == 0


def _charge(address: str, key: WalletKey) -> str:
    """Buy tokens, wait for the bank, and open a session at socket 3; returns its id."""
    with Gateway(address) as anybody:
        house = anybody.condominium()
    with Gateway(address, network=house.network, key=key) as gateway:
        reference = gateway.buy(1_000).reference
        deadline = time.monotonic() + PATIENCE
        while gateway.purchase(reference).state != "paid":
            assert time.monotonic() < deadline, "the bank does not pay"
            time.sleep(0.2)
        assert house.tariff is not None
        intent = OpenIntent(
            network=house.network,
            wallet=key.wallet.hex(),
            nonce=new_nonce(),
            expires=int(time.time()) + 120,
            condominium=house.code,
            unit=3,
            tariff=house.tariff,
            issuer=house.code,
            amount=400,
            duration=3_600,
        )
        signed = key.sign(intent)
        gateway.submit(signed)
        return signed.id


def test_run_again_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """Blocks, tokens, the session under way and the password are there after SIGTERM, too."""
    key = WalletKey.generate()
    with living(tmp_path) as building:
        session = _charge(building.address("console"), key)
        with Gateway(building.address("console")) as gateway:
            height = gateway.height()
        password = re.findall(r"password (\S+)", "".join(building.said))
        assert building.stop(signal.SIGTERM) == 0
    with living(tmp_path) as again:
        address = again.address("console")
        with Gateway(address, network="condocharge", key=key) as gateway:
            assert gateway.height() >= height
            found, balance = gateway.session(session), gateway.balance()
            assert not found.over
            assert (balance.balance, balance.escrow) == (600, 400)
        assert re.findall(r"password (\S+)", "".join(again.said)) == password
        login = httpx.post(f"{address}/v1/login", json={"username": "admin", "password": password[0]})
        assert login.is_success
        assert again.stop(signal.SIGINT) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_make_run_ends_as_the_terminal_and_as_a_supervisor_end_it(tmp_path: Path, number: int) -> None:
    """Ctrl-C reaches all of the terminal's processes, and SIGTERM make alone, which passes it on; make itself
    waits at SIGINT for what it has started."""
    words = ["make", "-o", "setup", "run", f"BIN={Path(sys.executable).parent}"]
    words.append(f"ARGUMENTS=--folder {tmp_path / 'run'} --port 0")
    root = Path(__file__).parents[3]
    popen = subprocess.Popen(words, cwd=root, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert popen.stdout is not None
        said = next(line for line in popen.stdout if line.startswith("console"))
        if number == signal.SIGINT:
            os.killpg(popen.pid, number)
        else:
            popen.send_signal(number)
        popen.wait(BOUND)
        # Closed by the platform itself, which may outlive make by a moment.
        assert "Traceback" not in popen.stdout.read()
        with pytest.raises(httpx.TransportError):
            httpx.get(said.split()[1])
    finally:
        with suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.communicate()


def test_a_taken_port_is_a_sentence(tmp_path: Path, port: int) -> None:
    """It says which, and what to type instead; nothing was made."""
    with socket.socket() as other:
        other.bind(("localhost", port + 1))
        other.listen()
        said = refused(tmp_path / "run", port)
    assert f"port {port + 1}" in said and "make run PORT=9000" in said
    assert not (tmp_path / "run").exists()


def test_two_in_one_folder_is_a_sentence(tmp_path: Path) -> None:
    """The first one goes on undisturbed."""
    with living(tmp_path) as building:
        said = refused(tmp_path, 0)
        assert "stop that one first" in said and str(building.popen.pid) in said
        assert httpx.get(building.address("REST")).is_success
        assert building.stop(signal.SIGINT) == 0


def test_ctrl_c_ends_it_at_any_moment(tmp_path: Path) -> None:
    """While it is loaded, opened, served or lived in, in the same folder again and again."""
    chance = random.Random(7)
    for moment in [*(chance.uniform(0, 2) for _ in range(6)), *(chance.uniform(2, 8) for _ in range(4))]:
        log = tmp_path / "log"
        words = ["--folder", str(tmp_path / "run"), "--port", "0"]
        process, output = fork("demonstration.building.command:run", words, log)
        with output:
            assert output.readline() == "begun\n"
            time.sleep(moment)
            assert process.pid is not None
            os.kill(process.pid, signal.SIGINT)
            process.join(BOUND)
            ended = process.exitcode
            process.kill()
        assert ended in (0, 1), f"Ctrl-C after {moment:.2f} s: {ended}"
        assert "Traceback" not in log.read_text()
