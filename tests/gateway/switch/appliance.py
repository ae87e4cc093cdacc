"""Network switches for tests: real HTTP servers that speak as Shelly and Tasmota do, and their faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from enum import Enum
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

_SECOND = 1_000


class Fault(Enum):
    """How a switch can fail."""

    NONE = "none"
    MUTE = "takes the request and closes the connection"
    SILENT = "takes the request and never answers"
    STATUS = "answers with status 500"
    REDIRECT = "sends the gateway elsewhere"
    GARBAGE = "answers with a page"
    LIST = "answers with a JSON list"
    FLOOD = "answers without end"
    NESTED = "answers with lists in lists in lists"
    DRIP = "answers rightly, a byte now and then"
    STUCK = "says yes and does not move"
    TIMERLESS = "moves and starts no timer"
    REFUSES = "answers that there is no such relay"


class Appliance:
    """A relay with a timer that opens it, behind HTTP on the loopback. `now` is in ms."""

    scheme = ""

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.fault = Fault.NONE
        self.before_move: Callable[[], None] = lambda: None
        self.requests: list[str] = []
        self.redirected = 0
        self._on = False
        self._opens_at: int | None = None
        self._server: asyncio.Server
        self._stop = asyncio.Event()

    @classmethod
    async def open(cls, now: Callable[[], int]) -> Self:
        """Serve on a free port."""
        made = cls(now)
        made._server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
        return made

    async def close(self) -> None:
        """Serve no more."""
        self._stop.set()
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        """Where it serves."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def address(self) -> str:
        """As operators write it."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def on(self) -> bool:
        """Whether the relay is closed now."""
        return self.on_at(self.now())

    def on_at(self, instant: int) -> bool:
        """Whether the relay is closed at an instant since it last moved, in ms."""
        return self._on and (self._opens_at is None or instant < self._opens_at)

    @property
    def remaining(self) -> int:
        """Whole seconds until the timer opens it, 0 where none runs."""
        if not self.on() or self._opens_at is None:
            return 0
        return -(-(self._opens_at - self.now()) // _SECOND)

    def press(self) -> None:
        """Somebody presses its button: on, without a timer."""
        self.before_move()
        self._on, self._opens_at = True, None

    def switch(self, on: bool, seconds: int) -> None:
        """Move the relay, unless it is stuck."""
        if self.fault is Fault.STUCK:
            return
        self.before_move()
        timer = on and seconds > 0 and self.fault is not Fault.TIMERLESS
        self._on = on
        self._opens_at = self.now() + seconds * _SECOND if timer else None

    def answer(self, method: str, target: str, body: bytes) -> Any:
        """What the switch's own protocol answers."""
        raise NotImplementedError

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, target, _ = head.split("\r\n")[0].split(" ")
            length = next(
                (int(s.split(":")[1]) for s in head.lower().split("\r\n") if "content-length" in s), 0
            )
            body = await reader.readexactly(length)
            self.requests.append(f"{method} {target}")
            self.redirected += target == "/elsewhere"
            if self.fault is Fault.SILENT:
                await self._stop.wait()
            elif self.fault is not Fault.MUTE:
                response = self._response(method, target, body)
                if self.fault is Fault.DRIP:
                    response = await self._drip(writer, response)
                writer.write(response)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.requests.append("dropped")
        finally:
            writer.close()

    async def _drip(self, writer: asyncio.StreamWriter, response: bytes) -> bytes:
        """Send the first of a response, piece by piece for two seconds; what is left of it."""
        start = response.index(b"{")
        for first, end in [(0, start), *((at, at + 1) for at in range(start, start + 20))]:
            writer.write(response[first:end])
            await writer.drain()
            await asyncio.sleep(0.1)
        return response[start + 20 :]

    def _response(self, method: str, target: str, body: bytes) -> bytes:
        status, extra = "200 OK", ""
        content = json.dumps(self.answer(method, target, body)).encode()
        if self.fault is Fault.STATUS:
            status = "500 Internal Server Error"
        elif self.fault is Fault.REDIRECT:
            status, extra = "302 Found", f"Location: http://127.0.0.1:{self.port}/elsewhere\r\n"
        elif self.fault is Fault.GARBAGE:
            content = b"<html>Please log in</html>"
        elif self.fault is Fault.LIST:
            content = b"[]"
        elif self.fault is Fault.FLOOD:
            content = b"{" + b" " * 100_000
        elif self.fault is Fault.NESTED:
            content = b"[" * 4_000 + b"]" * 4_000
        elif self.fault is Fault.DRIP:
            content = b"{" + b" " * 20 + content[1:]
        head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(content)}\r\n{extra}\r\n"
        return head.encode() + content


class ShellyAppliance(Appliance):
    """A Shelly Plus 1."""

    scheme = "shelly"
    _duration = 0

    def answer(self, method: str, target: str, body: bytes) -> Any:
        """JSON-RPC at /rpc."""
        assert (method, target) == ("POST", "/rpc")
        frame = json.loads(body)
        head = {"id": frame["id"], "src": "shellyplus1-a8032abe54dc"}
        parameters = frame["params"]
        if parameters["id"] != 0 or self.fault is Fault.REFUSES:
            return head | {"error": {"code": -105, "message": "Argument 'id', value 1 not found!"}}
        if frame["method"] == "Switch.Set":
            was = self.on()
            self._duration = parameters.get("toggle_after", 0)
            self.switch(parameters["on"], self._duration)
            return head | {"result": {"was_on": was}}
        assert frame["method"] == "Switch.GetStatus"
        status = {"id": 0, "source": "HTTP_in", "output": self.on(), "temperature": {"tC": 41.2}}
        if self.remaining:
            status |= {"timer_started_at": 1_626_935_739.79, "timer_duration": self._duration}
        return head | {"result": status}


class TasmotaAppliance(Appliance):
    """A plug with Tasmota. What it is told of `PulseTime` goes into its flash: `written` counts that."""

    scheme = "tasmota"

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__(now)
        self.pulse = 0
        self.written = 0

    def answer(self, method: str, target: str, body: bytes) -> Any:
        """Commands at /cm."""
        parts = urlsplit(target)
        assert (method, parts.path) == ("GET", "/cm")
        name, _, word = parse_qs(parts.query)["cmnd"][0].partition(" ")
        if not name.endswith("1") or self.fault is Fault.REFUSES:
            return {"Command": "Unknown"}
        if name == "PulseTime1":
            return self._pulse_time(word)
        assert name == "Power1"
        if word:
            seconds = self.pulse - 100 if self.pulse > 111 else self.pulse // 10
            self.switch(word == "On", seconds)
        return {"POWER": "ON" if self.on() else "OFF"}

    def _pulse_time(self, word: str) -> Any:
        if word:
            self.pulse = int(word)
            self.written += 1
        left = self.remaining
        remaining = 0 if not left else left + 100 if left > 11 else left * 10
        return {"PulseTime1": {"Set": self.pulse, "Remaining": remaining}}


KINDS = [ShellyAppliance, TasmotaAppliance]
