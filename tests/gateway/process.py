"""The gateway as its own process, as `condocharge serve` runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from click.testing import CliRunner

from gateway.command import serve
from tests.gateway.house import ENVIRONMENT, PASSWORD

_SERVE = "from gateway.command import serve; serve(prog_name='condocharge serve')"


@dataclass
class Process:
    """A gateway that answers."""

    popen: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of REST."""
        line = next(line for line in self.lines if line.startswith("REST"))
        return line.split()[1].removesuffix("/docs")

    @property
    def machines(self) -> str:
        """Host and port of gRPC."""
        return next(line for line in self.lines if line.startswith("gRPC")).split()[1]

    @property
    def invitation(self) -> str:
        """The first administrator's token."""
        return next(line for line in self.lines if "#" in line).rsplit("/", 1)[1].strip()

    def admin(self) -> str:
        """Accept the invitation and log in; returns the session's token."""
        with httpx.Client(base_url=self.url) as client:
            body = {"token": self.invitation, "password": PASSWORD}
            assert client.post("/v1/invitations/accept", json=body).is_success
        return self.login()

    def login(self) -> str:
        """The token of a new session of the administrator."""
        body = {"username": "admin", "password": PASSWORD}
        token: str = httpx.post(f"{self.url}/v1/login", json=body).json()["token"]
        return token

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; returns the exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(60)


def environment(directory: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a gateway in `directory`, on ports of the system's choice."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONDOCHARGE_")}
    return {
        **kept,
        **ENVIRONMENT,
        "CONDOCHARGE_DIRECTORY": str(directory),
        "CONDOCHARGE_HTTP_PORT": "0",
        "CONDOCHARGE_GRPC_PORT": "0",
        "CONDOCHARGE_PAGES_FOLDER": str(_pages(directory.with_name(f"{directory.name}-pages"))),
        "CONDOCHARGE_PAGES_WALLET_PORT": "0",
        **(settings or {}),
    }


def _pages(folder: Path) -> Path:
    """Pages enough to be served, so that a gateway starts where the browser's modules were not fetched."""
    for name in ("console", "wallet", "shared", "vendor"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in ("console", "wallet"):
        (folder / name / "index.html").write_text(f"<!doctype html><title>{name}</title>")
    (folder / "vendor.json").write_text("{}")
    return folder


@contextmanager
def serving(
    directory: Path, settings: Mapping[str, str] | None = None, program: str = _SERVE
) -> Iterator[Process]:
    """A gateway that has said `ready`; killed at the end where it has not been stopped."""
    popen = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment(directory, settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process = Process(popen)
    try:
        assert popen.stdout is not None and popen.stderr is not None
        for line in popen.stdout:
            process.lines.append(line)
            if line.startswith("gRPC"):
                break
        else:
            raise AssertionError(popen.stderr.read())
        yield process
    finally:
        popen.kill()
        popen.communicate()


def refused(directory: Path, settings: Mapping[str, str] | None = None) -> str:
    """What a gateway that cannot start says on its error output; it exits with 1 and prints no `ready`."""
    result = CliRunner().invoke(serve, env=environment(directory, settings))
    assert result.exit_code == 1 and "ready" not in result.stdout, result
    assert isinstance(result.exception, SystemExit), result.exception
    return result.stderr
