"""The core as a library, and units of both classes that live in the test's process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.firmware.gateway import NOON, Gateway, identity
from tests.firmware.host.core import Core, HostUnit


@pytest.fixture(scope="session")
def core(image: Callable[[str, str], Path]) -> Core:
    return Core(image("library", "libunit.so"))


@dataclass
class Site:
    """A unit and its gateway, whose clock runs with the unit's."""

    unit: HostUnit
    gateway: Gateway
    passed: int = 0

    def run(self, seconds: int, amperes: float = 0.0, online: bool = True) -> None:
        for _ in range(seconds):
            self.passed += 1
            self.unit.seconds(1, amperes, self.gateway if online else None)


@pytest.fixture(params=["mac", "ed25519"])
def unit_class(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site(core: Core, unit_class: str) -> Site:
    """A provisioned unit that has not started, and the gateway that knows it."""
    memory = bytearray(b"\xff" * 1024)
    image = identity(unit_class)
    memory[: len(image)] = image
    made: Site
    gateway = Gateway(unit_class, clock=lambda: NOON + made.passed)
    made = Site(HostUnit(core, memory), gateway)
    return made


@pytest.fixture
def running(site: Site) -> Site:
    """The same after it started, was configured and learnt the time."""
    assert site.unit.start()
    site.gateway.public_key = bytes(site.unit.core.ffi.buffer(site.unit.c.harness_public_key(), 32))
    site.run(3)
    assert site.gateway.batches
    return site
