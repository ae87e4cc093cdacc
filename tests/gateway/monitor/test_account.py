"""The account agrees with the ledger to the unit, and shows it the batches that matter."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chaincode.meter import Reading
from chaincode.session import Session
from chaincode.settlement import add_segment, cost
from chaincode.signing.batch import Flag
from chaincode.tariff import Band, Change, Offset, Tariff
from gateway.monitor.account import UNBOUNDED, Account

START = 1_760_000_400
"""Unix seconds; a whole minute."""
MINUTE = 60
FLAT = (Band(name="all day", energy_price=200_000, idle_price=0),)
DAY_NIGHT = (
    Band(name="day", energy_price=220_000, idle_price=5_000),
    Band(name="night", energy_price=110_000, idle_price=0),
)


def tariff(bands: tuple[Band, ...] = FLAT, every: int = 0, start_fee: int = 0) -> Tariff:
    """A tariff whose bands take turns every so many minutes of the week."""
    minutes = range(0, 7 * 1440, every) if every else []
    week = tuple(Change(minute=m, band=i % len(bands)) for i, m in enumerate(minutes))
    return Tariff(
        number=1,
        valid_from=0,
        start_fee=start_fee,
        bands=bands,
        week=week,
        offsets=(Offset(start=0, seconds=0),),
    )


def record(amount: int = 1_000, energy_limit: int | None = None, **changes: object) -> Session:
    """A session as the ledger has it just after opening."""
    members = {
        "id": "ab" * 32,
        "state": "opened",
        "unit": 7,
        "wallet": "cd" * 32,
        "issuer": "aurora",
        "tariff": 1,
        "amount": amount,
        "decimals": 2,
        "opened_at": START,
        "deadline": START + 9 * 3_600,
        "reclaim_after": START + 10 * 3_600,
        "energy_limit": energy_limit,
        "leave": None,
        "mandate": None,
        "metering": None,
        "stop_at": None,
        "first": None,
        "last": None,
        "usage": [],
        "settlement": None,
    }
    missing = {name: None for name in Session.__dataclass_fields__ if name not in members}
    return replace(Session.of(members | missing), **changes)  # type: ignore[arg-type]


def reading(number: int, minutes: int, kwh_thousandths: int, flags: Flag = Flag.CLOSED) -> Reading:
    """A reading some minutes after the start, its register in Wh."""
    return Reading(
        boot=1,
        number=number,
        time=START + minutes * MINUTE,
        register=kwh_thousandths * 1_000,
        flags=int(flags),
        hash=f"{number:064x}",
    )


def proof_of(each: Reading) -> bytes:
    """Bytes that stand for a batch's evidence."""
    return each.hash.encode()


def ledger_cost(session: Session, priced: Tariff, readings: list[Reading]) -> int:
    """What the ledger charges when it is shown these readings."""
    usage = session.usage
    for before, after in pairwise(readings):
        usage = add_segment(usage, priced, before, after, session.energy_limit)
    return cost(priced, usage, session.decimals, session.amount)


def test_energy_and_cost_follow_the_register() -> None:
    """2.3 kWh at 0.20 are 46 cents, whatever the registers began with."""
    account = Account(record(), tariff())
    for each in (reading(5, 0, 700), reading(6, 30, 1_850), reading(9, 60, 3_000)):
        assert account.count(each, proof_of(each))
    assert (account.energy, account.cost) == (2_300_000, 46)


def test_one_band_needs_the_first_and_the_last_batch_alone() -> None:
    """The batches in between stay off the ledger."""
    account = Account(record(), tariff())
    readings = [reading(n, n, n * 38) for n in range(30)]
    for each in readings:
        account.count(each, proof_of(each))
    assert account.evidence() == [proof_of(readings[0]), proof_of(readings[-1])]


def test_a_batch_at_each_boundary_is_shown() -> None:
    """Hourly bands and batches each minute: those at whole hours are evidence."""
    account = Account(record(), tariff(DAY_NIGHT, every=60))
    first = 60 - START // 60 % 60
    readings = [reading(n, n, n * 38) for n in range(first + 61)]
    for each in readings:
        account.count(each, proof_of(each))
    expected = [readings[0], readings[first], readings[first + 60]]
    assert account.evidence() == [proof_of(each) for each in expected]


def test_a_boundary_without_a_batch_costs_only_the_segment_around_it() -> None:
    """The batches before and after are shown, so that the cheapest band gets no more than it must."""
    priced = tariff(DAY_NIGHT, every=60)
    account = Account(record(), priced)
    boundary = 60 - START // 60 % 60
    readings = [reading(n, n, n * 38) for n in range(boundary + 30) if n != boundary]
    for each in readings:
        account.count(each, proof_of(each))
    around = [each for each in readings if abs(each.number - boundary) == 1]
    assert account.evidence() == [proof_of(each) for each in (readings[0], *around, readings[-1])]
    assert account.cost == ledger_cost(record(), priced, readings)


def test_idle_time_is_proven_from_its_first_to_its_last_batch() -> None:
    """Ten minutes full and plugged in at 0.30 a minute are three tokens."""
    priced = tariff((Band(name="all day", energy_price=200_000, idle_price=300_000),))
    idle = Flag.CLOSED | Flag.COMPLETE | Flag.CONNECTED
    readings = [reading(0, 0, 0), reading(1, 10, 1_000), reading(2, 20, 1_000, idle)]
    readings += [reading(3, 25, 1_000, idle), reading(4, 30, 1_000, idle), reading(5, 31, 1_000)]
    account = Account(record(), priced)
    for each in readings:
        account.count(each, proof_of(each))
    shown = [readings[0], readings[2], readings[4], readings[5]]
    assert account.evidence() == [proof_of(each) for each in shown]
    assert account.cost == 20 + 300


