"""The store of reading batches: each one's exact bytes, and whether it may follow what is stored.

A meter's batches are in the order of their numbers, whatever order they arrive in. A number is used once;
neither register nor boot count may fall from a number to a higher one. Gaps are fine: the register is
cumulative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, func, insert, select
from sqlalchemy.exc import IntegrityError

from chaincode.signing.batch import NO_SESSION, batch_hash, decode_batch
from chaincode.signing.domain import MAC_BYTES, SIGNATURE_BYTES
from chaincode.unit import MAC
from gateway.metering.directory import EnrolledUnit
from gateway.metering.received import Received
from gateway.metering.records import READING_BATCH
from gateway.metering.refusal import RefusalKind, Refused
from gateway.metering.verification import SoundBatch
from gateway.store.database import Database

_Meter = tuple[int, int]
"""Unit number and enrolment: one meter's batches, as new hardware starts again at the same number."""
_TABLE = READING_BATCH.c


@dataclass(frozen=True, slots=True)
class Tail:
    """A meter's stored batch with the highest number."""

    number: int
    boot: int
    register: int
    """mWh."""
    hash: bytes


@dataclass(frozen=True, slots=True)
class Arrival:
    """A sound batch that wants to be stored."""

    unit: EnrolledUnit
    sound: SoundBatch
    evidence: bytes
    received_at: int
    """Milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an arrival."""

    stored: bool
    """Written by this very call; False for one that was there before, and for a refused one."""
    refused: Refused | None = None
    """Why it was refused; with `stored`, what is wrong with it all the same."""
    elsewhere: bool = False
    """Another gateway has stored batches of this meter since this one last did."""


_NEW = Verdict(stored=True)


class Readings:
    """The gateway's raw readings. One instance writes at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tails: dict[_Meter, Tail] = {}

    async def add(self, arrivals: Sequence[Arrival]) -> list[Verdict]:
        """Judge each arrival and store the good ones, durable when this returns.

        Raises `StoreError` where the database fails; then nothing of the group is stored."""
        try:
            return await self._write(arrivals)
        except IntegrityError:
            # Another gateway stored one of these numbers since this one last looked.
            for meter in map(_meter, arrivals):
                self._tails.pop(meter, None)
            return await self._write(arrivals)

    def tail_known(self, unit: EnrolledUnit) -> Tail | None:
        """The meter's last batch, of a unit of which this instance has stored or judged one."""
        return self._tails.get((unit.number, unit.enrolled_at))

    async def tail(self, unit: EnrolledUnit) -> Tail | None:
        """The meter's last batch, None where there is none."""
        known = self.tail_known(unit)
        return known or await self._database.read(lambda c: _load_tail(c, (unit.number, unit.enrolled_at)))

    async def last(self, unit: EnrolledUnit) -> Received | None:
        """The meter's last batch with its bytes, None where there is none."""
        query = (
            select(READING_BATCH)
            .where(_TABLE.unit == unit.number, _TABLE.enrolled_at == unit.enrolled_at)
            .order_by(_TABLE.number.desc())
            .limit(1)
        )
        found = await self._database.read(lambda c: c.execute(query).mappings().first())
        return None if found is None else _received(found)

    async def of_session(self, session: bytes, after: int = -1, limit: int = 10_000) -> list[Received]:
        """A session's batches by number, those above `after`, at most `limit`; `session` is the first 16
        bytes of its id."""
        query = (
            select(READING_BATCH)
            .where(_TABLE.session == session, _TABLE.number > after)
            .order_by(_TABLE.number)
            .limit(limit)
        )
        # Decoded in the reader's thread: ten thousand of them would hold the event loop up.
        return await self._database.read(lambda c: [_received(row) for row in c.execute(query).mappings()])

    async def newest(self, sessions: Sequence[bytes]) -> int:
        """When the last batch of any of these sessions came, milliseconds since 1970; 0 where none has."""
        query = select(func.max(_TABLE.received_at)).where(_TABLE.session.in_(sessions))
        return await self._database.read(lambda c: c.execute(query).scalar()) or 0

    async def _write(self, arrivals: Sequence[Arrival]) -> list[Verdict]:
        known = {meter: self._tails.get(meter) for meter in map(_meter, arrivals)}
        verdicts, tails = await self._database.write(lambda c: _Judge(c, known).add(arrivals))
        self._tails.update(tails)
        return verdicts


