"""Two ledgers that must not be told apart: every step runs on both, and what comes of it is compared.

What is compared: the answer or the rejection, the validation code, the event, and the read-write sets of
every namespace. Ids of transactions and versions of keys differ by nature, so both are given as the number
of the step that made them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chaincode.condominium import msp_id_of
from chaincode.errors import ContractError
from chaincode.stub import Creator
from network.ledger import VALID, CommitError, Committed, Ledger, LedgerError, Read, ReadWriteSet, Transaction

BOOKKEEPING = "_lifecycle"
"""Where Fabric records which definition of a chaincode an endorsement was made under."""


@dataclass(frozen=True)
class Outcome:
    """What came of a step on one ledger, in words that do not depend on the ledger."""

    answer: bytes | None
    error: tuple[str, ...] | None
    validation: str | None = None
    event: tuple[str, bytes] | None = None
    sets: tuple[Any, ...] = ()


@dataclass
class Side:
    """One of the two ledgers, with what it has done so far."""

    name: str
    views: Mapping[bytes, Ledger]
    """The ledger as each identity sees it, by certificate."""
    steps: dict[str, int] = field(default_factory=dict)
    """Which step a transaction was, by its id."""
    versions: dict[tuple[int, int], int] = field(default_factory=dict)
    """Which step wrote a version."""

    async def submit(
        self, step: int, creator: Creator, namespace: str, function: str, arguments: Sequence[bytes]
    ) -> Outcome:
        """Submit and describe; the block that holds the transaction is read back."""
        ledger = self.views[creator.certificate]
        try:
            committed = await ledger.submit(namespace, function, arguments)
        except CommitError as error:
            status = await ledger.commit_status(error.transaction_id)
            self.steps[error.transaction_id] = step
            return Outcome(None, ("CommitError",), status.validation)
        except (ContractError, LedgerError) as error:
            return Outcome(None, described(error))
        return await self._described(step, ledger, committed)

    async def evaluate(
        self, creator: Creator, namespace: str, function: str, arguments: Sequence[bytes]
    ) -> Outcome:
        """Evaluate and describe."""
        try:
            answer = await self.views[creator.certificate].evaluate(namespace, function, arguments)
        except (ContractError, LedgerError) as error:
            return Outcome(None, described(error))
        return Outcome(self._numbered(answer), None)

    async def _described(self, step: int, ledger: Ledger, committed: Committed) -> Outcome:
        await self._everywhere(committed.block)
        block = await ledger.block(committed.block)
        index, transaction = next(
            (index, entry)
            for index, entry in enumerate(block.transactions)
            if entry.id == committed.transaction_id
        )
        self.steps[transaction.id] = step
        self.versions[block.number, index] = step
        return Outcome(
            self._numbered(committed.result),
            None,
            transaction.validation,
            transaction.event,
            self._sets(transaction),
        )

    async def _everywhere(self, block: int) -> None:
        """Wait until every member's peer has a block: the next step may be endorsed by any of them."""
        for view in {view.msp_id: view for view in self.views.values()}.values():
            async with asyncio.timeout(30):
                while await view.height() <= block:  # noqa: ASYNC110 - a peer tells nobody
                    await asyncio.sleep(0.02)

    def _sets(self, transaction: Transaction) -> tuple[Any, ...]:
        kept = [entry for entry in transaction.read_write_sets if entry.namespace != BOOKKEEPING]
        return tuple(self._set(entry) for entry in sorted(kept, key=lambda entry: entry.namespace))

    def _set(self, entry: ReadWriteSet) -> tuple[Any, ...]:
        ranges = [(found.start, found.end, self._reads(found.reads)) for found in entry.ranges]
        writes = {write.key: write.value and self._numbered(write.value) for write in entry.writes}
        return entry.namespace, self._reads(entry.reads), tuple(ranges), tuple(sorted(writes.items()))

    def _reads(self, reads: Sequence[Read]) -> tuple[tuple[str, int | None], ...]:
        return tuple(
            sorted(
                (read.key, None if read.version is None else self.versions.get(read.version, -1))
                for read in reads
            )
        )

    def _numbered(self, answer: bytes) -> bytes:
        """`answer` with the ids of transactions replaced by the numbers of their steps."""
        for transaction_id, step in self.steps.items():
            answer = answer.replace(transaction_id.encode(), f"transaction {step}".encode())
        return answer