def test_a_batch_that_the_ledger_would_refuse_does_not_count() -> None:
    """Repeated, older, lower, from before a restart, or after the end."""
    account = Account(record(), tariff())
    good = reading(5, 10, 1_000)
    account.count(good, proof_of(good))
    for bad in (
        reading(5, 11, 1_100),
        reading(4, 11, 1_100),
        reading(6, 11, 900),
        reading(6, 9, 1_100),
        replace(reading(6, 11, 1_100), boot=0),
        reading(6, 9 * 60 + 6, 1_100),
    ):
        assert not account.count(bad, proof_of(bad))
    assert account.energy == 0
    late = reading(6, 9 * 60 + 5, 1_100)
    assert account.count(late, proof_of(late))


def test_a_stop_moves_the_end() -> None:
    """Readings count up to five minutes after the resident asked to stop."""
    account = Account(record(), tariff())
    account.count(reading(1, 0, 0), b"")
    account.renew(record(stop_at=START + 600))
    assert not account.count(reading(2, 16, 100), b"")
    assert account.count(reading(2, 15, 100), b"")


def test_what_the_ledger_has_used_is_not_shown_again() -> None:
    """After the start is on the ledger, and after a restart that reads all batches again."""
    readings = [reading(n, n, n * 38) for n in range(5)]
    account = Account(record(), tariff())
    account.count(readings[0], proof_of(readings[0]))
    assert account.evidence() == [proof_of(readings[0])]
    started = record(state="started", first=readings[0], last=readings[0])
    account.renew(started)
    assert account.evidence() == []
    again = Account(started, tariff())
    for each in readings:
        account.count(each, proof_of(each))
        again.count(each, proof_of(each))
    assert account.evidence() == again.evidence() == [proof_of(readings[4])]
    assert account.energy == again.energy == 4 * 38_000


def test_the_escrow_buys_at_the_dearest_price_to_come() -> None:
    """With a dear band within the horizon, less energy is left."""
    priced = tariff(DAY_NIGHT, every=60)
    account = Account(record(amount=22), priced)
    account.count(reading(1, 0, 0), b"")
    assert account.affordable(START + 7_200) == 1_000_000
    assert account.affordable(START) == {0: 1_000_000, 1: 2_000_000}[priced.band_at(START)]


def test_what_was_asked_for_bounds_what_is_wanted() -> None:
    """Energy asked less energy delivered, and no bound where nothing was said."""
    account = Account(record(energy_limit=3_000_000), tariff())
    account.count(reading(1, 0, 0), b"")
    account.count(reading(2, 10, 1_000), b"")
    assert account.wanted() == 2_000_000
    assert Account(record(), tariff()).wanted() == UNBOUNDED


def test_free_energy_is_bounded_by_nothing() -> None:
    """A tariff without a price leaves the escrow alone."""
    account = Account(record(amount=1), tariff((Band(name="free", energy_price=0, idle_price=0),)))
    account.count(reading(1, 0, 0), b"")
    assert (account.affordable(START + 3_600), account.idle_left()) == (UNBOUNDED, UNBOUNDED)


steps = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 300), st.booleans()), min_size=1, max_size=40)


tariffs = st.builds(
    tariff,
    st.sampled_from((FLAT, DAY_NIGHT, (*DAY_NIGHT, *FLAT))),
    st.sampled_from((15, 60, 480)),
    st.integers(0, 30),
)


@given(steps, tariffs, st.integers(1, 2_000), st.none() | st.integers(1, 4_000_000))
def test_the_batches_shown_cost_what_all_of_them_would(
    walk: list[tuple[int, int, bool]], priced: Tariff, amount: int, energy_limit: int | None
) -> None:
    """Whatever the readings: the chosen evidence, the whole of it, and the account itself agree."""
    session = record(amount, energy_limit, deadline=START + 10**6)
    account = Account(session, priced)
    readings = []
    minutes = energy = 0
    for number, (pause, used, full) in enumerate(walk):
        minutes, energy = minutes + pause, energy + used
        flags = Flag.CLOSED | Flag.COMPLETE | Flag.CONNECTED if full else Flag.CLOSED
        readings.append(reading(number, minutes, energy, flags))
        assert account.count(readings[-1], proof_of(readings[-1]))
        assert account.cost == ledger_cost(session, priced, readings)
    shown = set(account.evidence())
    assert ledger_cost(session, priced, [r for r in readings if proof_of(r) in shown]) == account.cost


@given(steps, st.integers(1, 500), st.integers(0, 20))
def test_what_is_affordable_costs_no_more_than_the_escrow(
    walk: list[tuple[int, int, bool]], amount: int, start_fee: int
) -> None:
    """Drawing all that the account says is affordable stays within the escrow, before the ledger caps it."""
    priced = tariff(start_fee=start_fee)
    account = Account(record(amount, deadline=START + 10**6), priced)
    minutes = energy = 0
    for number, (pause, used, _) in enumerate(walk):
        minutes, energy = minutes + pause, energy + used
        account.count(reading(number, minutes, energy), b"")
    left = account.affordable(START)
    uncapped = cost(priced, account.usage, 2, 10**12)
    if left:
        assert start_fee + (account.energy + left) * 200_000 * 100 // 10**12 <= amount
        assert start_fee + (account.energy + left + 60_000) * 200_000 * 100 // 10**12 >= amount
    else:
        assert uncapped >= amount - 1 or start_fee >= amount
