"""Shelly and Tasmota over HTTP, as they should be and as they fail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.switch.address import SwitchAddress, SwitchKind
from gateway.switch.connection import NetworkSwitch, SwitchError, client
from gateway.switch.shelly import Shelly
from gateway.switch.tasmota import Tasmota
from tests.gateway.switch.appliance import Appliance, Fault, TasmotaAppliance
from tests.gateway.switch.conftest import Instant


@pytest.fixture
async def http(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway's client, with less patience."""
    monkeypatch.setattr("gateway.switch.connection.TIMEOUT", 0.2)
    async with client() as opened:
        opened.timeout = httpx.Timeout(0.2)
        yield opened


@pytest.fixture
def switch(http: httpx.AsyncClient, appliance: Appliance) -> NetworkSwitch:
    """The driver of the appliance."""
    address = SwitchAddress.parse(appliance.address)
    return Shelly(http, address) if address.kind is SwitchKind.SHELLY else Tasmota(http, address)


@pytest.mark.parametrize("seconds", [1, 9, 11, 12, 180, 3_600])
async def test_a_switch_goes_on_for_a_time(
    switch: NetworkSwitch, appliance: Appliance, instant: Instant, seconds: int
) -> None:
    """It opens by itself when that is over, whoever is still there."""
    await switch.on(seconds)
    assert (appliance.on(), appliance.remaining) == (True, seconds)
    instant.ms += seconds * 1_000 - 1
    assert await switch.is_on()
    instant.ms += 1
    assert not await switch.is_on()
    assert not appliance.on()


async def test_the_time_begins_anew(switch: NetworkSwitch, appliance: Appliance, instant: Instant) -> None:
    """Told on again, a switch that is on stays on for the whole time."""
    await switch.on(180)
    instant.ms += 170_000
    await switch.on(180)
    assert appliance.remaining == 180


async def test_a_switch_goes_off(switch: NetworkSwitch, appliance: Appliance) -> None:
    """At once, and off again changes nothing."""
    await switch.on(180)
    await switch.off()
    assert not appliance.on()
    await switch.off()
    assert not await switch.is_on()


async def test_tasmotas_flash_is_spared(http: httpx.AsyncClient, instant: Instant) -> None:
    """The time is written where it differs, not each minute."""
    plug = await TasmotaAppliance.open(instant)
    switch = Tasmota(http, SwitchAddress.parse(plug.address))
    for seconds in (180, 180, 180, 40, 180):
        await switch.on(seconds)
    assert plug.written == 3
    await plug.close()


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.NONE])
async def test_a_switch_that_fails_is_not_believed(
    switch: NetworkSwitch, appliance: Appliance, fault: Fault
) -> None:
    """Every fault is an error of ours, never a relay taken for closed with its timer."""
    appliance.fault = fault
    with pytest.raises(SwitchError, match="switch"):
        await switch.on(180)
    assert appliance.redirected == 0


@pytest.mark.parametrize("fault", [Fault.STUCK, Fault.MUTE, Fault.GARBAGE])
async def test_a_switch_that_does_not_open_is_not_believed(
    switch: NetworkSwitch, appliance: Appliance, fault: Fault
) -> None:
    """It is taken for open only where it says so."""
    await switch.on(180)
    appliance.fault = fault
    with pytest.raises(SwitchError, match="switch"):
        await switch.off()


async def test_a_switch_that_is_not_there(switch: NetworkSwitch, appliance: Appliance) -> None:
    """A closed port is an error like any other."""
    await appliance.close()
    with pytest.raises(SwitchError, match="does not answer"):
        await switch.is_on()


async def test_a_channel_that_the_switch_does_not_have(http: httpx.AsyncClient, appliance: Appliance) -> None:
    """The switch's own refusal is passed on."""
    address = SwitchAddress.parse(f"{appliance.address}/1")
    driver = Shelly if address.kind is SwitchKind.SHELLY else Tasmota
    with pytest.raises(SwitchError, match="switch"):
        await driver(http, address).on(180)
    assert not appliance.on()
