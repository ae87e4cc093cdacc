"""A simulated resident: comes, charges, stops, leaves, and comes again."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx

from chaincode.signing.intent import OpenIntent, StopIntent, new_nonce
from client.wallet.gateway import Gateway as GatewayClient
from client.wallet.gateway import GatewayError
from client.wallet.key import WalletKey
from demonstration.building.socket import Socket

AMOUNT = 300
"""Minor units that a session locks."""
SUPPLY = 2_000
"""Minor units that are bought when the wallet runs low."""
STAY = (45, 100)
"""Seconds that a car is left to charge."""
DURATION = 300
"""Seconds that a session may last. Whoever waits is told when this one ends at the latest."""
AWAY = (20, 90)
"""Seconds until the next one comes."""
_STEP = 2.0
_log = logging.getLogger(__name__)


@dataclass
class Resident:
    """Uses one socket, when nobody else does, through the same interface as any wallet."""

    name: str
    socket: Socket
    folder: Path
    random: Random

    async def run(self, address: str) -> None:
        """Charge again and again until cancelled."""
        key = self._key()
        with GatewayClient(address) as anonymous:
            house = await asyncio.to_thread(anonymous.condominium)
        http = httpx.Client(timeout=30)
        with GatewayClient(address, network=house.network, key=key, http=http) as gateway:
            while True:
                await asyncio.sleep(self.random.uniform(*AWAY))
                try:
                    await self._visit(gateway, house.code, key)
                except GatewayError as error:
                    _log.info("%s does not get to charge now: %s", self.name, error)

    async def _visit(self, gateway: GatewayClient, code: str, key: WalletKey) -> None:
        house = await asyncio.to_thread(gateway.condominium)
        if self.socket.car is not None or house.tariff is None:
            return
        await self._fund(gateway)
        self.socket.plug_in(self.random.uniform(300, 900), rated=self.random.choice((10.0, 13.0, 16.0)))
        try:
            intent = OpenIntent(
                network=house.network,
                wallet=key.wallet.hex(),
                nonce=new_nonce(),
                expires=int(time.time()) + 120,
                condominium=code,
                unit=self.socket.number,
                tariff=house.tariff,
                issuer=code,
                amount=AMOUNT,
                duration=DURATION,
            )
            session = key.sign(intent)
            await asyncio.to_thread(gateway.submit, session)
            await asyncio.sleep(self.random.uniform(*STAY))
            stop = StopIntent(
                network=house.network,
                wallet=key.wallet.hex(),
                nonce=new_nonce(),
                expires=int(time.time()) + 120,
                session=session.id,
            )
            await asyncio.to_thread(gateway.submit, key.sign(stop))
            await _until(lambda: gateway.session(session.id).over)
        finally:
            self.socket.unplug()

    async def _fund(self, gateway: GatewayClient) -> None:
        """Buy tokens where there are too few for a session, and wait for the bank."""
        if (await asyncio.to_thread(gateway.balance)).balance >= AMOUNT:
            return
        purchase = await asyncio.to_thread(gateway.buy, SUPPLY)
        await _until(lambda: gateway.purchase(purchase.reference).state != "pending")

    def _key(self) -> WalletKey:
        file = self.folder / f"{self.name}.key"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_bytes(secrets.token_bytes(32))
        return WalletKey.from_seed(file.read_bytes())


async def _until(done: Callable[[], bool]) -> None:
    """Ask again and again, as somebody who looks at their phone."""
    while not await asyncio.to_thread(done):  # noqa: ASYNC110 - the answer comes from a gateway
        await asyncio.sleep(_STEP)
