"""An Uno with an ESP8266 on its serial port instead of a shield."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from firmware.provisioning.wifi import BYTES, Wifi
from firmware.simulator.modem.esp8266 import Air, Esp8266
from firmware.simulator.modem.network import Network
from tests.firmware.avr.conftest import UNIT, Station
from tests.firmware.avr.network import GATEWAY, ROUTER, Building
from tests.firmware.avr.uno import Uno
from tests.firmware.gateway import Gateway, identity

_TOLERANCE = 0.04


class WirelessUno:
    """One board with its module. The module sees the board's time, and the line both ends' speeds."""

    def __init__(self, uno: Uno, network: Network, air: Air, version: int = 2) -> None:
        self.uno = uno
        self.air = air
        self._held = False
        self._queue = b""
        self.module = Esp8266(network, air, self._send, uno.seconds, version)
        self._byte: Any = uno.ffi.callback("void(uint8_t)", self._receive, onerror=uno.on_error)
        uno.c.serial_on(self._byte)
        uno.each_slice = self._step

    def _receive(self, byte: int) -> None:
        self.module.receive(byte, self.uno.c.serial_baud())

    def _send(self, content: bytes) -> None:
        self._queue += content

    def _step(self) -> None:
        held = bool(self.uno.c.modem_reset())
        if self._held and not held:
            self.module.power()
        self._held = held
        if held:
            self._queue = b""
            return
        self.module.step()
        content, self._queue = self._queue, b""
        if content:
            mine, theirs = self.module.baud, self.uno.c.serial_baud()
            if abs(theirs / mine - 1) > _TOLERANCE:
                content = bytes(byte | 0x80 for byte in content)
            self.uno.c.serial_rate(mine)
            self.uno.c.serial_send(content, len(content))


def storage(server: str, air: Air, unit: int = 0xFFFF) -> bytes:
    """An EEPROM fresh from provisioning, the network's name and passphrase at its end."""
    image = identity("mac", server=server, unit=unit)
    wifi = Wifi(air.name, air.passphrase).encode()
    return image + b"\xff" * (1024 - len(image) - BYTES) + wifi


class WirelessStation(Station):
    """A station whose board has a module."""

    wireless: WirelessUno


def make_wireless_station(
    library: Path, program: Path, version: int = 2, air: Air | None = None
) -> WirelessStation:
    """A board with power that has never been configured, and a module of the AT commands' `version`."""
    made: WirelessStation
    weather = air or Air()
    gateway = Gateway(
        "mac", clock=lambda: int(made.now()), unit=UNIT, server=GATEWAY, time_server=ROUTER, sampling=5
    )
    building = Building(gateway, now=lambda: float(made.now()))
    board = Uno(library, program, storage(GATEWAY, weather), building)
    made = WirelessStation(board, building, gateway)
    made.wireless = WirelessUno(board, building, weather, version)
    return made
