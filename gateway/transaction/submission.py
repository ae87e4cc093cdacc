"""Submitting a transaction until its outcome is known, and never twice where once is certain.

Every function of the rules that is called from here is idempotent: done twice it answers with the record of
the first time. So a conflict is tried again, and what was handed over with an unknown outcome is looked up
before it is tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from gateway.clock import Clock
from network.ledger import (
    MVCC_READ_CONFLICT,
    PHANTOM_READ_CONFLICT,
    VALID,
    CommitError,
    CommitStatusError,
    Committed,
    EvaluateError,
    Ledger,
    LedgerError,
    SubmitError,
)

_LOG = logging.getLogger(__name__)
_CONFLICTS = (MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT)
ATTEMPTS = 8
"""For a caller that waits for its answer."""
_AT_ONCE = 3
"""Conflicts that are tried again without a pause."""
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 30.0


class Submitter:
    """Submits to one namespace of a ledger."""

    def __init__(self, ledger: Ledger, namespace: str, clock: Clock) -> None:
        self.ledger = ledger
        self.namespace = namespace
        self._clock = clock
        self._pending = 0

    @property
    def pending(self) -> int:
        """How many transactions the ledger is being asked to commit now; not those that wait to be tried
        again (`SimulatedClock.watch`)."""
        return self._pending

    async def submit(
        self, function: str, arguments: Sequence[bytes], namespace: str | None = None
    ) -> Committed:
        """Submit for a caller that waits: gives up after some attempts.

        Raises `ContractError` where the rules reject it, `LedgerError` where the ledger does not answer."""
        return await self._submit(function, arguments, namespace or self.namespace, ATTEMPTS)

    async def see_through(self, function: str, arguments: Sequence[bytes]) -> Committed:
        """Submit what has to happen, however long the ledger cannot be reached.

        Raises `ContractError` where the rules reject it, and a `CommitError` that no other try can cure."""
        return await self._submit(function, arguments, self.namespace, None)

    async def evaluate(self, function: str, arguments: Sequence[bytes] = ()) -> bytes:
        """Run a query in the namespace."""
        return await self.ledger.evaluate(self.namespace, function, arguments)

    async def _submit(
        self, function: str, arguments: Sequence[bytes], namespace: str, attempts: int | None
    ) -> Committed:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._once(function, arguments, namespace)
            except CommitError as error:
                if error.validation not in _CONFLICTS or attempt == attempts:
                    raise
                pause = 0.0 if attempt <= _AT_ONCE else _pause(attempt - _AT_ONCE)
            except LedgerError as error:
                if attempt == attempts:
                    raise
                pause = _pause(attempt)
                if pause >= _LONGEST_PAUSE:
                    _LOG.warning("%s is still being tried: %s", function, error)
            await self._clock.sleep(pause)

    async def _once(self, function: str, arguments: Sequence[bytes], namespace: str) -> Committed:
        self._pending += 1
        try:
            return await self.ledger.submit(namespace, function, arguments)
        except (SubmitError, CommitStatusError) as error:
            known = await self._outcome(error.transaction_id)
            if known is None:
                raise
            return known
        finally:
            self._pending -= 1

    async def _outcome(self, transaction_id: str) -> Committed | None:
        """What became of a transaction that may have been committed, None where nobody knows it."""
        if not transaction_id:
            return None
        try:
            status = await self.ledger.commit_status(transaction_id)
            if status.validation != VALID:
                raise CommitError("was found invalid", transaction_id, status.validation)
            block = await self.ledger.block(status.block)
        except (CommitStatusError, EvaluateError):
            return None
        for transaction in block.transactions:
            if transaction.id == transaction_id:
                return Committed(transaction_id, status.block, transaction.result)
        return None


def _pause(attempt: int) -> float:
    """Seconds to wait after so many attempts: twice as long each time, up to half a minute."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(attempt, 16)))
