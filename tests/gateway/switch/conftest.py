"""Switches that serve on the loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.gateway.switch.appliance import KINDS, Appliance


class Instant:
    """A clock that a test moves by hand, in ms."""

    def __init__(self) -> None:
        self.ms = 1_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def instant() -> Instant:
    """The switches' clock."""
    return Instant()


@pytest.fixture(params=KINDS)
async def appliance(request: pytest.FixtureRequest, instant: Instant) -> AsyncIterator[Appliance]:
    """One switch of each make."""
    kind: type[Appliance] = request.param
    opened = await kind.open(instant)
    yield opened
    await opened.close()