def described(error: ContractError | LedgerError) -> tuple[str, ...]:
    """An error in words that do not depend on the ledger."""
    if isinstance(error, ContractError):
        return type(error).__name__, error.field, error.rule
    return (type(error).__name__,)


@dataclass
class Pair:
    """Both ledgers, in the place of one: what `tests.chaincode.memory.MemoryLedger` offers to scenarios."""

    channel: str
    sides: tuple[Side, ...]
    scope: str
    """The part of each namespace that this scenario has to itself."""
    now: int
    """Milliseconds since 1970, for both."""
    events: list[tuple[str, str, bytes]] = field(default_factory=list)
    state: dict[str, dict[str, bytes]] = field(default_factory=dict)
    steps: int = 0

    async def submit(self, creator: Creator, namespace: str, function: str, *arguments: bytes) -> bytes:
        """Submit on both; the answer, or the rejection raised, that both gave."""
        (outcome,) = await self.together((creator, namespace, function, *arguments))
        return self._answer(outcome)

    async def evaluate(self, creator: Creator, namespace: str, function: str, *arguments: bytes) -> bytes:
        """Evaluate on both; the answer, or the rejection raised, that both gave."""
        scoped = f"{self.scope}!{function}"
        first, second = [await side.evaluate(creator, namespace, scoped, arguments) for side in self.sides]
        assert first == second, f"{function} differs"
        return self._answer(first)

    async def together(self, *calls: tuple[Any, ...]) -> list[Outcome]:
        """Submit calls at once on both; what came of each, in an order that is the same on both."""
        self.steps += 1
        outcomes = []
        for side in self.sides:
            running: list[Awaitable[Outcome]] = [
                side.submit(self.steps, creator, namespace, f"{self.scope}!{function}", arguments)
                for creator, namespace, function, *arguments in calls
            ]
            # Which of several the orderers put first is theirs to choose.
            outcomes.append(sorted(await asyncio.gather(*running), key=repr))
        first, second = outcomes
        for left, right in zip(first, second, strict=True):
            assert left == right, f"{self.sides[0].name}: {left}\n{self.sides[1].name}: {right}"
        for (_, namespace, *_), outcome in zip(calls, first, strict=True):
            self._commit(namespace, outcome)
        return first

    def _commit(self, namespace: str, outcome: Outcome) -> None:
        if outcome.validation != VALID:
            return
        if outcome.event is not None:
            self.events.append((namespace, *outcome.event))
        for name, _reads, _ranges, writes in outcome.sets:
            space = self.state.setdefault(name, {})
            for key, value in writes:
                if value is None:
                    space.pop(key, None)
                else:
                    space[key] = value

    @staticmethod
    def _answer(outcome: Outcome) -> bytes:
        if outcome.error is not None:
            raise rejection(outcome.error)
        assert outcome.answer is not None
        return outcome.answer


def rejection(words: tuple[str, ...]) -> Exception:
    """The error that `described` put into words."""
    if len(words) == 1:
        return LedgerError(words[0])
    name, field_name, rule = words
    classes: list[type[ContractError]] = [ContractError, *ContractError.__subclasses__()]
    kinds = {kind.__name__: kind for kind in classes}
    return kinds[name](field_name, rule)


def creators(identities: Mapping[tuple[str, str | None], Any]) -> dict[tuple[str, str | None], Creator]:
    """The identities of both ledgers as scenarios name them: by MSP id and role."""
    return {
        (msp_id_of(code), role): Creator(identity.msp_id, identity.certificate)
        for (code, role), identity in identities.items()
    }
