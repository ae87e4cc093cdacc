"""A session's state machine: when it ends, why, and how long power may stay on without news."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaincode.session import Session
from chaincode.signing.batch import NO_BATCH, Batch, Flag, Reason, Sample
from chaincode.tariff import Band, Tariff
from chaincode.unit import Unit
from gateway.charging.reason import Code, Why
from gateway.charging.scheduler import LEAST_CURRENT, Grant
from gateway.monitor.session import Activity, Cancel, LiveSession, Patience, Settle, Stop
from gateway.monitor.stopped import StoppedReason
from gateway.monitor.unit import UnitFacts
from tests.gateway.monitor.test_account import FLAT, START, record, tariff

PATIENCE = Patience()
PLUGGED = Flag.CLOSED | Flag.CONNECTED
HOUR = 3_600
ENROLLED = Unit(
    number=7,
    key_class="ed25519",
    key="ab" * 32,
    nominal_current=32_000,
    nominal_voltage=2_300,
    phases=1,
    state="active",
    enrolled_at=0,
    generation=1,
    retired_keys=(),
)
FACTS = UnitFacts(
    number=7,
    group="garage",
    voltage=2_300,
    phases=1,
    nominal_current=32_000,
    maximum_current=32_000,
    adjustable=False,
    transmission=60,
)


class Driven:
    """A live session and the unit that drives it, with the clock between them."""

    def __init__(
        self, session: Session | None = None, priced: Tariff | None = None, facts: UnitFacts = FACTS
    ) -> None:
        self.live = LiveSession(session or record(), priced or tariff(), ENROLLED, facts, PATIENCE)
        self.now = START
        self.number = 0
        self.register = 5_000_000

    def grant(self, current: int = 32_000) -> None:
        """Power is granted, for a full grant."""
        self.live.granted_at = self.now if self.live.granted_at is None else self.live.granted_at
        load = FACTS.connection.load(current)
        until = self.now + FACTS.grant
        self.live.grant = Grant(7, "garage", self.live.id, current, load, until)
        self.live.why = Why(Code.CHARGING, current=current)

    def send(self, seconds: int = 60, current: int = 0, flags: Flag = PLUGGED, **changes: object) -> bool:
        """Let time pass at a current of `current` mA, then send a batch of samples, one a minute."""
        self.now += seconds
        self.number += 1
        energy = current * 2_300 // 10 * seconds // HOUR
        self.register += energy
        samples = tuple(Sample(current, 2_300) for _ in range(seconds // 60))
        batch = Batch(
            unit=7,
            network=bytes(8),
            boot=1,
            number=self.number,
            time=self.now,
            register=self.register,
            session=bytes(16),
            previous=NO_BATCH,
            period=60,
            flags=flags,
            temperature=20,
            humidity=40,
            reason=Reason.NONE,
            samples=samples,
        )
        batch = replace(batch, **changes)  # type: ignore[arg-type]
        return self.live.observe(batch, b"batch %d" % self.number, self.now)

    def begin(self) -> None:
        """The relay closes and the first batch comes."""
        self.grant()
        self.send(0, flags=PLUGGED | Flag.BEGIN)


def begun(session: Session | None = None, priced: Tariff | None = None) -> Driven:
    """A session whose first batch has come."""
    driven = Driven(session, priced)
    driven.begin()
    return driven


def test_a_session_goes_on_while_nothing_happens() -> None:
    """Charging at 10 A for an hour, it needs nothing."""
    driven = begun(record(amount=10_000))
    for _ in range(60):
        driven.send(current=10_000)
        assert driven.live.next_step(driven.now) is None
    assert driven.live.activity is Activity.CHARGING
    assert driven.live.account.energy == 60 * 38_333


def test_a_full_vehicle_ends_the_session() -> None:
    """Power down for five minutes, as the paper's section 4.3.5 ends it."""
    driven = begun(record(amount=10_000))
    driven.send(600, current=10_000)
    driven.send(240, current=100)
    assert driven.live.next_step(driven.now) is None
    driven.send(60, current=100)
    assert driven.live.next_step(driven.now) == Stop(StoppedReason.FULL)


