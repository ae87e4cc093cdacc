"""The `Ledger` protocol on a real network of four condominiums: what Fabric does, seen through our client."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest

from chaincode.errors import InvalidArgument, NotFound
from chaincode.stub import composite_key
from network.fabric import FabricLedger, Peer, Timeouts
from network.fabric.block import header_hash
from network.federation.description import CHANNEL
from network.ledger import (
    MVCC_READ_CONFLICT,
    PHANTOM_READ_CONFLICT,
    VALID,
    CommitError,
    Committed,
    EndorseError,
    EvaluateError,
    Event,
    ReadWriteSet,
    Write,
)
from tests.federation import Network

pytestmark = [pytest.mark.fabric, pytest.mark.slow]

A, B = "condocharge-aurora", "condocharge-boreal"
Ledgers = dict[str, FabricLedger]


def encoded(*arguments: str) -> list[bytes]:
    """Arguments as a chaincode takes them."""
    return [argument.encode() for argument in arguments]


async def submit(ledger: FabricLedger, namespace: str, function: str, *arguments: str) -> Committed:
    """Submit with text arguments."""
    return await ledger.submit(namespace, function, encoded(*arguments))


async def evaluate(ledger: FabricLedger, namespace: str, function: str, *arguments: str) -> Any:
    """Evaluate with text arguments and read the answer."""
    return json.loads(await ledger.evaluate(namespace, function, encoded(*arguments)))


async def sets(ledger: FabricLedger, committed: Committed) -> dict[str, ReadWriteSet]:
    """The read-write sets of a committed transaction, Fabric's own bookkeeping left out."""
    block = await ledger.block(committed.block)
    (transaction,) = [entry for entry in block.transactions if entry.id == committed.transaction_id]
    return {
        entry.namespace: entry for entry in transaction.read_write_sets if entry.namespace != "_lifecycle"
    }


async def test_what_one_writes_the_others_read(ledgers: Ledgers, name: str) -> None:
    """A committed value is at every peer soon after, and gone once deleted."""
    committed = await submit(ledgers["aurora"], A, "put", name, "1", f"{name}/x", "2")
    assert await evaluate(ledgers["aurora"], A, "get_many", name, f"{name}/x", "nothing") == ["1", "2", None]
    await ledgers["dune"].commit_status(committed.transaction_id)
    assert await evaluate(ledgers["dune"], A, "get", name) == "1"
    await submit(ledgers["aurora"], A, "delete", name)
    assert await evaluate(ledgers["aurora"], A, "get", name) is None


async def test_reads_do_not_see_own_writes(ledgers: Ledgers, name: str) -> None:
    """Within a transaction the state is as it was before."""
    committed = await submit(ledgers["aurora"], A, "read_own_write", name, "new")
    assert json.loads(committed.result) is None


async def test_rejections_arrive_as_the_rules_raised_them(ledgers: Ledgers, name: str) -> None:
    """Field and rule cross the network, from evaluate, from submit and from a nested call."""
    for call in (ledgers["aurora"].evaluate, ledgers["aurora"].submit):
        with pytest.raises(NotFound, match=f"^key breaks the rule: {name} does not exist$"):
            await call(A, "require", encoded(name))
    with pytest.raises(NotFound, match=name):
        await submit(ledgers["aurora"], A, "call", B, "require", name)
    with pytest.raises(InvalidArgument, match=r"^function breaks"):
        await submit(ledgers["aurora"], A, "no-such-function")


async def test_a_broken_chaincode_says_no_values(federation: Network, ledgers: Ledgers, name: str) -> None:
    """An unexpected error is an endorsement failure; its words are neither passed on nor logged."""
    with pytest.raises(EndorseError, match="the chaincode broke: RuntimeError") as caught:
        await submit(ledgers["aurora"], A, "break", name)
    assert name not in str(caught.value)
    assert name not in federation.log("aurora", "chaincode")
    assert caught.value.transaction_id in federation.log("aurora", "chaincode")


async def test_one_of_two_writers_conflicts(ledgers: Ledgers, name: str) -> None:
    """Transactions that read and write one key in one block: the first is valid, the others conflict."""
    outcomes = await asyncio.gather(
        *(submit(ledgers["aurora"], A, "add", name, "1") for _ in range(4)), return_exceptions=True
    )
    valid = [outcome for outcome in outcomes if isinstance(outcome, Committed)]
    conflicts = [outcome for outcome in outcomes if isinstance(outcome, CommitError)]
    assert len(valid) + len(conflicts) == len(outcomes)
    assert conflicts, "all four went into blocks of their own"
    assert {conflict.validation for conflict in conflicts} == {MVCC_READ_CONFLICT}
    assert await evaluate(ledgers["aurora"], A, "get", name) == str(len(valid))
    status = await ledgers["aurora"].commit_status(conflicts[0].transaction_id)
    assert status.validation == MVCC_READ_CONFLICT


