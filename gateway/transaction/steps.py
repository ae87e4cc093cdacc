"""The gateway's own steps of a session on the ledger, each seen through until the ledger has answered."""

from __future__ import annotations

from collections.abc import Sequence

from chaincode.session import Session
from gateway.transaction.submission import Submitter


class Steps:
    """Start, checkpoint, settle and cancel. Each answers with the session's record as it then is, raises
    `ContractError` where the rules reject it, and done twice is the same as done once."""

    def __init__(self, submitter: Submitter) -> None:
        self._submitter = submitter

    async def session(self, session: str) -> Session:
        """The session's record. Raises NotFound, LedgerError."""
        return Session.decode(await self._submitter.evaluate("audit.session", [session.encode()]))

    async def start(self, session: str, evidence: bytes) -> Session:
        """Put the first reading on the ledger."""
        return await self._step("session.start", session, [evidence])

    async def checkpoint(self, session: str, evidence: Sequence[bytes]) -> Session:
        """Put further readings on the ledger before the end."""
        return await self._step("session.checkpoint", session, evidence)

    async def settle(self, session: str, reason: str, evidence: Sequence[bytes]) -> Session:
        """Pay for what the readings prove and refund the rest."""
        return await self._step("session.settle", session, [reason.encode(), *evidence])

    async def cancel(self, session: str) -> Session:
        """Give everything back: it never started."""
        return await self._step("session.cancel", session, [])

    async def _step(self, function: str, session: str, arguments: Sequence[bytes]) -> Session:
        committed = await self._submitter.see_through(function, [session.encode(), *arguments])
        return Session.decode(committed.result)
