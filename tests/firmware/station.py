"""A unit in a process of its own, on the host or in QEMU, between a bench and an HTTP server."""

from __future__ import annotations

import json
import shutil
import socket
import socketserver
import subprocess
import threading
from pathlib import Path

from tests.firmware.bench import Bench
from tests.firmware.gateway import Gateway, Refused

MACHINES = {"mps2": ("mps2-an386", "lan9118"), "lm3s": ("lm3s6965evb", "stellaris")}
LOOPBACK = {"posix": "127.0.0.1", "mps2": "10.0.2.2", "lm3s": "10.0.2.2"}
"""The address under which a board finds this computer."""
GAIN = 18_938
"""mA per count in 1/256: SCT-013-000 over 33 Ω on a 12-bit converter of 5 V."""
NOISE = 390


class Server:
    """The tests' gateway behind real sockets. What it refused is in `refused`."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.refused: list[str] = []
        self.broken = False
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                question = outer.question(self)
                if outer.broken or not question:
                    return
                try:
                    self.wfile.write(outer.gateway.answer(question))
                except Refused as refusal:
                    outer.refused.append(str(refusal))

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        gateway.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @staticmethod
    def question(handler: socketserver.StreamRequestHandler) -> bytes:
        head, length = b"", 0
        while not head.endswith(b"\r\n\r\n"):
            line = handler.rfile.readline(4096)
            if not line:
                return b""
            head += line
            if line.lower().startswith(b"content-length:"):
                length = int(line[15:])
        return head + handler.rfile.read(length)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Station:
    """One board: its persistent memory is a file, its sensors and relay a bench."""

    def __init__(self, board: str, image: Path, folder: Path, storage: bytes, gain: int = GAIN) -> None:
        self.board = board
        self.image = image
        self.storage = folder / "storage"
        self._monitor = folder / "monitor"
        self.storage.write_bytes(storage + b"\xff" * (4096 - len(storage)))
        self.bench = Bench(folder / "bench", gain=gain)
        self._process: subprocess.Popen[bytes] | None = None

    def power(self, *, switches: int = 7, erase: bool = False) -> None:
        """Start the board."""
        self._process = subprocess.Popen(self._command())
        self.bench.accept(switches=switches, erase=erase)

    def cut(self) -> None:
        """Take its power away: kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.cut()
        self.bench.close()

    def _command(self) -> list[str]:
        if self.board == "posix":
            return [str(self.image), str(self.storage), str(self.bench.path), "0"]
        machine, model = MACHINES[self.board]
        qemu = shutil.which("qemu-system-arm")
        assert qemu is not None
        return [
            qemu, "-M", machine, "-display", "none", "-monitor", "none", "-kernel", str(self.image),
            "-chardev", f"socket,id=bench,path={self.bench.path}", "-serial", "chardev:bench",
            "-nic", f"user,model={model}", "-drive", f"if=none,id=eeprom,format=raw,file={self.storage}",
            "-device", "at24c-eeprom,drive=eeprom,rom-size=4096,address=0x50",
            "-qmp", f"unix:{self._monitor},server=on,wait=off",
        ]  # fmt: skip

    def memory(self, address: int, count: int) -> bytes:
        """What a board in QEMU has in its memory."""
        saved = self.storage.with_name("memory")
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self._monitor))
            with monitor.makefile("rw") as lines:
                lines.readline()
                wanted = {"val": address, "size": count, "filename": str(saved)}
                for order in (
                    {"execute": "qmp_capabilities"},
                    {"execute": "pmemsave", "arguments": wanted},
                ):
                    lines.write(json.dumps(order))
                    lines.flush()
                    answer = json.loads(lines.readline())
                    assert "return" in answer, answer
        return saved.read_bytes()