async def test_a_phantom_conflicts(ledgers: Ledgers, name: str) -> None:
    """A key that appears in a range that was counted makes the count invalid."""
    outcomes: list[object] = []
    for attempt in range(5):  # which of the two the orderers put first is theirs to choose
        pair = await asyncio.gather(
            submit(ledgers["aurora"], A, "put", f"{name}/{attempt}", "1"),
            submit(ledgers["aurora"], A, "count_and_put", name, f"count {name}"),
            return_exceptions=True,
        )
        outcomes.append(pair[1])
        if isinstance(pair[1], CommitError):
            break
    assert [outcome.validation for outcome in outcomes if isinstance(outcome, CommitError)] == [
        PHANTOM_READ_CONFLICT
    ]


async def test_ranges_longer_than_a_message(ledgers: Ledgers, name: str) -> None:
    """A range comes whole and in order, though the peer hands out a hundred at a time."""
    names = [f"{number:03}" for number in range(250)]
    pairs = [part for number in names for part in (f"{name}/{number}", number)]
    await submit(ledgers["aurora"], A, "put", *pairs)
    listed = await evaluate(ledgers["aurora"], A, "list", name)
    assert listed == [[composite_key(name, number), number] for number in names]
    assert await evaluate(ledgers["aurora"], A, "first", name) == "000"
    keys = [f"{name}/{number}" for number in reversed(names)]
    assert await evaluate(ledgers["aurora"], A, "get_many", *keys) == list(reversed(names))


async def test_pages_follow_each_other(ledgers: Ledgers, name: str) -> None:
    """Bookmarks lead through a range, and the last page's is empty."""
    pairs = [part for number in range(7) for part in (f"{name}/{number}", str(number))]
    await submit(ledgers["aurora"], A, "put", *pairs)
    found, bookmark = await evaluate(ledgers["aurora"], A, "page", name, "3", "")
    pages = [found]
    while bookmark:
        found, bookmark = await evaluate(ledgers["aurora"], A, "page", name, "3", bookmark)
        pages.append(found)
    assert pages == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


async def test_history_is_newest_first(ledgers: Ledgers, name: str) -> None:
    """Every committed value with its transaction, deletions too."""
    first = await submit(ledgers["aurora"], A, "put", name, "1")
    second = await submit(ledgers["aurora"], A, "delete", name)
    third = await submit(ledgers["aurora"], A, "put", name, "3")
    history = await evaluate(ledgers["aurora"], A, "history", name)
    assert [[entry[0], entry[2]] for entry in history] == [
        [third.transaction_id, "3"],
        [second.transaction_id, None],
        [first.transaction_id, "1"],
    ]
    block = await ledgers["aurora"].block(third.block)
    assert history[0][1] in {transaction.timestamp for transaction in block.transactions}


async def test_events_of_all_namespaces_in_order(ledgers: Ledgers, name: str) -> None:
    """One stream carries every namespace's events, from any block on; invalid transactions have none."""
    start = await ledgers["aurora"].height()
    committed = [
        await submit(ledgers["aurora"], A, "announce", f"{name} 1", "first"),
        await submit(ledgers["boreal"], B, "announce", f"{name} 2", "second"),
    ]
    with pytest.raises(EndorseError, match="ValueError"):
        await submit(ledgers["aurora"], A, "announce", name, "one", "another")
    committed.append(await submit(ledgers["aurora"], A, "announce", f"{name} 3", "third"))
    found: list[Event] = []
    async for event in ledgers["cedar"].events(start):
        found.append(event)
        if len(found) == len(committed):
            break
    expected = [(A, f"{name} 1", b"first"), (B, f"{name} 2", b"second"), (A, f"{name} 3", b"third")]
    assert [(event.namespace, event.name, event.payload) for event in found] == expected
    assert [event.transaction_id for event in found] == [entry.transaction_id for entry in committed]
    assert [event.block for event in found] == [entry.block for entry in committed]


async def test_only_the_chaincode_called_first_has_an_event(ledgers: Ledgers, name: str) -> None:
    """A called chaincode's event is dropped, and the rest of its transaction stands."""
    committed = await submit(ledgers["aurora"], A, "call", B, "announce", name, "lost")
    block = await ledgers["aurora"].block(committed.block)
    (found,) = [entry for entry in block.transactions if entry.id == committed.transaction_id]
    assert (found.validation, found.event) == (VALID, None)


