"""What the building does for whoever looks at it: a car where they open a session, and a bank that pays."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from demonstration.building.socket import Socket
from gateway.app import Gateway
from gateway.transaction.purchase import PurchaseState

GUEST_MISSING = 2_000.0
"""Wh that a visitor's car lacks: half an hour at 16 A, so that there is time to look, and to stop."""
BANK_DELAY_MS = 3_000
"""How long a payment takes."""
LEAVE_AFTER = 10
"""Looks without a session after which the visitor's car drives away."""
_LOOK = 1.0


async def pay(gateway: Gateway) -> None:
    """Confirm every purchase a moment after it was asked for, as a bank's transfer would."""
    purchases = gateway.operation.purchases
    while True:
        for purchase in await purchases.page(state=PurchaseState.PENDING):
            if gateway.clock.now() - purchase.created_at >= BANK_DELAY_MS:
                await purchases.confirm(purchase.reference)
        await asyncio.sleep(_LOOK)


async def park(gateway: Gateway, sockets: Sequence[Socket]) -> None:
    """Plug a car in where a session waits at an empty socket, and drive it away after the session."""
    parked: dict[int, int] = {}
    while True:
        for socket in sockets:
            wanted = gateway.operation.monitor.floor.first_at(socket.number) is not None
            if socket.number in parked:
                parked[socket.number] = 0 if wanted else parked[socket.number] + 1
                if parked[socket.number] > LEAVE_AFTER:
                    socket.unplug()
                    del parked[socket.number]
            elif wanted and socket.runtime is not None and socket.car is None:
                socket.plug_in(GUEST_MISSING)
                parked[socket.number] = 0
        await asyncio.sleep(_LOOK)
