"""What is behind the module's antenna: streams, datagrams and names, in memory or through real sockets."""

from __future__ import annotations

import socket
from typing import Protocol


class Peer(Protocol):
    """The other end of a stream."""

    def take(self, content: bytes) -> None:
        """What the board sent."""

    def give(self) -> bytes:
        """What it is answered, as far as that has come."""

    def over(self) -> bool:
        """Whether the other end has closed, and `give` has given all."""


class Network(Protocol):
    """What a module that has joined can reach."""

    def resolve(self, host: str) -> str | None:
        """The dotted address of a name or dotted address, None where nobody knows it."""

    def connect(self, address: str, port: int) -> Peer | None:
        """The other end of a new stream, None where nobody takes it."""

    def datagram(self, address: str, port: int, content: bytes) -> list[tuple[str, int, bytes]]:
        """The datagrams that come back: sender's address and port, content."""


class SocketPeer:
    """`Peer` over a connected socket."""

    def __init__(self, stream: socket.socket) -> None:
        stream.setblocking(False)
        self._stream = stream
        self._over = False

    def take(self, content: bytes) -> None:
        """Send, all at once: what a board sends fits in any socket's buffer."""
        try:
            self._stream.sendall(content)
        except OSError:
            self._close()

    def give(self) -> bytes:
        """What has come."""
        if self._over:
            return b""
        try:
            content = self._stream.recv(4096)
        except BlockingIOError:
            return b""
        except OSError:
            content = b""
        if not content:
            self._close()
        return content

    def over(self) -> bool:
        """Whether the socket is closed."""
        return self._over

    def _close(self) -> None:
        self._over = True
        self._stream.close()


class Loopback:
    """`Network` of this computer: whatever address a board asks for, it reaches the loopback's port."""

    def resolve(self, host: str) -> str | None:
        """Every name is this computer's."""
        return "127.0.0.1"

    def connect(self, address: str, port: int) -> Peer | None:
        """A socket to the port, None where nothing listens."""
        try:
            return SocketPeer(socket.create_connection(("127.0.0.1", port), timeout=5))
        except OSError:
            return None

    def datagram(self, address: str, port: int, content: bytes) -> list[tuple[str, int, bytes]]:
        """Nobody answers."""
        return []
