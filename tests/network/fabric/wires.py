"""The network between condominiums, as one place where a machine can be cut off.

Every peer and orderer is known to the others under a port of this relay, which passes connections on to where
it really listens. A cut passes nothing more in either direction, on old and on new connections, and closes
none of them: as where a router dies, each side only hears nothing. Who dials is found out by the
process that holds the dialling socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

_CHUNK = 65_536
_ESTABLISHED = "01"


@dataclass(eq=False)
class _Wire:
    """One connection: who holds its ends."""

    dialled: str
    dialler: str | None
    open: asyncio.Event = field(default_factory=asyncio.Event)


class Wires:
    """Relays for named machines; runs in a thread of its own until it is closed."""

    def __init__(self, machines: Callable[[], dict[int, str]]) -> None:
        """`machines` tells whose each process id is, now."""
        self._machines = machines
        self._cut: set[str] = set()
        self._wires: set[_Wire] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def relay(self, machine: str, listening: int) -> int:
        """A port under which others reach what `machine` serves on port `listening`."""
        return asyncio.run_coroutine_threadsafe(self._relay(machine, listening), self._loop).result()

    def cut(self, machines: Iterable[str]) -> None:
        """Nothing passes to or from `machines` any more."""
        self._change(lambda: self._cut.update(machines))

    def heal(self) -> None:
        """Everything passes again; what was on its way arrives now."""
        self._change(self._cut.clear)

    def close(self) -> None:
        """End all relays."""
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._loop.call_soon(self._loop.stop)

    def _change(self, change: Callable[[], object]) -> None:
        done = threading.Event()

        def apply() -> None:
            change()
            for wire in self._wires:
                self._set(wire)
            done.set()

        self._loop.call_soon_threadsafe(apply)
        done.wait()

    def _set(self, wire: _Wire) -> None:
        if self._cut & {wire.dialled, wire.dialler}:
            wire.open.clear()
        else:
            wire.open.set()

    async def _relay(self, machine: str, listening: int) -> int:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._carry(machine, listening, reader, writer)
            writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _carry(
        self, machine: str, listening: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        inode = _inode(writer.get_extra_info("peername")[1])
        wire = _Wire(machine, _holder(inode, self._machines()))
        self._wires.add(wire)
        self._set(wire)
        try:
            await wire.open.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", listening)
            try:
                await asyncio.gather(_pass(wire, reader, far_writer), _pass(wire, far_reader, writer))
            finally:
                far_writer.close()
        finally:
            self._wires.discard(wire)


async def _pass(wire: _Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while content := await reader.read(_CHUNK):
        await wire.open.wait()
        writer.write(content)
        await writer.drain()
    await wire.open.wait()
    writer.close()


def _inode(port: int) -> str:
    """The socket that dials from `port` of this machine."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == _ESTABLISHED:
            return f"socket:[{fields[9]}]"
    return ""


def _holder(inode: str, machines: dict[int, str]) -> str | None:
    """The machine whose process holds the socket."""
    for number, machine in machines.items():
        for descriptor in Path(f"/proc/{number}/fd").glob("*"):
            with contextlib.suppress(OSError):
                if str(descriptor.readlink()) == inode:
                    return machine
    return None
