"""Switches that run Tasmota: commands over HTTP (Tasmota's "Commands", `Power` and `PulseTime`).

`PulseTime` is a setting, kept in the switch's flash: after each `Power On` the switch opens its relay when
that time is over. So it is written only where it differs.
"""

from __future__ import annotations

from typing import Any

import httpx

from gateway.switch.address import SwitchAddress
from gateway.switch.connection import SwitchError, ask

_TENTHS = 111
"""Values of `PulseTime` up to this are tenths of a second; greater ones seconds and 100."""


class Tasmota:
    """`NetworkSwitch` for Tasmota."""

    def __init__(self, http: httpx.AsyncClient, address: SwitchAddress) -> None:
        self._http = http
        self._address = address
        self._relay = address.channel + 1

    async def on(self, seconds: int) -> None:
        """See `NetworkSwitch`."""
        pulse = seconds * 10 if seconds * 10 <= _TENTHS else seconds + 100
        if (await self._pulse_time()).get("Set") != pulse:
            told = await self._pulse_time(pulse)
            if told.get("Set") != pulse:
                raise SwitchError("the switch did not take the time after which it opens")
        if not await self._power("On"):
            raise SwitchError("the switch was told on and says that it is off")
        remaining = (await self._pulse_time()).get("Remaining")
        if not isinstance(remaining, int) or remaining <= 0:
            raise SwitchError("the switch is on without the timer that it was told")

    async def off(self) -> None:
        """See `NetworkSwitch`."""
        if await self._power("Off"):
            raise SwitchError("the switch was told off and says that it is on")

    async def is_on(self) -> bool:
        """See `NetworkSwitch`."""
        return await self._power("")

    async def _power(self, word: str) -> bool:
        answer = await self._command(f"Power{self._relay} {word}".rstrip())
        # A switch with a single relay leaves the number out.
        state = answer.get(f"POWER{self._relay}", answer.get("POWER"))
        if state not in ("ON", "OFF"):
            raise SwitchError("the switch does not say whether it is on")
        return bool(state == "ON")

    async def _pulse_time(self, value: int | None = None) -> dict[str, Any]:
        name = f"PulseTime{self._relay}"
        answer = await self._command(name if value is None else f"{name} {value}")
        told = answer.get(name)
        if not isinstance(told, dict):
            raise SwitchError(f"the switch does not say its {name}")
        return told

    async def _command(self, command: str) -> dict[str, Any]:
        url = f"{self._address.base}/cm"
        return await ask(self._http, self._http.build_request("GET", url, params={"cmnd": command}))
