"""What a client of the embedded ledger sees: Fabric's semantics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from chaincode.errors import InvalidArgument, StateConflict
from chaincode.stub import composite_key
from network.embedded.ledger import EmbeddedLedger
from network.ledger import (
    MVCC_READ_CONFLICT,
    PHANTOM_READ_CONFLICT,
    VALID,
    CommitError,
    CommitStatusError,
    Committed,
    EndorseError,
    EvaluateError,
    Event,
    Ledger,
    Read,
    SubmitError,
    Write,
)
from tests.network.embedded.conftest import AURORA, BOREAL, CHANNEL, Site


async def submit(ledger: Ledger, function: str, *arguments: str, namespace: str = AURORA) -> Committed:
    return await ledger.submit(namespace, function, [argument.encode() for argument in arguments])


async def evaluate(ledger: Ledger, function: str, *arguments: str, namespace: str = AURORA) -> bytes:
    return await ledger.evaluate(namespace, function, [argument.encode() for argument in arguments])


async def listed(ledger: Ledger, kind: str) -> list[str]:
    """The values of a range, in its order."""
    return [value for _, value in json.loads(await evaluate(ledger, "list", kind))]


async def submit_together(ledger: Ledger, *calls: Sequence[str]) -> list[str]:
    """Submit calls so that they share a block; the validation code of each."""
    outcomes = await asyncio.gather(*(submit(ledger, *call) for call in calls), return_exceptions=True)
    codes = []
    for outcome in outcomes:
        if isinstance(outcome, CommitError):
            codes.append(outcome.validation)
        else:
            assert isinstance(outcome, Committed), outcome
            codes.append(VALID)
    return codes


async def test_a_committed_value_is_read_back(ledger: EmbeddedLedger) -> None:
    """What was submitted is what a query answers, and the block says so."""
    committed = await submit(ledger, "add", "a", "5")
    assert (committed.block, committed.result) == (0, b"5")
    assert await evaluate(ledger, "get", "a") == b'"5"'
    assert await ledger.height() == 1


async def test_it_is_a_ledger(ledger: EmbeddedLedger) -> None:
    """The class has the protocol's form, for the type checker too."""
    as_protocol: Ledger = ledger
    assert (as_protocol.channel, as_protocol.msp_id) == (CHANNEL, "auroraMSP")


async def test_own_writes_are_invisible(ledger: EmbeddedLedger) -> None:
    """A transaction reads the state as it was before it."""
    assert (await submit(ledger, "read_own_write", "a", "1")).result == b"null"
    assert (await submit(ledger, "read_own_write", "a", "2")).result == b'"1"'


async def test_two_changes_of_a_key_in_one_block_conflict(ledger: EmbeddedLedger) -> None:
    """The later of two that read and write the same key is invalid, and has no effect."""
    codes = await submit_together(ledger, ("add", "a", "1"), ("add", "a", "2"), ("add", "b", "4"))
    assert codes == [VALID, MVCC_READ_CONFLICT, VALID]
    assert await ledger.height() == 1
    assert await evaluate(ledger, "get_many", "a", "b") == b'["1", "4"]'
    block = await ledger.block(0)
    assert [transaction.validation for transaction in block.transactions] == codes


async def test_blind_writes_do_not_conflict(ledger: EmbeddedLedger) -> None:
    """Of two writes that read nothing, the later one of the block stays."""
    assert await submit_together(ledger, ("put", "a", "1"), ("put", "a", "2")) == [VALID, VALID]
    assert await evaluate(ledger, "get", "a") == b'"2"'


@pytest.mark.parametrize("change", [("put", "p/new", "x"), ("put", "p/a", "x"), ("delete", "p/b")])
async def test_a_phantom_in_a_range_conflicts(ledger: EmbeddedLedger, change: tuple[str, ...]) -> None:
    """A key that comes, changes or goes within a range read makes the reader invalid."""
    await submit_together(ledger, ("put", "p/a", "1"), ("put", "p/b", "2"))
    assert await submit_together(ledger, change, ("count_and_put", "p", "total")) == [
        VALID,
        PHANTOM_READ_CONFLICT,
    ]


async def test_a_change_outside_a_range_does_not_conflict(ledger: EmbeddedLedger) -> None:
    """Neighbouring keys, and those beyond where reading stopped, are nobody's phantom."""
    await submit_together(ledger, ("put", "p/b", "1"), ("put", "p/d", "2"))
    assert await submit_together(ledger, ("put", "q/a", "x"), ("count_and_put", "p", "total")) == [
        VALID,
        VALID,
    ]
    assert await submit_together(ledger, ("put", "p/c", "x"), ("first", "p", "total")) == [VALID, VALID]
    codes = await submit_together(ledger, ("put", "p/a", "x"), ("first", "p", "total"))
    assert codes == [VALID, PHANTOM_READ_CONFLICT]


