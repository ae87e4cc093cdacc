"""A gateway that is killed again and again, and comes back on the same ports.

It is `condocharge serve` in a process of its own, forked so that it comes back in half a second.
"""

from __future__ import annotations

import asyncio
import random
import socket
from dataclasses import dataclass, field
from io import TextIOWrapper
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.forked import fork
from tests.gateway.process import environment

LATEST = 1.0
"""Seconds into a start up to which some of the kills come: a start takes about as long."""


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@dataclass
class Victim:
    """A gateway's process, or where one was."""

    directory: Path
    chance: random.Random
    http_port: int = field(default_factory=_free_port)
    grpc_port: int = field(default_factory=_free_port)
    command: str = "gateway.command:serve"
    """The click command that is run, `module:name`."""
    said: str = ""
    """What its first start printed: the invitation is in it."""
    kills: int = 0
    _process: BaseProcess | None = None

    @property
    def url(self) -> str:
        """The address of REST."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def log(self) -> Path:
        """What all its lives wrote to the error output."""
        return self.directory.with_name(f"{self.directory.name}.log")

    @property
    def pid(self) -> int:
        """The process's number, while it lives."""
        assert self._process is not None and self._process.pid is not None
        return self._process.pid

    async def rise(self) -> None:
        """Start, and wait until it answers."""
        output = self._start()
        said = ""
        while "gRPC" not in said:
            line = await asyncio.to_thread(output.readline)
            if not line:
                raise AssertionError(f"the gateway did not start: {said}{self.log.read_text()[-4_000:]}")
            said += line
        output.close()
        self.said = self.said or said

    async def stumble(self) -> None:
        """Start, and be killed before or just after it answers."""
        with self._start():
            await asyncio.sleep(self.chance.uniform(0, LATEST))
            await self.die()

    async def die(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._process.join)
        self._process.close()
        self._process = None
        self.kills += 1

    async def close(self) -> None:
        """Leave no process behind."""
        if self._process is not None:
            await self.die()

    def _start(self) -> TextIOWrapper:
        """Start it; what it prints can be read from the answer."""
        ports = {
            "CONDOCHARGE_HTTP_PORT": str(self.http_port),
            "CONDOCHARGE_GRPC_PORT": str(self.grpc_port),
        }
        self._process, output = fork(self.command, [], self.log, environment(self.directory, ports))
        return output