def test_with_an_idle_price_a_full_vehicle_may_stay() -> None:
    """It pays for the place until it leaves, or until the escrow is used up."""
    priced = tariff((Band(name="all day", energy_price=200_000, idle_price=100_000),))
    driven = begun(record(amount=200), priced)
    driven.send(600, current=10_000)
    idle = PLUGGED | Flag.COMPLETE
    driven.send(600, current=0, flags=idle)
    assert driven.live.activity is Activity.COMPLETE
    assert driven.live.next_step(driven.now) is None
    driven.send(600, flags=idle)
    assert driven.live.next_step(driven.now) is None
    driven.send(600, flags=idle)
    assert driven.live.next_step(driven.now) == Stop(StoppedReason.CREDIT_USED)
    assert driven.live.account.cost == 200


def test_an_unplugged_vehicle_ends_the_session() -> None:
    """CONNECTED was there and is gone."""
    driven = begun()
    driven.send(current=10_000)
    driven.send(current=0, flags=Flag.CLOSED)
    assert driven.live.next_step(driven.now) == Stop(StoppedReason.DISCONNECTED)
    driven = begun()
    driven.send(current=10_000)
    driven.send(180, current=0, flags=Flag.CLOSED | Flag.COMPLETE)
    assert driven.live.next_step(driven.now) == Stop(StoppedReason.FULL)
    driven = begun()
    driven.send(current=10_000)
    driven.send(current=10_000, flags=Flag.CLOSED)
    assert driven.live.next_step(driven.now) == Stop(StoppedReason.DISCONNECTED)


def test_the_escrow_ends_the_session_before_it_is_exceeded() -> None:
    """0.50 at 0.20 a kWh are 2.5 kWh: at 2.3 kW END goes out a second before they are used up."""
    driven = begun(record(amount=50))
    for _ in range(65):
        driven.send(current=10_000)
        assert driven.live.next_step(driven.now) is None
    left = 2_500_000 - driven.live.account.energy
    exhausted = driven.now + left * HOUR // 2_300_000 - 1
    assert driven.live.wake_at(driven.now) == exhausted
    assert driven.live.next_step(exhausted - 1) is None
    assert driven.live.next_step(exhausted) == Stop(StoppedReason.CREDIT_USED)


def test_the_energy_asked_for_ends_the_session() -> None:
    """2.3 kWh asked, at 2.3 kW: an hour."""
    driven = begun(record(amount=10_000, energy_limit=2_300_000))
    for _ in range(59):
        driven.send(current=10_000)
        assert driven.live.next_step(driven.now) is None
    assert driven.live.next_step(driven.now + 59) == Stop(StoppedReason.ENERGY_REACHED)
    assert driven.live.next_step(driven.now + 58) is None


@pytest.mark.parametrize("current", [500, 6_000, 13_333, 32_000])
def test_a_unit_that_hears_nothing_more_stays_within_the_escrow(current: int) -> None:
    """Whenever the network breaks, the grant that was given then runs out before the money does."""
    driven = begun(record(amount=50))
    driven.send(current=current)
    while driven.live.next_step(driven.now) is None:
        until = driven.live.power_until(driven.now, 32_000)
        spent = driven.live.account.energy + current * 230 * max(0, until - driven.now) // HOUR
        assert spent <= 2_500_000 + 230 * current // HOUR
        driven.send(current=current)


def test_a_grant_before_the_first_batch_is_bounded_by_the_units_maximum() -> None:
    """0.02 buys 100 Wh: 32 A at 230 V draw them in 48 seconds."""
    driven = Driven(record(amount=2))
    assert driven.live.power_until(START, 32_000) == START + 48
    assert driven.live.power_until(START, 10_000) == START + 156


