"""The same unit on the computer and on two Cortex-M boards in QEMU, through real sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chaincode.signing.batch import Flag, Reason
from firmware.footprint import PARTS
from tests.firmware.site import IMAGES, Site, provisioned
from tests.firmware.stack import cortex_stack

pytestmark = [pytest.mark.firmware, pytest.mark.slow]


@pytest.fixture(params=["posix", "mps2", "lm3s"])
def site(request: pytest.FixtureRequest, image: Callable[[str, str], Path], tmp_path: Path) -> Iterator[Site]:
    """A provisioned board without a key of its own, and its gateway."""
    board = str(request.param)
    with provisioned(board, image(*IMAGES[board]), tmp_path) as made:
        yield made


def test_session(site: Site) -> None:
    """A board makes its key, is configured, charges, loses power, goes on, and ends: each byte checked, the
    energy exact, the key the same after the cut."""
    site.station.power()
    site.until(lambda: len(site.gateway.stored) >= 2)
    key = site.station.bench.public_key
    assert len(key) == 32
    site.gateway.on()
    site.until(lambda: site.station.bench.relay)
    site.run(90, 10.0)
    before = site.gateway.batches[-1].register
    site.station.cut()
    site.station.power()
    site.until(lambda: site.station.bench.relay, amperes=10.0)
    assert site.station.bench.public_key == key
    site.run(60, 10.0)
    site.gateway.end()
    site.until(site.ended, amperes=10.0)
    end = next(b for b in site.gateway.batches if Flag.END in b.flags)
    assert end.reason == Reason.COMMAND
    assert end.register >= before
    period = 10 * 230 * (site.gateway.sampling + 1) / 3.6
    assert site.station.bench.energy * 0.995 - period <= end.register <= site.station.bench.energy * 1.005
    assert sum(Flag.BEGIN in b.flags for b in site.gateway.batches) == 1
    assert not [r for r in site.server.refused if "not authentic" not in r]
    if site.station.board in PARTS:
        assert cortex_stack(site.station) <= PARTS[site.station.board].stack_budget