async def test_a_nested_call_is_one_transaction(ledgers: Ledgers, name: str) -> None:
    """Both namespaces' writes are in one transaction, and each chaincode sees which was called first."""
    committed = await submit(ledgers["boreal"], B, "call_and_put", A, name, "both")
    written = await sets(ledgers["boreal"], committed)
    assert {namespace: entry.writes for namespace, entry in written.items()} == {
        A: (Write(name, b"both"),),
        B: (Write(name, b"both"),),
    }
    context = await evaluate(ledgers["boreal"], B, "call", A, "context")
    assert (context["called"], context["msp_id"], context["channel"]) == (B, "borealMSP", CHANNEL)


async def test_a_caught_rejection_leaves_nothing_written(ledgers: Ledgers, name: str) -> None:
    """What a called chaincode wrote before it rejected is not in the caller's transaction."""
    committed = await submit(ledgers["aurora"], A, "try_call", B, name)
    assert json.loads(committed.result) == "key breaks the rule: it is never allowed"
    written = await sets(ledgers["aurora"], committed)
    assert written[A].writes == (Write(name, b"here"),)
    assert not written[B].writes if B in written else True


async def test_the_stub_says_who_and_when(federation: Network, ledgers: Ledgers) -> None:
    """Creator, transaction id and timestamp are those of the signed proposal."""
    context = await evaluate(ledgers["boreal"], A, "context")
    identity = federation.folders["boreal"].identity("gateway")
    assert context["certificate"] == identity.certificate.decode()
    assert (context["msp_id"], context["called"]) == ("borealMSP", A)
    committed = await submit(ledgers["aurora"], A, "context")
    said = json.loads(committed.result)
    block = await ledgers["aurora"].block(committed.block)
    (transaction,) = [entry for entry in block.transactions if entry.id == committed.transaction_id]
    assert (said["transaction_id"], said["timestamp"]) == (transaction.id, transaction.timestamp)


async def test_blocks_are_linked_and_whole(ledgers: Ledgers, name: str) -> None:
    """Every block's hash is the next one's previous hash, and a transaction is found as it was submitted."""
    committed = await submit(ledgers["aurora"], A, "add", name, "5")
    height = await ledgers["aurora"].height()
    assert height > committed.block
    blocks = [await ledgers["cedar"].block(number) for number in range(committed.block + 1)]
    for before, after in itertools.pairwise(blocks):
        assert after.previous_hash == before.hash
        assert before.hash == header_hash(before.number, before.previous_hash, before.data_hash)
    (found,) = [entry for entry in blocks[-1].transactions if entry.id == committed.transaction_id]
    assert (found.namespace, found.function, found.arguments) == (A, "add", (name.encode(), b"5"))
    assert (found.creator_msp_id, found.validation, found.result) == ("auroraMSP", VALID, b"5")
    written = {entry.namespace: entry for entry in found.read_write_sets}[A]
    assert [(read.key, read.version) for read in written.reads] == [(name, None)]
    assert written.writes == (Write(name, b"5"),)


async def test_blocks_that_are_not_there(ledgers: Ledgers) -> None:
    """A block beyond the height is an error that says so."""
    with pytest.raises(EvaluateError, match="999999"):
        await ledgers["aurora"].block(999_999)


async def test_unknown_namespaces_are_refused(federation: Network) -> None:
    """A namespace that nobody has defined cannot be written: it might be soon, but not for ever."""
    identity, peers = federation.folders["aurora"].identity("gateway"), federation.peers("aurora")
    ledger = FabricLedger(identity, CHANNEL, peers, timeouts=Timeouts(endorse=3.0))
    try:
        with pytest.raises(EndorseError, match="condocharge-nobody"):
            await submit(ledger, "condocharge-nobody", "put", "x", "y")
    finally:
        await ledger.close()


async def test_another_peer_stands_in(federation: Network, name: str) -> None:
    """Where the first peer does not answer, the second one serves, and nothing happens twice."""
    (peer,) = federation.peers("aurora")
    identity = federation.folders["aurora"].identity("gateway")
    ledger = FabricLedger(identity, CHANNEL, [Peer("127.0.0.1:1", peer.authority), peer])
    try:
        await submit(ledger, A, "add", name, "1")
        assert await evaluate(ledger, A, "get", name) == "1"
        async for block in ledger.blocks(0):
            assert block.number == 0
            break
    finally:
        await ledger.close()
