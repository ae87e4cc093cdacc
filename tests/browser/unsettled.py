"""`condocharge run` at a condominium that never settles, on a computer whose clock a test can put forward.

Everything is the platform's own but two things: the gateway keeps what it should bring to the ledger at a
session's end for itself, and its time, which is the ledger's too, is ahead by what the file says that `SKEW`
names.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from demonstration.building import building
from demonstration.building.command import run
from gateway.clock import SystemClock
from gateway.monitor.driver import Driver
from gateway.server import serve
from tests.gateway.skewed import shared_skew

MODULE = "tests.browser.unsettled"
_DAY = 86_400


async def _put_off(*_: object) -> None:
    """In the place of a settlement."""
    await asyncio.sleep(_DAY)


def _ahead(clock: Callable[[], int]) -> Callable[[], int]:
    skew = shared_skew()
    return lambda: clock() + skew() * 1_000_000_000


def main() -> None:
    """Run the building until it is interrupted."""
    for name in ("_settle", "_cancel"):
        setattr(Driver, name, _put_off)
    # Both of its clocks are ahead: to the gateway nobody has set the time, hours have passed.
    clock = SystemClock(_ahead(time.time_ns), _ahead(time.monotonic_ns))
    setattr(building, "serve", partial(serve, clock=clock))  # noqa: B010
    run()


if __name__ == "__main__":
    main()