async def test_a_rejected_transaction_leaves_nothing(ledger: EmbeddedLedger) -> None:
    """Neither a refusal by the rules nor a mistake in them makes a block, a value or an event."""
    with pytest.raises(StateConflict, match="never allowed"):
        await submit(ledger, "put_and_reject", "a")
    with pytest.raises(EndorseError, match="RuntimeError"):
        await submit(ledger, "break", "a")
    assert await ledger.height() == 0
    assert await evaluate(ledger, "get", "a") == b"null"


async def test_evaluating_writes_nothing(ledger: EmbeddedLedger) -> None:
    """A query that would write answers, and leaves no trace."""
    assert await evaluate(ledger, "add", "a", "1") == b"1"
    assert await ledger.height() == 0
    assert await evaluate(ledger, "get_many", "a") == b"[null]"


async def test_one_event_a_transaction(ledger: EmbeddedLedger) -> None:
    """A second event is a mistake in the chaincode."""
    with pytest.raises(EndorseError, match="at most one event"):
        await submit(ledger, "announce", "one", "1", "two")


async def test_a_nested_call_shares_the_transaction(ledger: EmbeddedLedger) -> None:
    """Each namespace has its own read-write set, and only the first chaincode's event counts."""
    committed = await submit(ledger, "relay", BOREAL, "add_and_announce", "a", "7")
    assert committed.result == b"7"
    [transaction] = (await ledger.block(0)).transactions
    assert transaction.event == ("relayed", BOREAL.encode())
    assert [each.namespace for each in transaction.read_write_sets] == [AURORA, BOREAL]
    aurora, boreal = transaction.read_write_sets
    assert (aurora.reads, aurora.writes) == ((Read("mark", None),), (Write("mark", b"relayed"),))
    assert (boreal.reads, boreal.writes) == ((Read("a", None),), (Write("a", b"7"),))
    assert await evaluate(ledger, "get", "a", namespace=BOREAL) == b'"7"'
    assert await evaluate(ledger, "get", "a") == b"null"


async def test_a_nested_call_knows_who_was_called_first(ledger: EmbeddedLedger, site: Site) -> None:
    """The callee sees the first namespace, the signer, the time and the channel of the proposal."""
    said = json.loads(await evaluate(ledger, "relay", BOREAL, "context"))
    assert (said["channel"], said["called"]) == (CHANNEL, AURORA)
    assert (said["msp_id"], said["timestamp"]) == ("auroraMSP", site.now)


async def test_a_callee_that_refuses_has_written_nothing(ledger: EmbeddedLedger) -> None:
    """A caller may go on after a refusal; the callee's puts do not count, the caller's do."""
    committed = await submit(ledger, "try_call", BOREAL, "a")
    assert committed.result == b'"key breaks the rule: it is never allowed"'
    assert await evaluate(ledger, "get_many", "a", namespace=BOREAL) == b"[null]"
    assert await evaluate(ledger, "get", "a") == b'"here"'


async def test_nested_calls_conflict_in_the_other_namespace(ledger: EmbeddedLedger) -> None:
    """A stale read in a callee's namespace makes the whole transaction invalid."""
    first, second = await asyncio.gather(
        submit(ledger, "add", "a", "1", namespace=BOREAL),
        submit(ledger, "relay", BOREAL, "add", "a", "2"),
        return_exceptions=True,
    )
    assert isinstance(first, Committed)
    assert isinstance(second, CommitError)
    assert second.validation == MVCC_READ_CONFLICT
    assert await ledger.height() == 1
    assert await evaluate(ledger, "get_many", "mark") == b"[null]"


@pytest.mark.parametrize("namespace", ["other", "condocharge-", "condocharge-UP", AURORA])
async def test_a_nested_call_must_name_another_chaincode(ledger: EmbeddedLedger, namespace: str) -> None:
    """Neither an unknown chaincode nor the caller itself can be called."""
    with pytest.raises(InvalidArgument, match="namespace"):
        await submit(ledger, "relay", namespace, "add", "a", "7")


async def test_an_unknown_chaincode_is_named(ledger: EmbeddedLedger) -> None:
    """The first call, too, must name a chaincode."""
    with pytest.raises(EndorseError, match="'other'"):
        await submit(ledger, "add", "a", "1", namespace="other")
    with pytest.raises(EvaluateError, match="'other'"):
        await evaluate(ledger, "get", "a", namespace="other")


