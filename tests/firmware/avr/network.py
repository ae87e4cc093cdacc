"""What a simulated board is plugged into: DHCP, DNS, time, and a gateway, the tests' or a real one."""

from __future__ import annotations

import socket
from collections.abc import Callable

from tests.firmware.avr.uno import Peer
from tests.firmware.gateway import Gateway

ROUTER = "10.0.0.1"
GATEWAY = "10.0.0.9"
_NTP_EPOCH = 2_208_988_800


def quad(dotted: str) -> bytes:
    return bytes(int(part) for part in dotted.split("."))


class GatewayPeer:
    """One HTTP exchange, answered when the question is whole."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._ask = answer
        self._question = b""
        self._answer = b""
        self._answered = False

    def take(self, content: bytes) -> None:
        self._question += content
        head, separator, body = self._question.partition(b"\r\n\r\n")
        if not separator or self._answered:
            return
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if len(body) >= length:
            self._answer = self._ask(self._question)
            self._answered = True

    def give(self) -> bytes:
        answer, self._answer = self._answer, b""
        return answer

    def over(self) -> bool:
        return self._answered


class Router:
    """What gives a unit its address, names and the time; it leads nowhere."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.address = "10.0.0.77"
        self.lease = 3600
        self.serves_dhcp = True
        self.leases = 0
        self.names = {"gateway.example": GATEWAY, "time.example": ROUTER}
        self.asked_names: list[str] = []
        self.asked_time = 0

    def resolve(self, host: str) -> str | None:
        """The address of a name, as the router's resolver knows it."""
        if host.replace(".", "").isdigit():
            return host
        self.asked_names.append(host)
        return self.names.get(host)

    def connect(self, address: str, port: int) -> Peer | None:
        """Nobody is there."""

    def datagram(self, address: str, port: int, content: bytes) -> list[tuple[str, int, bytes]]:
        if port == 67 and self.serves_dhcp:
            return [(ROUTER, 67, self._dhcp(content))]
        if port == 53 and address == ROUTER:
            return [(ROUTER, 53, self._dns(content))]
        if port == 123 and address == ROUTER:
            self.asked_time += 1
            return [(ROUTER, 123, self._sntp(content))]
        return []

    def _dhcp(self, message: bytes) -> bytes:
        """OFFER to DISCOVER, ACK to REQUEST (RFC 2131)."""
        at, kind = 240, 0
        while message[at] != 255:
            if message[at] == 53:
                kind = message[at + 2]
            at += 2 + message[at + 1]
        answer = {1: 2, 3: 5}[kind]
        self.leases += answer == 5
        head = bytes((2, 1, 6, 0)) + message[4:8] + bytes(8) + quad(self.address) + bytes(8) + message[28:44]
        options = [
            (53, bytes((answer,))), (54, quad(ROUTER)), (51, self.lease.to_bytes(4, "big")),
            (1, quad("255.255.255.0")), (3, quad(ROUTER)), (6, quad(ROUTER)),
        ]  # fmt: skip
        body = b"".join(bytes((code, len(value))) + value for code, value in options)
        return head + bytes(192) + bytes((99, 130, 83, 99)) + body + b"\xff"

    def _dns(self, question: bytes) -> bytes:
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        name = ".".join(labels)
        self.asked_names.append(name)
        if name not in self.names:
            return question[:2] + b"\x81\x83" + question[4:]
        record = b"\xc0\x0c" + bytes((0, 1, 0, 1, 0, 0, 0, 60, 0, 4)) + quad(self.names[name])
        return question[:2] + b"\x81\x80\x00\x01\x00\x01" + bytes(4) + question[12 : at + 5] + record

    def _sntp(self, question: bytes) -> bytes:
        seconds = (int(self.now()) + _NTP_EPOCH) % 2**32
        return (
            bytes((0x24, 2)) + bytes(22) + question[40:48] + bytes(8) + seconds.to_bytes(4, "big") + bytes(4)
        )


class Building(Router):
    """Everything that a unit finds behind its cable, with the tests' gateway."""

    def __init__(self, gateway: Gateway, now: Callable[[], float]) -> None:
        super().__init__(now)
        self.gateway = gateway
        self.server_up = True
        self.spoil: Callable[[bytes], bytes] = lambda answer: answer

    def connect(self, address: str, port: int) -> Peer | None:
        if not self.server_up or (address, port) != (GATEWAY, self.gateway.port):
            return None
        return GatewayPeer(lambda question: self.spoil(self.gateway.answer(question)))


class Bridge(Router):
    """A way out to this computer's own sockets. The unit's time stands still while the other side answers."""

    patience = 60.0

    def connect(self, address: str, port: int) -> Peer | None:
        try:
            stream = socket.create_connection((address, port), self.patience)
        except OSError:
            return None
        return GatewayPeer(lambda question: _exchange(stream, question))


def _exchange(stream: socket.socket, question: bytes) -> bytes:
    """All that is answered until the other side ends the stream."""
    with stream:
        stream.sendall(question)
        answer = b""
        while piece := stream.recv(4096):
            answer += piece
    return answer
