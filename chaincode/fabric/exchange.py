"""One transaction's conversation with the peer: a request, its answer, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage as Message

Request = Callable[[tuple[str, str], Message], Awaitable[Message]]
"""Sends a message for a transaction (channel, id) and waits for the peer's answer."""


class PeerError(Exception):
    """The peer refused a request of the transaction, or a chaincode that it called broke down."""


class StreamClosed(PeerError):
    """The stream to the peer ended in the middle of a transaction."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the peer says in its READY message that it can do in one round trip; 0 where it cannot."""

    writes_in_a_batch: int = 0
    keys_in_a_read: int = 0


class Exchange:
    """One transaction's conversation with the peer."""

    def __init__(self, request: Request, offer: Offer, channel: str, transaction_id: str) -> None:
        self._request = request
        self.offer = offer
        self._channel = channel
        self._transaction_id = transaction_id
        self._turn = asyncio.Lock()
        self._ended = False

    @property
    def ended(self) -> bool:
        """True once the transaction has been answered; the peer takes no more requests for it."""
        return self._ended

    def end(self) -> None:
        """Close the conversation."""
        self._ended = True

    async def ask(self, kind: int, payload: bytes) -> bytes:
        """Send a request and wait for the answer's payload. Raises PeerError where it is an error."""
        async with self._turn:
            if self._ended:
                raise PeerError("the transaction has ended; it can ask the peer nothing more")
            message = Message(type=kind, payload=payload, txid=self._transaction_id, channel_id=self._channel)
            answer = await self._request((self._channel, self._transaction_id), message)
        if answer.type == Message.ERROR:
            raise PeerError(answer.payload.decode("utf-8", "replace"))
        if answer.type != Message.RESPONSE:
            raise PeerError(f"the peer answered with a message of type {answer.type}")
        return bytes(answer.payload)