async def test_pages_go_on_at_their_bookmark(ledger: EmbeddedLedger) -> None:
    """Seven entries in pages of three: three, three, one, and an empty bookmark at the end."""
    await submit_together(ledger, *(("put", f"p/{i}", str(i)) for i in range(7)))
    bookmark, pages = "", []
    while True:
        values, bookmark = json.loads(await evaluate(ledger, "page", "p", "3", bookmark))
        pages.append(values)
        if not bookmark:
            break
    assert pages == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


async def test_a_page_that_ends_exactly_has_no_bookmark(ledger: EmbeddedLedger) -> None:
    """A page that holds the last entry is the last page."""
    await submit_together(ledger, ("put", "p/1", "1"), ("put", "p/2", "2"))
    assert json.loads(await evaluate(ledger, "page", "p", "2", "")) == [["1", "2"], ""]


async def test_a_foreign_bookmark_is_refused(ledger: EmbeddedLedger) -> None:
    """A bookmark cannot lead out of the range."""
    with pytest.raises(EvaluateError, match="bookmark"):
        await evaluate(ledger, "page", "p", "2", composite_key("q"))


async def test_pages_and_writes_exclude_each_other(ledger: EmbeddedLedger) -> None:
    """As on Fabric, in whatever order; and a submitted transaction reads no pages at all."""
    for function in ("page_then_put", "put_then_page"):
        with pytest.raises(EvaluateError, match="pages"):
            await evaluate(ledger, function, "p")
    with pytest.raises(EndorseError, match="evaluated"):
        await submit(ledger, "page", "p", "3", "")
    with pytest.raises(EndorseError, match="evaluated"):
        await submit(ledger, "history", "p")


async def test_history_is_newest_first(ledger: EmbeddedLedger, site: Site) -> None:
    """Writes, deletions and later writes, with transaction and time; invalid ones left out."""
    first = site.now
    await submit_together(ledger, ("add", "a", "1"), ("add", "a", "100"))
    site.now += 1000
    await submit(ledger, "put", "a", "2")
    await submit(ledger, "delete", "a")
    last = await submit(ledger, "add", "a", "3")
    history = json.loads(await evaluate(ledger, "history", "a"))
    assert [(value, time) for _, time, value in history] == [
        ("3", first + 1000),
        (None, first + 1000),
        ("2", first + 1000),
        ("1", first),
    ]
    assert history[0][0] == last.transaction_id


async def test_history_of_two_writes_in_one_block(ledger: EmbeddedLedger) -> None:
    """Blind writes of one block are both in the history."""
    await submit_together(ledger, ("put", "a", "1"), ("put", "a", "2"))
    assert [value for *_, value in json.loads(await evaluate(ledger, "history", "a"))] == ["2", "1"]


async def test_a_deleted_key_is_absent(ledger: EmbeddedLedger) -> None:
    """From reads and ranges alike; and it can come back."""
    await submit_together(ledger, ("put", "p/a", "1"), ("put", "p/b", "2"))
    await submit(ledger, "delete", "p/a")
    assert await listed(ledger, "p") == ["2"]
    assert await evaluate(ledger, "get_many", "p/a") == b"[null]"
    await submit(ledger, "add", "p/a", "3")
    assert await listed(ledger, "p") == ["3", "2"]


async def test_ranges_are_in_code_point_order_and_end_at_their_prefix(ledger: EmbeddedLedger) -> None:
    """Keys sort as Fabric sorts them, by UTF-8; `pq` does not begin with the prefix `p`."""
    names = ["p/a", "p/é", "p/z", "p/😀", "p/\uffff", "pq/a", "p"]
    await submit_together(ledger, *(("put", name, name) for name in names))
    assert await listed(ledger, "p") == ["p/a", "p/z", "p/é", "p/\uffff", "p/😀"]


async def test_a_range_longer_than_one_fetch(ledger: EmbeddedLedger) -> None:
    """Hundreds of entries come whole and in order, while others submit."""
    await submit_together(ledger, *(("put", f"p/{i:04}", str(i)) for i in range(600)))
    listing = asyncio.ensure_future(listed(ledger, "p"))
    await submit(ledger, "put", "p/9999", "new")
    assert await listing == list(map(str, range(600)))


