"""A private PostgreSQL server for a test session."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text


@dataclass(frozen=True)
class Cluster:
    """A private PostgreSQL server, reached through a Unix socket alone."""

    socket: Path
    binaries: Path
    data: Path
    user: str

    def url(self, name: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://{self.user}@/{name}?host={self.socket}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-c listen_addresses='' -k {self.socket} -c fsync=off -c max_connections=60"
        self._control("-l", str(self.socket / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop the server at once, as a power cut would."""
        self._control("-m", "immediate", "stop")

    def _control(self, *arguments: str) -> None:
        _as_owner([str(self.binaries / "pg_ctl"), "-D", str(self.data), "-w", *arguments])

    def create(self, name: str) -> str:
        """Make a database, empty; returns its URL."""
        with create_engine(
            self.url("postgres").replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
        ).connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        return self.url(name)


def find_binaries() -> Path | None:
    found = shutil.which("pg_ctl")
    if found is not None:
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    return debian[-1].parent if debian else None


def _as_owner(command: list[str]) -> None:
    # PostgreSQL refuses to run as root.
    owner = "postgres" if os.getuid() == 0 else None
    # The server inherits its standard streams; a pipe would be waited for as long as it runs.
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=owner, group=owner, timeout=60)


@contextmanager
def running(binaries: Path) -> Iterator[Cluster]:
    """A server that exists while the block runs; its data and socket are gone afterwards."""
    # A Unix socket's path has at most 107 bytes, and pytest's directories may not be entered by others.
    directory = Path(tempfile.mkdtemp(prefix="condocharge-postgresql-"))
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    try:
        if os.getuid() == 0:
            shutil.chown(directory, user, user)
        data = directory / "data"
        _as_owner([str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-E", "UTF8", "--no-sync"])
        cluster = Cluster(directory, binaries, data, user)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(directory)
