"""Shelly switches of the second generation and later: JSON-RPC over HTTP (Shelly's API, "Switch").

`Switch.Set` with `toggle_after` closes the relay and starts a timer in the switch that opens it again.
"""

from __future__ import annotations

from typing import Any

import httpx

from gateway.switch.address import SwitchAddress
from gateway.switch.connection import SwitchError, ask


class Shelly:
    """`NetworkSwitch` for a Shelly."""

    def __init__(self, http: httpx.AsyncClient, address: SwitchAddress) -> None:
        self._http = http
        self._address = address

    async def on(self, seconds: int) -> None:
        """See `NetworkSwitch`."""
        await self._call("Switch.Set", on=True, toggle_after=seconds)
        status = await self._call("Switch.GetStatus")
        if status.get("output") is not True:
            raise SwitchError("the switch was told on and says that it is off")
        if status.get("timer_duration") != seconds:
            raise SwitchError("the switch is on without the timer that it was told")

    async def off(self) -> None:
        """See `NetworkSwitch`."""
        await self._call("Switch.Set", on=False)
        if await self.is_on():
            raise SwitchError("the switch was told off and says that it is on")

    async def is_on(self) -> bool:
        """See `NetworkSwitch`."""
        output = (await self._call("Switch.GetStatus")).get("output")
        if not isinstance(output, bool):
            raise SwitchError("the switch does not say whether it is on")
        return output

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        frame = {"id": 1, "method": method, "params": {"id": self._address.channel} | parameters}
        request = self._http.build_request("POST", f"{self._address.base}/rpc", json=frame)
        answer = await ask(self._http, request)
        result = answer.get("result")
        if not isinstance(result, dict):
            error = answer.get("error")
            code = error.get("code") if isinstance(error, dict) else None
            raise SwitchError(f"the switch refused {method}, code {code}")
        return result
