"""The simulated unit over HTTP."""

from __future__ import annotations

import asyncio
import random

import httpx
import pytest

from chaincode.signing import domain
from chaincode.signing.batch import Flag
from chaincode.signing.firmware import version_text
from chaincode.signing.status import BODY_BYTES, decode_status
from firmware.simulator.transport.disturbance import Disturbance, DisturbedHttp
from firmware.simulator.transport.http import HttpTransport
from firmware.simulator.transport.mailbox import Mailbox
from tests.firmware.simulator.counterpart import UNIT_PUBLIC
from tests.firmware.simulator.transport.gateway import SmallGateway, charge, fast_clock

SETTINGS = [
    pytest.param(Disturbance(), id="sound"),
    pytest.param(
        Disturbance(drop=0.2, duplicate=0.3, delay=(0.0, 0.02), randomness=random.Random(5)), id="bad"
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("weather", SETTINGS)
async def test_a_session_over_http(weather: Disturbance) -> None:
    """From the question for a configuration to the last batch; a bad network costs no energy."""
    now = fast_clock()
    gateway = SmallGateway(now)
    network = DisturbedHttp(httpx.MockTransport(gateway.handle), weather)
    async with httpx.AsyncClient(transport=network, base_url="http://gateway.example") as client:
        place = await charge(gateway, HttpTransport(client, wait=2, backoff=0.01), now)
    begin, end = gateway.unit.flags(Flag.BEGIN)[0], gateway.unit.flags(Flag.END)[-1]
    assert end.register - begin.register == pytest.approx(place.outlet.energy * 1_000, rel=0.01)
    assert place.outlet.energy == pytest.approx(100, rel=0.001)
    assert place.unit is not None
    assert not place.unit.refusals.keys() - {"counter", "issued"}
    said = decode_status(gateway.statuses[0][:BODY_BYTES])
    assert (said.unit, said.board, version_text(said.firmware)) == (7, "simulated", "1.0.0")
    assert not said.updates
    body, tag = gateway.statuses[0][:BODY_BYTES], gateway.statuses[0][BODY_BYTES:]
    assert domain.verifies(UNIT_PUBLIC, domain.STATUS, body, tag)


async def test_it_is_cancelled_at_any_moment() -> None:
    """Also while it hangs up on a held answer because there is something new to say."""
    hanging_up = asyncio.Event()

    async def hold(request: httpx.Request) -> httpx.Response:
        try:
            await asyncio.Event().wait()
        finally:
            hanging_up.set()
            await asyncio.sleep(0.01)
        raise AssertionError("nobody answers")

    mailbox = Mailbox(list, lambda command: None, latest=b"batch")
    async with httpx.AsyncClient(transport=httpx.MockTransport(hold), base_url="http://gateway") as client:
        carrying = asyncio.ensure_future(HttpTransport(client).run(7, mailbox))
        await asyncio.sleep(0.01)
        mailbox.fresh.set()
        await hanging_up.wait()
        carrying.cancel()
        done, _ = await asyncio.wait([carrying], timeout=10)
    assert done and carrying.cancelled()