def test_time_is_up_at_the_deadline() -> None:
    """Neither power nor session go on beyond it."""
    driven = begun(record(amount=10**6))
    deadline = driven.live.record.deadline
    driven.now = deadline - 90
    driven.send(60, current=10_000)
    assert driven.live.power_until(driven.now, 32_000) == deadline
    assert driven.live.wake_at(driven.now) == deadline
    assert driven.live.next_step(deadline - 1) is None
    assert driven.live.next_step(deadline) == Stop(StoppedReason.TIME_REACHED)


def test_a_stop_intent_ends_the_session() -> None:
    """As soon as the ledger's record says so."""
    driven = begun()
    driven.live.renew(record(stop_at=driven.now))
    assert driven.live.next_step(driven.now) == Stop(StoppedReason.REMOTE)


def test_after_end_was_commanded_the_last_batch_settles_the_session() -> None:
    """The reason is the one for which it was commanded."""
    driven = begun()
    driven.send(current=10_000)
    driven.live.stop(StoppedReason.REMOTE, driven.now)
    assert driven.live.activity == "stopping"
    assert driven.live.next_step(driven.now) is None
    driven.send(5, flags=Flag.END | Flag.CONNECTED, reason=Reason.COMMAND)
    assert driven.live.next_step(driven.now) == Settle(StoppedReason.REMOTE)
    assert driven.live.grant is None
    assert driven.live.activity == "stopping"


@pytest.mark.parametrize(
    ("reason", "flags", "expected"),
    [
        (Reason.OVER_CURRENT, Flag.CONNECTED, StoppedReason.OVER_CURRENT),
        (Reason.POWER_LOST, Flag.CONNECTED, StoppedReason.POWER_LOSS),
        (Reason.NO_CURRENT, Flag.CONNECTED, StoppedReason.FULL),
        (Reason.NO_CURRENT, Flag.COMPLETE, StoppedReason.FULL),
        (Reason.NO_CURRENT, Flag(0), StoppedReason.DISCONNECTED),
        (Reason.OVER_TEMPERATURE, Flag.CONNECTED, StoppedReason.OTHER),
    ],
)
def test_a_unit_may_end_a_session_by_itself(reason: Reason, flags: Flag, expected: StoppedReason) -> None:
    """Its own reason becomes OCPP's."""
    driven = begun()
    driven.send(current=10_000)
    driven.send(5, flags=Flag.END | flags, reason=reason)
    assert driven.live.next_step(driven.now) == Settle(expected)


def test_a_last_batch_that_does_not_come_is_not_waited_for_for_ever() -> None:
    """A quarter of an hour after the relay must have opened, what there is settles the session."""
    driven = begun()
    driven.send(current=10_000)
    driven.grant()
    until = driven.now + FACTS.grant
    driven.live.stop(StoppedReason.REMOTE, driven.now)
    given_up = until + PATIENCE.last_batch
    assert driven.live.wake_at(driven.now) == given_up
    assert driven.live.next_step(given_up - 1) is None
    assert driven.live.next_step(given_up) == Settle(StoppedReason.REMOTE)


def test_a_silent_unit_has_six_hours() -> None:
    """Then what there is settles the session."""
    driven = begun()
    driven.send(current=10_000)
    driven.live.grant = None
    assert driven.live.wake_at(driven.now) == driven.now + PATIENCE.silence
    assert driven.live.next_step(driven.now + PATIENCE.silence) == Settle(StoppedReason.OTHER)


def test_a_session_that_was_never_given_power_is_cancelled() -> None:
    """When it is stopped, or when its time is up while it waits."""
    driven = Driven()
    assert driven.live.next_step(START + 9 * HOUR - 1) is None
    assert driven.live.next_step(START + 9 * HOUR) == Cancel()
    driven.live.renew(record(stop_at=START))
    assert driven.live.next_step(START) == Cancel()
    assert driven.live.activity is Activity.QUEUED


