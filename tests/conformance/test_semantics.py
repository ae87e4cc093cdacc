"""Fabric's semantics, one at a time, on both ledgers: conflicts, phantoms, pages, events, nested calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chaincode.errors import InvalidArgument, NotFound
from chaincode.stub import Creator
from network.ledger import MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT, VALID, LedgerError
from tests.conformance.conftest import Identities
from tests.conformance.pair import Outcome, Pair, creators

pytestmark = [pytest.mark.fabric, pytest.mark.slow]

HOME, AWAY = "condocharge-aurora", "condocharge-boreal"


class Register:
    """The tests' register on both ledgers, as aurora's gateway calls it."""

    def __init__(self, pair: Pair, creator: Creator) -> None:
        self.pair = pair
        self.creator = creator

    def call(self, function: str, *arguments: str, namespace: str = HOME) -> tuple[Any, ...]:
        """A call for `Pair.together`."""
        return (self.creator, namespace, function, *(argument.encode() for argument in arguments))

    async def submit(self, function: str, *arguments: str, namespace: str = HOME) -> Any:
        """Submit on both and read the answer that both gave."""
        return json.loads(await self.pair.submit(*self.call(function, *arguments, namespace=namespace)))

    async def evaluate(self, function: str, *arguments: str) -> Any:
        """Evaluate on both and read the answer that both gave."""
        return json.loads(await self.pair.evaluate(*self.call(function, *arguments)))

    async def outcome(self, function: str, *arguments: str) -> Outcome:
        """Submit on both; all that came of it."""
        (outcome,) = await self.pair.together(self.call(function, *arguments))
        return outcome


@pytest.fixture
def register(pair: Pair, identities: Identities) -> Register:
    """The register in a part of the namespaces that begins empty."""
    return Register(pair, creators(identities)["auroraMSP", "gateway"])


async def test_reads_and_writes_are_recorded_alike(register: Register) -> None:
    """Absent and present keys, deletions, a key written twice, and nothing at all."""
    await register.submit("put", "k", "1", "other", "2", "kind/name", "3")
    await register.submit("add", "k", "5")
    await register.submit("get_many", "k", "missing", "kind/name")
    await register.submit("put", "k", "first", "k", "second")
    assert await register.evaluate("get", "k") == "second"
    await register.submit("delete", "k")
    await register.submit("delete", "never there")
    await register.submit("context")
    assert await register.evaluate("get", "k") is None


async def test_own_writes_are_not_seen(register: Register) -> None:
    """A transaction reads the state before it, its own writes not included."""
    assert await register.submit("read_own_write", "k", "new") is None
    assert await register.submit("read_own_write", "k", "newer") == "new"


async def test_the_second_of_two_writers_conflicts(register: Register) -> None:
    """Both read and write one key: one is valid."""
    await register.submit("put", "k", "0")
    outcomes = await register.pair.together(register.call("add", "k", "1"), register.call("add", "k", "1"))
    assert {outcome.validation for outcome in outcomes} == {VALID, MVCC_READ_CONFLICT}
    assert await register.evaluate("get", "k") == "1"


async def test_writers_that_read_nothing_never_conflict(register: Register) -> None:
    """Two that write unread keys are both valid, and so are two readers of what nobody writes."""
    writers = [register.call("put", name, name) for name in ("x", "y", "z")]
    outcomes = await register.pair.together(*writers)
    assert [outcome.validation for outcome in outcomes] == [VALID] * 3
    readers = [register.call("require", "x") for _ in range(3)]
    outcomes = await register.pair.together(*readers)
    assert [outcome.validation for outcome in outcomes] == [VALID] * 3


async def test_two_counts_of_one_range_are_phantoms_to_each_other(register: Register) -> None:
    """Each counts a range and writes into it, reading no key: whichever comes second saw too few."""
    calls = [register.call("count_and_put", "kind", "kind/x")] * 2
    outcomes = await register.pair.together(*calls)
    assert {outcome.validation for outcome in outcomes} == {VALID, PHANTOM_READ_CONFLICT}
    assert len(await register.evaluate("list", "kind")) == 1


@pytest.mark.parametrize("size", [0, 1, 49])
async def test_ranges_record_what_they_returned(register: Register, size: int) -> None:
    """A counted range is recorded with its bounds and its keys; neighbours in name are not in it."""
    pairs = [part for number in range(size) for part in (f"kind/{number:02}", "v")]
    await register.submit("put", "kin/d", "v", "kinds/x", "v", *pairs)
    outcome = await register.outcome("count_and_put", "kind", "count")
    assert json.loads(outcome.answer or b"") == size
    ((_, _, ranges, _),) = outcome.sets
    assert [len(reads) for _, _, reads in ranges] == [size]


async def test_pages_lead_through_a_range(register: Register) -> None:
    """The same pages and bookmarks, an exact fit and an empty range included."""
    pairs = [part for number in range(6) for part in (f"kind/{number}", str(number))]
    await register.submit("put", *pairs)
    first = await register.evaluate("page", "kind", "3", "")
    assert first[0] == ["0", "1", "2"]
    second = await register.evaluate("page", "kind", "3", first[1])
    assert second == [["3", "4", "5"], ""]
    assert await register.evaluate("page", "kind", "10", "") == [["0", "1", "2", "3", "4", "5"], ""]
    assert await register.evaluate("page", "nothing", "3", "") == [[], ""]


async def test_history_lists_every_value(register: Register) -> None:
    """Newest first, deletions too, with the same times; what did not commit is not in it."""
    await register.submit("put", "k", "1")
    register.pair.now += 1_000
    await register.submit("delete", "k")
    register.pair.now += 1_000
    await register.submit("put", "k", "3")
    history = await register.evaluate("history", "k")
    assert [value for _, _, value in history] == ["3", None, "1"]
    times = [time for _, time, _ in history]
    assert times == [register.pair.now, register.pair.now - 1_000, register.pair.now - 2_000]
    assert await register.evaluate("history", "never there") == []


async def test_an_event_goes_with_its_transaction(register: Register) -> None:
    """One event with name and payload; a second one fails the transaction."""
    outcome = await register.outcome("announce", "name", "payload")
    assert outcome.event == ("name", b"payload")
    outcome = await register.outcome("announce", "name", "payload", "again")
    assert outcome.error == ("EndorseError",)
    outcome = await register.outcome("call", AWAY, "announce", "name", "dropped")
    assert (outcome.validation, outcome.event) == (VALID, None)


async def test_a_nested_call_is_in_one_transaction(register: Register) -> None:
    """Both namespaces' sets are in it; the callee sees which chaincode was called first."""
    outcome = await register.outcome("call_and_put", AWAY, "k", "v")
    assert [namespace for namespace, *_ in outcome.sets] == [HOME, AWAY]
    context = await register.submit("call", AWAY, "context")
    assert (context["called"], context["msp_id"]) == (HOME, "auroraMSP")


