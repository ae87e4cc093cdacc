"""The gateway as its own process, as `condocharge serve` runs it."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx
from click.testing import CliRunner

from gateway.command import serve
from tests.forked import fork
from tests.gateway.house import ENVIRONMENT, PASSWORD

_SERVE = "gateway.command:serve"


@dataclass
class Process:
    """A gateway that answers."""

    process: BaseProcess
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
        if self.process.pid is not None and self.process.is_alive():
            os.kill(self.process.pid, number)
        return self.wait()

    def wait(self, seconds: float = 60) -> int:
        """Its exit code, once it has ended."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, "the gateway has not ended"
        return self.process.exitcode


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
    """A gateway that has said `ready`, forked as `tests.forked` says; killed at the end where it has not been
    stopped. `program` is a function of a list of words."""
    with tempfile.TemporaryDirectory() as place:
        errors = Path(place) / "errors"
        child, output = fork(program, [], errors, environment(directory, settings))
        process = Process(child)
        try:
            with output:
                for line in output:
                    process.lines.append(line)
                    if line.startswith("gRPC"):
                        break
                else:
                    raise AssertionError(errors.read_text())
                yield process
        finally:
            child.kill()
            child.join()


def refused(directory: Path, settings: Mapping[str, str] | None = None) -> str:
    """What a gateway that cannot start says on its error output; it exits with 1 and prints no `ready`."""
    result = CliRunner().invoke(serve, env=environment(directory, settings))
    assert result.exit_code == 1 and "ready" not in result.stdout, result
    assert isinstance(result.exception, SystemExit), result.exception
    return result.stderr