def test_a_unit_that_does_not_begin_is_told_to_end_and_then_given_up() -> None:
    """Its session is cancelled once its relay must be open, so the resident has the tokens back."""
    driven = Driven()
    driven.grant()
    begin = START + PATIENCE.begin
    assert driven.live.wake_at(START) == begin
    assert driven.live.next_step(begin) == Stop(StoppedReason.TIMEOUT)
    driven.live.stop(StoppedReason.TIMEOUT, begin)
    assert driven.live.next_step(begin + PATIENCE.last_batch) == Cancel()
    assert driven.live.next_step(begin + PATIENCE.last_batch - 1) is None


def test_a_unit_that_begins_late_after_all_is_settled() -> None:
    """A first batch that was on its way when END went out counts."""
    driven = Driven()
    driven.grant()
    driven.live.stop(StoppedReason.TIMEOUT, START + PATIENCE.begin)
    driven.send(PATIENCE.begin, flags=PLUGGED | Flag.BEGIN)
    driven.send(5, flags=Flag.END)
    assert driven.live.next_step(driven.now) == Settle(StoppedReason.TIMEOUT)


def test_nobody_plugging_in_ends_the_session() -> None:
    """Half an hour with the relay closed and no vehicle."""
    driven = Driven()
    driven.grant()
    driven.send(0, flags=Flag.CLOSED | Flag.BEGIN)
    driven.send(PATIENCE.plug_in - 60, flags=Flag.CLOSED)
    assert driven.live.next_step(driven.now) is None
    driven.send(60, flags=Flag.CLOSED)
    assert driven.live.next_step(driven.now) == Stop(StoppedReason.TIMEOUT)


def test_an_end_that_is_too_late_for_the_ledger_still_opens_the_relay() -> None:
    """The session is settled with the last batch that counts."""
    driven = begun()
    driven.send(current=10_000)
    counted = driven.live.account.energy
    driven.live.renew(record(stop_at=driven.now))
    driven.live.stop(StoppedReason.REMOTE, driven.now)
    assert not driven.send(600, current=10_000, flags=Flag.END)
    assert driven.live.next_step(driven.now) == Settle(StoppedReason.REMOTE)
    assert driven.live.account.energy == counted


def test_a_long_session_wants_a_checkpoint() -> None:
    """Twelve hours after the last reading on the ledger."""
    driven = begun(record(amount=10**6, deadline=START + 48 * HOUR))
    first = driven.live.account.first
    assert first is not None
    driven.live.renew(replace(driven.live.record, state="started", first=first, last=first))
    driven.send(PATIENCE.checkpoint - 60, current=1_000)
    assert not driven.live.needs_checkpoint
    driven.send(60, current=1_000)
    assert driven.live.needs_checkpoint


def test_what_the_scheduler_is_asked() -> None:
    """The energy that is still wanted, the unit's limits, and nothing once the session stops."""
    driven = begun(record(amount=50, leave=START + HOUR))
    driven.send(600, current=10_000)
    request = driven.live.request(driven.now)
    assert request is not None
    assert (request.asked, request.delivered) == (2_500_000, 383_333)
    assert (request.least, request.most, request.draw, request.leave) == (
        32_000,
        32_000,
        10_000,
        START + HOUR,
    )
    adjustable = Driven(facts=replace(FACTS, adjustable=True)).live.request(START)
    assert adjustable is not None
    assert (adjustable.least, adjustable.most) == (LEAST_CURRENT, 32_000)
    driven.live.stop(StoppedReason.REMOTE, driven.now)
    assert driven.live.request(driven.now) is None


def test_free_energy_needs_no_escrow_to_go_on() -> None:
    """With a price of zero only time ends the session."""
    free = tariff((replace(FLAT[0], energy_price=0),))
    driven = begun(record(amount=1), free)
    driven.send(HOUR, current=32_000)
    assert driven.live.next_step(driven.now) is None
