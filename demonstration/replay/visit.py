"""One row played: a wallet, a purchase, a signed intent, and a car at a unit until it leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from chaincode.signing.intent import MAX_DURATION, Intent, OpenIntent, StopIntent, new_nonce
from client.wallet.key import WalletKey
from demonstration.replay.bay import Bay
from demonstration.replay.row import Row
from demonstration.replay.site import DAY_PRICE
from demonstration.replay.vehicle import car_for
from gateway.app import Gateway
from gateway.clock import Clock

_VALIDITY = 600
"""Seconds for which the intent may be relayed."""
_LEEWAY = 600
"""Seconds by which the session's duration exceeds the stay: the unit's last word is to come within it."""
_WH_PER_MINOR = 10**7
"""Wh times millionths of a token per kWh that make one minor unit of a token with two decimals."""
SPARE = 200
"""Minor units in each escrow beyond that, for the start fee and short sessions."""


class _Common(TypedDict):
    """What all intents have in common."""

    network: str
    wallet: str
    nonce: str
    expires: int


class Visit:
    """A car's stay at one bay, and its driver's wallet."""

    def __init__(
        self, row: Row, bay: Bay, gateway: Gateway, clock: Clock, opened: Callable[[Visit], None]
    ) -> None:
        """`opened` is told when the session is on the ledger."""
        self.row = row
        self.bay = bay
        self.session = ""
        """The session's id on the ledger; empty before it is opened."""
        self._opened = opened
        self._gateway = gateway
        self._clock = clock
        self._key = WalletKey.generate()
        need = max(row.delivered, row.requested or 0)
        # The escrow alone limits the session, a fifth above the dearest price of what was taken or asked for:
        # the file's requests are guesses, often short of what the car then took.
        self._amount = need * DAY_PRICE * 12 // (10 * _WH_PER_MINOR) + SPARE

    async def buy(self) -> None:
        """Ask for tokens and pay for them."""
        purchases = self._gateway.operation.purchases
        purchase = await purchases.ask(self._key.wallet.hex(), self._amount)
        await purchases.confirm(purchase.reference)

    async def arrive(self) -> None:
        """Plug the car in and relay the driver's signed intent."""
        await self.bay.plug(car_for(self.row))
        now = self._clock.now() // 1_000
        duration = self.row.departure - now + _LEEWAY
        intent = OpenIntent(
            **self._common(),
            condominium=self._gateway.condominium.code,
            unit=self.bay.number,
            tariff=1,
            issuer=self._gateway.condominium.code,
            amount=self._amount,
            duration=min(duration, MAX_DURATION),
            leave=self.row.leave,
        )
        self.session = await self._relay(intent)
        self._opened(self)

    async def leave(self) -> None:
        """Unplug the car. A driver whose turn never came stops the session: the next car is another's."""
        await self.bay.plug(None)
        live = self._gateway.operation.monitor.live(self.session)
        if live is not None and not live.begun:
            await self._relay(StopIntent(**self._common(), session=self.session))

    async def _relay(self, intent: Intent) -> str:
        signed = self._key.sign(intent)
        relayed = await self._gateway.operation.intents.relay(signed.body, signed.signature)
        return relayed.id

    def _common(self) -> _Common:
        return {
            "network": self._gateway.ledger.channel,
            "wallet": self._key.wallet.hex(),
            "nonce": new_nonce(),
            "expires": self._clock.now() // 1_000 + _VALIDITY,
        }