class _Judge:
    """One group of arrivals, judged and written in one database transaction."""

    def __init__(self, connection: Connection, known: dict[_Meter, Tail | None]) -> None:
        self._connection = connection
        # A copy: the transaction may be run again from the start.
        self._tails = dict(known)
        self._rows: list[dict[str, object]] = []

    def add(self, arrivals: Sequence[Arrival]) -> tuple[list[Verdict], dict[_Meter, Tail]]:
        """The verdicts in order, and the meters' new last batches."""
        verdicts = [self._one(arrival) for arrival in arrivals]
        self._flush()
        return verdicts, {meter: tail for meter, tail in self._tails.items() if tail is not None}

    def _one(self, arrival: Arrival) -> Verdict:
        meter, batch = _meter(arrival), arrival.sound.batch
        tail = self._tails[meter]
        if tail is None:
            tail = self._tails[meter] = _load_tail(self._connection, meter)
        verdict = _NEW
        if tail is None or batch.number == tail.number + 1:
            refused = _falls(batch.boot, batch.register, before=tail)
            if refused is None and tail is not None and _breaks_chain(arrival.sound, tail):
                sentence = f"is the hash of batch {tail.number}, the one before"
                verdict = Verdict(
                    stored=True, refused=Refused(RefusalKind.BROKEN_CHAIN, "batch.previous", sentence)
                )
        else:
            # Repeated, out of order or after a gap: what is stored decides, in memory it is not known. The
            # gap may be batches that another gateway has stored.
            self._flush()
            latest = _load_tail(self._connection, meter)
            elsewhere = latest is not None and latest.number != tail.number
            tail = self._tails[meter] = latest
            verdict = Verdict(True, elsewhere=elsewhere)
            stored = self._stored_message(meter, batch.number)
            if stored == arrival.sound.message:
                return Verdict(False, elsewhere=elsewhere)
            if stored is not None:
                sentence = f"{batch.number} is not used by another batch"
                return Verdict(False, Refused(RefusalKind.REPEATED_NUMBER, "batch.number", sentence))
            before, after = self._neighbours(meter, batch.number)
            refused = _falls(batch.boot, batch.register, before, after)
        if refused is not None:
            return Verdict(False, refused)
        self._rows.append(_row(arrival))
        if tail is None or batch.number > tail.number:
            self._tails[meter] = Tail(batch.number, batch.boot, batch.register, arrival.sound.hash)
        return verdict

    def _flush(self) -> None:
        if self._rows:
            self._connection.execute(insert(READING_BATCH), self._rows)
            self._rows = []

    def _stored_message(self, meter: _Meter, number: int) -> bytes | None:
        query = select(_TABLE.message).where(
            _TABLE.unit == meter[0], _TABLE.enrolled_at == meter[1], _TABLE.number == number
        )
        return self._connection.execute(query).scalar_one_or_none()

    def _neighbours(self, meter: _Meter, number: int) -> tuple[Tail | None, Tail | None]:
        """The stored batches with the next lower and the next higher number."""
        before = _load_tail(self._connection, meter, below=number)
        query = (
            select(_TABLE.number, _TABLE.boot, _TABLE.register)
            .where(_TABLE.unit == meter[0], _TABLE.enrolled_at == meter[1], _TABLE.number > number)
            .order_by(_TABLE.number)
            .limit(1)
        )
        found = self._connection.execute(query).first()
        return before, None if found is None else Tail(*found, hash=b"")


def _meter(arrival: Arrival) -> _Meter:
    return arrival.unit.number, arrival.unit.enrolled_at


def _load_tail(connection: Connection, meter: _Meter, below: int | None = None) -> Tail | None:
    query = select(_TABLE.number, _TABLE.boot, _TABLE.register, _TABLE.message).where(
        _TABLE.unit == meter[0], _TABLE.enrolled_at == meter[1]
    )
    if below is not None:
        query = query.where(_TABLE.number < below)
    found = connection.execute(query.order_by(_TABLE.number.desc()).limit(1)).first()
    return None if found is None else Tail(found[0], found[1], found[2], batch_hash(found[3]))


def _falls(boot: int, register: int, before: Tail | None, after: Tail | None = None) -> Refused | None:
    """Why a batch cannot stand between its neighbours, None where it can."""
    low_boot, low = (0, 0) if before is None else (before.boot, before.register)
    if boot < low_boot or (after is not None and boot > after.boot):
        return Refused(RefusalKind.FALLING_BOOT, "batch.boot", f"is at least {low_boot} and never falls")
    if register < low or (after is not None and register > after.register):
        return Refused(
            RefusalKind.FALLING_REGISTER, "batch.register", f"is at least {low} mWh and never falls"
        )
    return None


def _breaks_chain(sound: SoundBatch, tail: Tail) -> bool:
    """Whether a batch does not name the one before it, of the same start, as `previous`."""
    return sound.batch.boot == tail.boot and sound.batch.previous != tail.hash


def _row(arrival: Arrival) -> dict[str, object]:
    batch, message = arrival.sound.batch, arrival.sound.message
    return {
        "unit": batch.unit,
        "enrolled_at": arrival.unit.enrolled_at,
        "number": batch.number,
        "boot": batch.boot,
        "time": batch.time,
        "register": batch.register,
        "session": None if batch.session == NO_SESSION else batch.session,
        "received_at": arrival.received_at,
        "message": message,
        "attestation": arrival.evidence[len(message) :] if arrival.unit.unit_class == MAC else None,
    }


def _received(row: RowMapping) -> Received:
    message, attestation = bytes(row["message"]), row["attestation"]
    length = len(message) - (SIGNATURE_BYTES if attestation is None else MAC_BYTES)
    return Received(
        unit=row["unit"],
        batch=decode_batch(message[:length]),
        message=message,
        evidence=message + bytes(attestation or b""),
        received_at=row["received_at"],
        enrolled_at=row["enrolled_at"],
    )
