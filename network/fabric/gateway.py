"""The four phases of a transaction, each over any of several peers' Gateway services.

Nothing here can make a transaction happen twice. An endorsement orders nothing, so it may be asked for
again. A submit is repeated with the same signed envelope, whose transaction id the channel accepts once;
also where no block takes it up, for an orderer may have died with it. The commit status decides.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_response_pb2, transaction_pb2

from network.fabric import failure
from network.fabric.peer import Connection, Peer
from network.fabric.proposal import Proposal, Signer, creator, propose, result_of
from network.ledger import (
    VALID,
    CommitError,
    CommitStatus,
    CommitStatusError,
    Committed,
    EndorseError,
    EvaluateError,
    LedgerError,
    SubmitError,
)

_SUCCESS = 200
REMINDER_SECONDS = 15.0
"""How long a transaction that was handed over may be in no block before it is handed over again."""
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
_Answer = TypeVar("_Answer")
Clock = Callable[[], int]


def system_clock() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each phase may take in all, repeats included, in seconds."""

    evaluate: float = 30.0
    endorse: float = 30.0
    submit: float = 30.0
    commit: float = 60.0


class Gateway:
    """One identity's access to a channel; the first peer is preferred, the others stand in for it."""

    def __init__(
        self,
        signer: Signer,
        channel: str,
        peers: Sequence[Peer],
        *,
        timeouts: Timeouts | None = None,
        clock: Clock = system_clock,
    ) -> None:
        """Raises ValueError where `peers` is empty."""
        if not peers:
            raise ValueError("a channel is reached through one peer or more; none is given")
        self.signer = signer
        self.channel = channel
        self.connections = tuple(Connection(peer) for peer in peers)
        self._timeouts = timeouts or Timeouts()
        self._clock = clock
        self.under_way = 0
        """How many calls wait for a peer's answer."""
        self.answered = asyncio.Event()
        """Set whenever one has ended; whoever waits for that clears it first."""

    async def close(self) -> None:
        """Hang up on all peers."""
        await asyncio.gather(*(connection.close() for connection in self.connections))

    def propose(self, namespace: str, arguments: Sequence[bytes]) -> Proposal:
        """A signed proposal on this channel."""
        return propose(self.signer, self.channel, namespace, arguments, self._clock())

    async def evaluate(
        self, namespace: str, arguments: Sequence[bytes], organisations: Sequence[str] = ()
    ) -> bytes:
        """Run a query on one peer, of `organisations` where any are given.

        Raises ContractError where the rules reject it, EvaluateError where nobody answers.
        """
        proposal = self.propose(namespace, arguments)
        request = gateway_pb2.EvaluateRequest(
            transaction_id=proposal.transaction_id,
            channel_id=self.channel,
            proposed_transaction=proposal.signed(),
            target_organizations=organisations,
        )
        answer = await self._ask(
            lambda connection, timeout: connection.gateway.Evaluate(request, timeout=timeout),
            self._timeouts.evaluate,
            lambda text: EvaluateError(text, proposal.transaction_id),
        )
        return bytes(answer.result.payload)

    async def answer(
        self, namespace: str, arguments: Sequence[bytes]
    ) -> tuple[Proposal, proposal_response_pb2.ProposalResponse]:
        """One peer's own answer to a query, with its signature, and the proposal that it answers.

        Dated by the machine's clock, not the ledger's: the answer says when it was given. Raises
        EvaluateError where no peer answers."""
        proposal = propose(self.signer, self.channel, namespace, arguments, system_clock())
        response = await self._ask(
            lambda connection, timeout: connection.endorser.ProcessProposal(
                proposal.signed(), timeout=timeout
            ),
            self._timeouts.evaluate,
            lambda text: EvaluateError(text, proposal.transaction_id),
        )
        if response.response.status != _SUCCESS:
            raise EvaluateError(response.response.message, proposal.transaction_id)
        return proposal, response

    async def endorse(
        self, proposal: Proposal, organisations: Sequence[str] = ()
    ) -> tuple[common_pb2.Envelope, bytes]:
        """Collect endorsements; the transaction ready to submit, signed, and its result.

        Raises ContractError where the rules reject it, EndorseError where the peers do not agree.
        """
        request = gateway_pb2.EndorseRequest(
            transaction_id=proposal.transaction_id,
            channel_id=self.channel,
            proposed_transaction=proposal.signed(),
            endorsing_organizations=organisations,
        )
        answer = await self._ask(
            lambda connection, timeout: connection.gateway.Endorse(request, timeout=timeout),
            self._timeouts.endorse,
            lambda text: EndorseError(text, proposal.transaction_id),
        )
        prepared = answer.prepared_transaction
        try:
            result = result_of(prepared, proposal)
        except ValueError as error:
            raise EndorseError(str(error), proposal.transaction_id) from error
        prepared.signature = self.signer.sign(prepared.payload)
        return prepared, result

    async def hand_over(
        self, transaction_id: str, envelope: common_pb2.Envelope, seconds: float | None = None
    ) -> None:
        """Give the endorsed transaction to the orderers, who order it once however often they get it.

        Tries for `seconds` at most. Raises SubmitError; it may still commit.
        """
        request = gateway_pb2.SubmitRequest(
            transaction_id=transaction_id, channel_id=self.channel, prepared_transaction=envelope
        )

        async def submit(connection: Connection, seconds: float) -> None:
            try:
                await connection.gateway.Submit(request, timeout=seconds)
            except grpc.aio.AioRpcError as error:
                if not failure.accepted(error):
                    raise

        longest = self._timeouts.submit
        await self._ask(
            submit,
            longest if seconds is None else min(seconds, longest),
            lambda text: SubmitError(text, transaction_id),
        )

    async def commit_status(self, transaction_id: str, seconds: float | None = None) -> CommitStatus:
        """Wait until the transaction is in a block and say what became of it, for `seconds` at most.

        Raises CommitStatusError.
        """
        content = gateway_pb2.CommitStatusRequest(
            transaction_id=transaction_id, channel_id=self.channel, identity=creator(self.signer)
        ).SerializeToString()
        request = gateway_pb2.SignedCommitStatusRequest(request=content, signature=self.signer.sign(content))
        answer = await self._ask(
            lambda connection, timeout: connection.gateway.CommitStatus(request, timeout=timeout),
            self._timeouts.commit if seconds is None else seconds,
            lambda text: CommitStatusError(text, transaction_id),
        )
        validation = transaction_pb2.TxValidationCode.Name(answer.result)
        return CommitStatus(transaction_id, answer.block_number, validation)

    async def submit(
        self, namespace: str, arguments: Sequence[bytes], organisations: Sequence[str] = ()
    ) -> Committed:
        """All phases. Raises what they raise, and CommitError where the transaction is invalid."""
        proposal = self.propose(namespace, arguments)
        envelope, result = await self.endorse(proposal, organisations)
        await self.hand_over(proposal.transaction_id, envelope)
        status = await self._await_commit(proposal.transaction_id, envelope)
        if status.validation != VALID:
            raise CommitError(
                f"the transaction is on the ledger and invalid: {status.validation}",
                proposal.transaction_id,
                status.validation,
            )
        return Committed(proposal.transaction_id, status.block, result)

    async def _await_commit(self, transaction_id: str, envelope: common_pb2.Envelope) -> CommitStatus:
        """The outcome; the transaction is handed over again where no block takes it up.

        An orderer that has said yes may die, or lose its lead, before it has told the others. A peer that
        refuses the question says nothing of that, and is not asked again. Raises CommitStatusError.
        """
        deadline = time.monotonic() + self._timeouts.commit
        while (left := deadline - time.monotonic()) > REMINDER_SECONDS:
            try:
                return await self.commit_status(transaction_id, REMINDER_SECONDS)
            except CommitStatusError as error:
                if not failure.unanswered(error.__cause__):
                    raise
            left = max(deadline - time.monotonic(), _FIRST_PAUSE)
            try:
                await self.hand_over(transaction_id, envelope, left)
            except SubmitError as error:
                raise CommitStatusError(
                    f"it is in no block that a peer knows of, and was not handed over again: {error}",
                    transaction_id,
                ) from error
        return await self.commit_status(transaction_id, max(left, _FIRST_PAUSE))

    async def _ask(
        self,
        call: Callable[[Connection, float], Awaitable[Any]],
        seconds: float,
        failed: Callable[[str], LedgerError],
    ) -> Any:
        """Ask the peers in turn until one answers, refuses for good, or the time is up."""
        self.under_way += 1
        try:
            return await self._ask_in_turn(call, seconds, failed)
        finally:
            self.under_way -= 1
            self.answered.set()

    async def _ask_in_turn(
        self,
        call: Callable[[Connection, float], Awaitable[Any]],
        seconds: float,
        failed: Callable[[str], LedgerError],
    ) -> Any:
        began = time.monotonic()
        pause = _FIRST_PAUSE
        while True:
            for connection in self.connections:
                left = began + seconds - time.monotonic()
                try:
                    return await call(connection, max(left, _FIRST_PAUSE))
                except grpc.aio.AioRpcError as error:
                    rejected = failure.rejection(error)
                    if rejected is not None:
                        raise rejected from error
                    worth = min(seconds, failure.patience(error))
                    if time.monotonic() + pause >= began + worth:
                        raise failed(failure.sentence(error)) from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
