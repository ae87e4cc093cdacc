"""Who may open one more session.

Opening costs nothing that does not come back, so a wallet without a car could keep others from every socket.
Three limits hold that down: what a session has to lock at least, how many sessions of a wallet may wait or
stand idle at a time, and how many may wait at one socket. They are this gateway's, not the ledger's: they
take nothing from anybody, and a wallet that they refuse has lost nothing.
"""

from __future__ import annotations

from chaincode.errors import InvalidArgument, StateConflict
from gateway.monitor.monitor import ChargeMonitor
from gateway.monitor.session import LiveSession
from gateway.settings import ChargingSettings


class Admission:
    """The limits, and the sessions that they are about."""

    def __init__(self, monitor: ChargeMonitor, settings: ChargingSettings) -> None:
        self._monitor = monitor
        self._settings = settings

    @property
    def least_escrow(self) -> int:
        """Minor units that a session has to lock."""
        return self._settings.least_escrow

    def check(self, session: str, *, wallet: str, unit: int, amount: int) -> None:
        """Whether `wallet` may open `session` at `unit`, locking `amount` minor units, by an intent or
        under a mandate; one that is under way was let in before.

        Raises InvalidArgument and StateConflict."""
        if self._monitor.live(session) is not None:
            return
        if amount < self.least_escrow:
            raise InvalidArgument("amount", f"is at least {self.least_escrow} at this condominium")
        most = self._settings.idle_per_wallet
        if len(self._idle(wallet)) >= most:
            raise StateConflict(
                "wallet", f"has at most {most} sessions that have not charged; stop one first"
            )
        most = self._settings.waiting_per_unit
        waiting = [each for each in self._monitor.floor if each.record.unit == unit and not each.begun]
        if len(waiting) >= most:
            raise StateConflict("unit", f"has at most {most} sessions waiting; choose another socket")

    def opened(self, session: str) -> None:
        """A session is on the ledger: stop it where so many were opened at once that it is one too many.

        They cannot be counted before, as anybody may claim to open one and the ledger alone says who did."""
        live = self._monitor.live(session)
        if live is None or live.vehicle.drawn:
            return
        earlier = sorted(self._idle(live.record.wallet), key=lambda each: (each.record.opened_at, each.id))
        if live in earlier[self._settings.idle_per_wallet :]:
            self._monitor.stop(live)

    def _idle(self, wallet: str) -> list[LiveSession]:
        """The wallet's sessions at which no vehicle has charged yet."""
        return [
            each
            for each in self._monitor.floor
            if each.record.wallet == wallet and each.running and not each.vehicle.drawn
        ]