async def test_nested_conflicts_are_conflicts(register: Register) -> None:
    """A read in a called namespace that has become stale makes the whole transaction invalid."""
    calls = [register.call("call", AWAY, "add", "k", "1"), register.call("add", "k", "1", namespace=AWAY)]
    outcomes = await register.pair.together(*calls)
    assert {outcome.validation for outcome in outcomes} == {VALID, MVCC_READ_CONFLICT}


async def test_rejections_write_nothing(register: Register) -> None:
    """A rejection has the same words on both, directly and through a nested call."""
    for call in (("require", "k"), ("call", AWAY, "require", "k")):
        with pytest.raises(NotFound, match=r"^key breaks the rule: k does not exist$"):
            await register.submit(*call)
        with pytest.raises(NotFound, match=r"^key breaks the rule: k does not exist$"):
            await register.evaluate(*call)
    with pytest.raises(InvalidArgument):
        await register.submit("no-such-function")
    assert register.pair.state == {}


async def test_a_caught_rejection_leaves_the_callees_writes_out(register: Register) -> None:
    """Who catches a callee's rejection and goes on commits its own writes alone."""
    assert await register.submit("try_call", AWAY, "k") == "key breaks the rule: it is never allowed"
    assert [values for values in register.pair.state.values() if values] == [
        dict.fromkeys(register.pair.state[HOME], b"here")
    ]


async def test_broken_rules_fail_the_endorsement(register: Register) -> None:
    """An unexpected error is no rejection: nothing is ordered, and its words stay inside."""
    outcome = await register.outcome("break", "secret")
    assert outcome.error == ("EndorseError",)
    with pytest.raises(LedgerError):
        await register.evaluate("break", "secret")
