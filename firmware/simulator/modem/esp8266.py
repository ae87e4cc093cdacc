"""An ESP8266 with Ai-Thinker's AT 1.x or Espressif's AT 2.x, byte by byte on its serial line.

Written from Espressif's "ESP8266 AT Instruction Set" and "ESP-AT User Guide": the commands that the unit's
driver uses, and what a real module does between them: a banner at another speed after reset, echo until it is
told not to, `busy p...` for a command that comes too early, content cut into pieces wherever it likes,
messages about the wireless network at any moment.
"""

from __future__ import annotations

import heapq
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from firmware.simulator.modem.network import Network, Peer

BOOT_BAUD = 115_200
_STATION_LINKS = 5
_TOLERANCE = 0.04
"""By how much the two ends of a line may differ in speed before bytes are not understood."""
_JOIN_SECONDS = 2.5


@dataclass
class Air:
    """The wireless network, and the line to the module: what goes wrong with them."""

    name: str = 'Garage, "level -1"'
    passphrase: str = "back\\slash,comma"  # noqa: S105 - of a network that is not there
    up: bool = True
    garbage: float = 0.0
    """Share of the module's answers before which noise comes on the line."""
    lost: float = 0.0
    """Share of bytes to the unit that the line swallows."""
    busy: float = 0.0
    """Share of commands that are answered `busy p...` and dropped."""
    piece: tuple[int, int] = (1_460, 1_460)
    """Least and most bytes of one `+IPD`."""
    randomness: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - weather


@dataclass
class _Link:
    """One of the module's five connections."""

    address: str
    port: int
    peer: Peer | None = None
    """None for datagrams."""