async def test_commit_status(ledger: EmbeddedLedger) -> None:
    """Of a valid, an invalid, an unknown and a nonsensical transaction."""
    await submit_together(ledger, ("add", "a", "1"), ("add", "a", "2"))
    valid, invalid = (await ledger.block(0)).transactions
    assert (await ledger.commit_status(valid.id)).validation == VALID
    status = await ledger.commit_status(invalid.id)
    assert (status.block, status.validation) == (0, MVCC_READ_CONFLICT)
    for unknown in ("00" * 32, "nonsense"):
        with pytest.raises(CommitStatusError):
            await ledger.commit_status(unknown)


async def test_a_cancelled_submit_still_commits(ledger: EmbeddedLedger) -> None:
    """Whoever stops waiting has not stopped the transaction, and can ask what became of it."""
    task = asyncio.ensure_future(submit(ledger, "add", "a", "1"))
    await asyncio.sleep(0)
    task.cancel()
    await submit(ledger, "add", "b", "1")
    assert await evaluate(ledger, "get", "a") == b'"1"'


async def test_events_catch_up_and_go_on(ledger: EmbeddedLedger) -> None:
    """From the file first, then live; each once and in order; invalid transactions' not at all."""
    await submit_together(ledger, ("add_and_announce", "a", "1"), ("add_and_announce", "a", "2"))
    await submit(ledger, "put", "quiet", "1")
    seen: list[Event] = []

    async def follow() -> None:
        async for event in ledger.events(0):
            seen.append(event)
            if len(seen) == 4:
                return

    follower = asyncio.ensure_future(follow())
    await submit(ledger, "add_and_announce", "b", "1")
    await submit_together(ledger, ("add_and_announce", "c", "1"), ("add_and_announce", "d", "1"))
    await follower
    assert [event.payload for event in seen] == [b"a=1", b"b=1", b"c=1", b"d=1"]
    assert [event.block for event in seen] == [0, 2, 3, 3]
    assert {(event.namespace, event.name) for event in seen} == {(AURORA, "added")}


async def test_events_end_when_the_ledger_closes(ledger: EmbeddedLedger) -> None:
    """A follower is not left waiting for ever."""

    async def follow() -> list[Event]:
        return [event async for event in ledger.events(0)]

    follower = asyncio.ensure_future(follow())
    await submit(ledger, "add_and_announce", "a", "1")
    await ledger.close()
    assert [event.payload for event in await follower] == [b"a=1"]


async def test_identities_share_one_file(ledger: EmbeddedLedger, site: Site) -> None:
    """Each submits under its own MSP id and sees the other's commits."""
    visitor = ledger.as_identity(site.visitor)
    assert visitor.msp_id == "borealMSP"
    await submit(visitor, "add", "a", "1", namespace=BOREAL)
    assert await evaluate(ledger, "get", "a", namespace=BOREAL) == b'"1"'
    [transaction] = (await ledger.block(0)).transactions
    assert transaction.creator_msp_id == "borealMSP"
    assert transaction.creator_certificate == site.visitor.certificate


async def test_a_block_that_is_not_there(ledger: EmbeddedLedger) -> None:
    """Asking beyond the end is an error that says where the end is."""
    await submit(ledger, "put", "a", "1")
    with pytest.raises(EvaluateError, match="no block 1; the last one is 0"):
        await ledger.block(1)


async def test_hundreds_at_once(ledger: EmbeddedLedger) -> None:
    """Concurrent submits of distinct keys are all valid and share blocks."""
    codes = await submit_together(ledger, *(("add", f"k{i}", str(i)) for i in range(600)))
    assert codes == [VALID] * 600
    assert await ledger.height() < 100
    assert json.loads(await evaluate(ledger, "get_many", "k0", "k599")) == ["0", "599"]
    assert (await ledger.verify()).transactions == 600


async def test_a_closed_ledger_says_so(site: Site) -> None:
    """Everything asked of a closed ledger fails with a sentence."""
    ledger = await site.open()
    await ledger.close()
    await ledger.close()
    for failure, call in (
        (EndorseError, submit(ledger, "put", "a", "1")),
        (EvaluateError, evaluate(ledger, "get", "a")),
        (EvaluateError, ledger.block(0)),
        (CommitStatusError, ledger.commit_status("00" * 32)),
    ):
        with pytest.raises(failure, match="closed"):
            await call


async def test_a_mistake_while_committing_leaves_nobody_waiting(
    ledger: EmbeddedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Submitters hear of it, and the next block is made as if nothing had been."""
    with monkeypatch.context() as patch:
        patch.setattr("network.embedded.orderer.merkle.root_hash", lambda hashes: 1 / 0)
        with pytest.raises(SubmitError, match="division"):
            await submit(ledger, "add", "a", "1")
    assert (await submit(ledger, "add", "a", "1")).result == b"1"
    assert (await ledger.verify()).transactions == 1
