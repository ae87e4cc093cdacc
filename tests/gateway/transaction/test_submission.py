"""A transaction is tried until its outcome is known, and not again where it is certain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from chaincode.errors import StateConflict
from gateway.clock import SimulatedClock
from gateway.transaction.submission import ATTEMPTS, Submitter
from network.ledger import (
    ENDORSEMENT_POLICY_FAILURE,
    MVCC_READ_CONFLICT,
    PHANTOM_READ_CONFLICT,
    VALID,
    Block,
    CommitError,
    CommitStatus,
    CommitStatusError,
    Committed,
    EndorseError,
    EvaluateError,
    Event,
    SubmitError,
    Transaction,
)

DONE = Committed("aa", 3, b"record")


class ScriptedLedger:
    """A ledger whose submits end as the script says; it keeps the statuses of what was handed over."""

    channel = "condominiums"
    msp_id = "auroraMSP"

    def __init__(self, *script: Committed | Exception) -> None:
        self.script = list(script)
        self.submits = 0
        self.statuses: dict[str, CommitStatus] = {}

    async def submit(self, namespace: str, function: str, arguments: Sequence[bytes]) -> Committed:
        self.submits += 1
        outcome = self.script.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def evaluate(self, namespace: str, function: str, arguments: Sequence[bytes]) -> bytes:
        return b"answer"

    async def commit_status(self, transaction_id: str) -> CommitStatus:
        if transaction_id not in self.statuses:
            raise CommitStatusError("no such transaction", transaction_id)
        return self.statuses[transaction_id]

    async def block(self, number: int) -> Block:
        if number != DONE.block:
            raise EvaluateError("there is no such block")
        transaction = Transaction(
            id=DONE.transaction_id,
            timestamp=0,
            creator_msp_id="",
            creator_certificate=b"",
            namespace="",
            function="",
            arguments=(),
            validation=VALID,
            read_write_sets=(),
            event=None,
            result=DONE.result,
            envelope=b"",
        )
        return Block(number, b"", b"", b"", (transaction,))

    async def height(self) -> int:
        return 4

    async def events(self, start_block: int) -> AsyncIterator[Event]:
        nothing: list[Event] = []
        for event in nothing:
            yield event


def submitter(ledger: ScriptedLedger) -> tuple[Submitter, SimulatedClock]:
    """A submitter to this ledger, on a clock that the test moves."""
    clock = SimulatedClock()
    return Submitter(ledger, "condocharge-aurora", clock), clock


@pytest.mark.parametrize("validation", [MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT])
async def test_a_conflict_is_tried_again_at_once(validation: str) -> None:
    """Another transaction was faster; nothing was written."""
    ledger = ScriptedLedger(CommitError("conflict", "bb", validation), DONE)
    assert await submitter(ledger)[0].submit("session.open", [b""]) == DONE
    assert ledger.submits == 2


async def test_what_no_other_try_can_cure_is_not_tried_again() -> None:
    """The rules, or the endorsement policy."""
    for error in (StateConflict("unit", "is free"), CommitError("no", "bb", ENDORSEMENT_POLICY_FAILURE)):
        ledger = ScriptedLedger(error, DONE)
        with pytest.raises(type(error)):
            await submitter(ledger)[0].see_through("session.open", [b""])
        assert ledger.submits == 1


@pytest.mark.parametrize("error", [SubmitError, CommitStatusError])
async def test_what_was_handed_over_is_looked_up_before_it_is_tried_again(
    error: type[SubmitError | CommitStatusError],
) -> None:
    """The connection broke after the commit: the result is read from its block, and nothing is sent twice."""
    ledger = ScriptedLedger(error("the connection broke", DONE.transaction_id))
    ledger.statuses[DONE.transaction_id] = CommitStatus(DONE.transaction_id, DONE.block, VALID)
    assert await submitter(ledger)[0].submit("session.open", [b""]) == DONE
    assert ledger.submits == 1


async def test_what_was_lost_on_the_way_is_tried_again() -> None:
    """Nobody knows the transaction: it never arrived, and the function is idempotent in any case."""
    ledger = ScriptedLedger(SubmitError("the connection broke", "bb"), DONE)
    submit, clock = submitter(ledger)
    outcome = asyncio.ensure_future(submit.submit("session.open", [b""]))
    await clock.advance(60)
    assert await outcome == DONE
    assert ledger.submits == 2


async def test_a_transaction_that_was_handed_over_and_found_invalid_is_tried_again() -> None:
    """Its status is a conflict's."""
    ledger = ScriptedLedger(CommitStatusError("no answer", "bb"), DONE)
    ledger.statuses["bb"] = CommitStatus("bb", 2, MVCC_READ_CONFLICT)
    assert await submitter(ledger)[0].submit("session.open", [b""]) == DONE


async def test_a_caller_that_waits_gets_an_error_after_some_attempts() -> None:
    """A resident's request is answered, and whatever the ledger said last goes to them."""
    ledger = ScriptedLedger(*[EndorseError("no peer answers")] * ATTEMPTS, DONE)
    submit, clock = submitter(ledger)
    outcome = asyncio.ensure_future(submit.submit("session.open", [b""]))
    await clock.advance(600)
    with pytest.raises(EndorseError):
        await outcome
    assert ledger.submits == ATTEMPTS


async def test_what_has_to_happen_is_seen_through() -> None:
    """A settlement waits for a ledger that is away for hours."""
    ledger = ScriptedLedger(*[EndorseError("no peer answers")] * 200, DONE)
    submit, clock = submitter(ledger)
    outcome = asyncio.ensure_future(submit.see_through("session.settle", [b""]))
    await clock.advance(7_200)
    assert await outcome == DONE