class Esp8266:
    """One module. `receive` gets the unit's bytes; `step` is called as time passes."""

    def __init__(
        self,
        network: Network,
        air: Air,
        send: Callable[[bytes], None],
        now: Callable[[], float],
        version: int = 2,
    ) -> None:
        """`send` puts bytes on the line at `baud`; `now` is in seconds; `version` is 1 or 2 of AT."""
        self.network = network
        self.air = air
        self.version = version
        self.baud = BOOT_BAUD
        self.resets = 0
        self.joined = False
        self.commands: list[str] = []
        self.address = ""
        self._send = send
        self._now = now
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self.power()

    def power(self) -> None:
        """Begin as after power-on, or after reset was let go."""
        self.resets += 1
        self.baud = BOOT_BAUD
        self.joined = False
        self._echo = True
        self._many = False
        self._line = b""
        self._awaited = 0
        self._content = b""
        self._target = 0
        self._working = False
        self._links: dict[int, _Link] = {}
        self._events.clear()
        self._after(0.3, lambda: self._say("\r\n\x92\xd8l\x7f\x00ets Jan  8 2013\r\n\r\nready\r\n"))

    def receive(self, byte: int, baud: int) -> None:
        """One byte of the unit, sent at `baud`."""
        if abs(baud / self.baud - 1) > _TOLERANCE:
            byte = self.air.randomness.randrange(128, 256)
        if self._awaited:
            self._content += bytes((byte,))
            if len(self._content) == self._awaited:
                self._awaited = 0
                self._after(0.01, self._transmit)
            return
        self._line += bytes((byte,))
        if self._echo and byte < 128:
            self._say(chr(byte))
        if byte == 0x0A:
            line, self._line = self._line.strip(), b""
            if line.isascii() and line:
                self._obey(line.decode())
            elif line or self.version == 1:
                self._say("\r\nERROR\r\n")

    def step(self) -> None:
        """Do what is due by now, and bring what the network has for the unit."""
        while self._events and self._events[0][0] <= self._now():
            heapq.heappop(self._events)[2]()
        if not self.air.up:
            return
        for number, link in list(self._links.items()):
            if link.peer is not None and not self._working and not self._awaited:
                self._bring(number, link.peer)

    def lose_network(self) -> None:
        """The access point goes: every connection with it."""
        self.air.up = False
        self._leave()

    def find_network(self) -> None:
        """It is back, and the module joins by itself."""
        self.air.up = True
        self._after(_JOIN_SECONDS, self._rejoin)

    # --- the line ---------------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self._put(text.encode("latin-1"))

    def _put(self, content: bytes) -> None:
        chance = self.air.randomness
        if chance.random() < self.air.garbage:
            content = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9))) + content
        if self.air.lost:
            content = bytes(byte for byte in content if chance.random() >= self.air.lost)
        self._send(content)

    def _after(self, seconds: float, do: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._events, (self._now() + seconds, self._order, do))

    def _answer(self, seconds: float, text: str, then: Callable[[], None] | None = None) -> None:
        """Finish the command under way."""
        self._working = True

        def finish() -> None:
            self._working = False
            self._say(text)
            if then is not None:
                then()

        self._after(seconds, finish)

    def _obey(self, line: str) -> None:
        if self._working or self.air.randomness.random() < self.air.busy:
            self._say("\r\nbusy p...\r\n")
            return
        self.commands.append(line)
        name, _, arguments = line.partition("=")
        known = {
            "AT": self._ok,
            "ATE0": self._silence,
            "AT+UART_CUR": self._speed,
            "AT+CWMODE": self._ok,
            "AT+CWDHCP": self._ok,
            "AT+CIPMUX": self._multiple,
            "AT+CIPSTA": self._fixed,
            "AT+CWJAP": self._join,
            "AT+CIPSTART": self._open,
            "AT+CIPSEND": self._announce,
            "AT+CIPCLOSE": self._close,
        }
        if self.version >= 2:
            known |= {"AT+SYSSTORE": self._ok, "AT+CIPDNS": self._ok}
        if name not in known:
            self._answer(0.005, "\r\nERROR\r\n")
        else:
            known[name](arguments)

    def _ok(self, arguments: str) -> None:
        self._answer(0.005, "\r\nOK\r\n")

    def _silence(self, arguments: str) -> None:
        self._echo = False
        self._ok(arguments)

    def _speed(self, arguments: str) -> None:
        baud = int(arguments.partition(",")[0])

        def change() -> None:
            self.baud = baud

        # The answer comes at the old speed.
        self._answer(0.01, "\r\nOK\r\n", lambda: self._after(0.005, change))

    def _multiple(self, arguments: str) -> None:
        self._many = arguments == "1"
        self._ok(arguments)

    # --- the wireless network ---------------------------------------------------------------------------

    def _fixed(self, arguments: str) -> None:
        self.address = _quoted(arguments)[0]
        self._ok(arguments)

    def _join(self, arguments: str) -> None:
        self._leave()
        if self.air.up and _quoted(arguments) == [self.air.name, self.air.passphrase]:
            text = "WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n"
            self._answer(_JOIN_SECONDS, text, lambda: setattr(self, "joined", True))
        else:
            self._answer(_JOIN_SECONDS, "+CWJAP:1\r\n\r\nFAIL\r\n")

    def _leave(self) -> None:
        if self.joined:
            self.joined = False
            for number, link in self._links.items():
                if link.peer is not None:
                    self._say(f"{number},CLOSED\r\n")
            self._links.clear()
            self._say("WIFI DISCONNECT\r\n")

    def _rejoin(self) -> None:
        if self.air.up and not self.joined:
            self.joined = True
            self._say("WIFI CONNECTED\r\nWIFI GOT IP\r\n")

    # --- connections ------------------------------------------------------------------------------------

    def _open(self, arguments: str) -> None:
        number, kind, host, port = re.fullmatch(r'(\d),"(TCP|UDP)","([^"]*)",(\d+)', arguments).groups()  # type: ignore[union-attr]
        link = int(number)
        if not self._many or link >= _STATION_LINKS or not self.joined:
            self._answer(0.01, "no ip\r\n\r\nERROR\r\n")
            return
        if link in self._links:
            self._answer(0.01, "ALREADY CONNECTED\r\n\r\nERROR\r\n")
            return
        address = self.network.resolve(host)
        if address is None:
            self._answer(1.0, "DNS Fail\r\n\r\nERROR\r\n")
            return
        peer = self.network.connect(address, int(port)) if kind == "TCP" else None
        if kind == "TCP" and peer is None:
            self._answer(0.5, f"{link},CLOSED\r\n\r\nERROR\r\n")
            return
        made = _Link(address, int(port), peer)
        self._answer(0.03, f"{link},CONNECT\r\n\r\nOK\r\n", lambda: self._links.__setitem__(link, made))

    def _announce(self, arguments: str) -> None:
        link, count = (int(part) for part in arguments.split(","))
        if link not in self._links:
            self._answer(0.005, "link is not valid\r\n\r\nERROR\r\n")
            return
        self._target = link

        def await_content() -> None:
            self._content, self._awaited = b"", count

        self._answer(0.005, "\r\nOK\r\n> ", await_content)

    def _transmit(self) -> None:
        content, link = self._content, self._links.get(self._target)
        self._say(f"\r\nRecv {len(content)} bytes\r\n")
        if link is None:
            self._answer(0.01, "\r\nSEND FAIL\r\n")
            return
        answers = []
        if link.peer is None:
            answers = self.network.datagram(link.address, link.port, content)
        else:
            link.peer.take(content)
        self._answer(0.02, "\r\nSEND OK\r\n")
        for _, _, answer in answers:
            target = self._target
            self._after(0.05, lambda answer=answer, target=target: self._deliver(target, answer))  # type: ignore[misc]

    def _close(self, arguments: str) -> None:
        link = int(arguments)
        if self._links.pop(link, None) is None:
            self._answer(0.005, "UNLINK\r\n\r\nERROR\r\n")
        else:
            self._answer(0.03, f"{link},CLOSED\r\n\r\nOK\r\n")

    def _bring(self, number: int, peer: Peer) -> None:
        content = peer.give()
        while content:
            size = self.air.randomness.randint(*self.air.piece)
            self._deliver(number, content[:size])
            content = content[size:]
        if peer.over() and self._links.pop(number, None) is not None:
            self._say(f"{number},CLOSED\r\n")

    def _deliver(self, number: int, content: bytes) -> None:
        self._put(f"\r\n+IPD,{number},{len(content)}:".encode() + content)


def _quoted(arguments: str) -> list[str]:
    """Quoted arguments with their escapes undone."""
    return [re.sub(r"\\(.)", r"\1", each) for each in re.findall(r'"((?:\\.|[^"\\])*)"', arguments)]
