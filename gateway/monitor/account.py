"""A session's account: energy and cost so far, what the escrow still buys, and which batches prove it.

The ledger prices a session between the batches that it is shown, and where a band changes between two of them
it takes the cheapest. So not every batch has to go there, but some must: the first, those at which a band or
the idle price begins or ends, and the last. This chooses them with the ledger's own arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

from chaincode.meter import Reading
from chaincode.readings import END_TOLERANCE
from chaincode.session import Session
from chaincode.settlement import BOUNDARY_TOLERANCE, Usage, add_segment, cost, idle_seconds, price
from chaincode.signing.batch import Flag
from chaincode.tariff import Tariff

IDLE = Flag.COMPLETE | Flag.CONNECTED
"""What a batch says while a vehicle is full and still plugged in: the ledger counts idle time between two."""
UNBOUNDED = 10**12
"""mWh; more than any session takes: stands for no bound."""
_MILLIONTHS = 10**6
_MWH_PER_KWH = 10**6


@dataclass(frozen=True, slots=True)
class Proof:
    """A reading and the bytes that prove it to the ledger."""

    reading: Reading
    evidence: bytes


class Account:
    """What one session has used, from its first batch on."""

    def __init__(self, session: Session, tariff: Tariff) -> None:
        """Begin where the ledger's record stands; batches that it has used already are passed over."""
        self._session = session
        self._tariff = tariff
        self._settled: tuple[Usage, ...] = session.usage
        self._anchor: Reading | None = session.last
        self._idle: bool | None = None
        """Whether what was read since the anchor was idle time; None where nothing was."""
        self._last: Proof | None = None
        self._pending: list[Proof] = []
        self._idle_priced = any(band.idle_price for band in tariff.bands)
        self._affordable: dict[int, int] = {}
        """Answers that hold until anything here changes."""
        self.first: Reading | None = session.first

    @property
    def last(self) -> Reading | None:
        """The newest reading that counts."""
        return self._last.reading if self._last is not None else self._anchor

    @property
    def idle_priced(self) -> bool:
        """Whether staying plugged in after charging costs something."""
        return self._idle_priced

    @property
    def energy(self) -> int:
        """mWh from the first reading to the newest."""
        return self.last.register - self.first.register if self.last and self.first else 0

    @property
    def usage(self) -> tuple[Usage, ...]:
        """What was used in each band, as the ledger would count it now."""
        if self._anchor is None or self._last is None or self._last.reading is self._anchor:
            return self._settled
        limit = self._session.energy_limit
        return add_segment(self._settled, self._tariff, self._anchor, self._last.reading, limit)

    @property
    def cost(self) -> int:
        """Minor units that the session costs so far."""
        return cost(self._tariff, self.usage, self._session.decimals, self._session.amount)

    def renew(self, session: Session) -> None:
        """Take over what the ledger's record says now: a stop moves the end, used batches are done with."""
        self._session = session
        self._affordable.clear()
        if session.last is not None:
            used = session.last.number
            self._pending = [proof for proof in self._pending if proof.reading.number > used]
            self.first = session.first

    def counts(self, reading: Reading) -> bool:
        """Whether the ledger would still take a reading: newer than the last, and before the end is past."""
        last = self.last
        if last is not None and (reading.number <= last.number or reading.boot < last.boot):
            return False
        if last is not None and (reading.register < last.register or reading.time < last.time):
            return False
        end = min(self._session.deadline, self._session.stop_at or self._session.deadline)
        return reading.time <= end + END_TOLERANCE

    def count(self, reading: Reading, evidence: bytes) -> bool:
        """Take a batch into the account. Returns False where it does not count."""
        if not self.counts(reading):
            return False
        proof = Proof(reading, evidence)
        if self._anchor is None:
            self.first = reading
            self._choose(proof)
        else:
            self._choose_boundaries(proof)
        self._last = proof
        self._affordable.clear()
        return True

    def evidence(self) -> list[bytes]:
        """The batches to show to the ledger from where it stands, oldest first, up to the newest one."""
        if self._last is not None and self._last.reading is not self._anchor:
            # The ledger's next segment begins here, so this account's does too.
            self._choose(self._last)
        return [proof.evidence for proof in self._pending]

    @property
    def pending(self) -> int:
        """How many batches `evidence` holds that the ledger has not seen."""
        return len(self._pending)

    def affordable(self, until: int) -> int:
        """mWh that the escrow still buys until `until` (Unix seconds), at the dearest price before then;
        `UNBOUNDED` where energy costs nothing."""
        # Each batch is followed by many such questions, about few instants.
        known = self._affordable.get(until)
        if known is None:
            known = self._affordable[until] = self._afford(until)
        return known

    def _afford(self, until: int) -> int:
        last = self.last
        start = last.time if last is not None else self._session.opened_at
        bands = {self._tariff.band_at(start)}
        bands.update(self._tariff.band_at(at) for at in self._tariff.boundaries(start, max(start, until)))
        dearest = max(self._tariff.bands[band].energy_price for band in bands)
        return self._unspent() // (60 * dearest) if dearest else UNBOUNDED

    def wanted(self) -> int:
        """mWh that are left of the energy asked for; `UNBOUNDED` where none was said."""
        limit = self._session.energy_limit
        return UNBOUNDED if limit is None else max(0, limit - self.energy)

    def idle_left(self) -> int:
        """Seconds that the escrow still pays for staying plugged in, at the price of now."""
        last = self.last
        if last is None:
            return UNBOUNDED
        band = self._tariff.bands[self._tariff.band_at(last.time)]
        return self._unspent() // (band.idle_price * _MWH_PER_KWH) if band.idle_price else UNBOUNDED

    def _unspent(self) -> int:
        """What the escrow holds beyond the cost so far, in the exact units of `price`."""
        minor = self._session.amount - self._tariff.start_fee
        exact: int = minor * 60 * _MWH_PER_KWH * _MILLIONTHS // 10**self._session.decimals
        return max(0, exact - price(self._tariff, self.usage))

    def _choose(self, proof: Proof) -> None:
        """Make `proof` part of the evidence; segments begin anew from it."""
        self._affordable.clear()
        if self._anchor is not None:
            limit = self._session.energy_limit
            self._settled = add_segment(self._settled, self._tariff, self._anchor, proof.reading, limit)
        self._anchor = proof.reading
        self._idle = None
        self._pending.append(proof)

    def _choose_boundaries(self, proof: Proof) -> None:
        reading = proof.reading
        previous = self._last if self._last is not None and self._last.reading is not self._anchor else None
        before = self.last
        if self._anchor is None or before is None:
            return
        since = self._anchor.time + BOUNDARY_TOLERANCE
        changes = self._tariff.boundaries(since, max(since, reading.time + BOUNDARY_TOLERANCE + 1))
        missed = any(change < reading.time - BOUNDARY_TOLERANCE for change in changes)
        was_idle = before.flags & IDLE == IDLE
        turned = self._idle_priced and was_idle != (reading.flags & IDLE == IDLE)
        idle = idle_seconds(before, reading) > 0
        loud = self._idle_priced and self._idle is not None and idle != self._idle
        if previous is not None and (missed or loud or (turned and was_idle)):
            # Without it the whole segment up to `reading` would count in the cheapest band, or as not idle.
            self._choose(previous)
        self._idle = idle
        if changes or turned:
            self._choose(proof)
