"""Fabric's chaincode protocol on one stream: register, run transactions, ask the peer for state.

One task writes to the stream and one reads from it, whatever the number of transactions under way; a
transaction has at most one request out at a time, for the peer drops a second one without a word.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from fabric_protos.peer import chaincode_event_pb2, chaincode_pb2
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage as Message
from fabric_protos.peer.proposal_response_pb2 import Response

from chaincode.errors import ContractError
from chaincode.fabric.exchange import Exchange, Offer, PeerError, StreamClosed
from chaincode.fabric.proposal import read_proposal
from chaincode.fabric.stub import FabricStub
from chaincode.stub import Stub

log = logging.getLogger(__name__)

Dispatch = Callable[[Stub, str, Sequence[bytes]], Awaitable[bytes]]
"""The chaincode: runs a named function with its arguments and returns its result."""

SUCCESS = 200
REJECTED = 500


class Stream:
    """The server's side of one peer's stream for one package."""

    def __init__(self, package: str, dispatch: Dispatch) -> None:
        self._package = package
        self._dispatch = dispatch
        self._outgoing: asyncio.Queue[Message | None] = asyncio.Queue()
        self._waiting: dict[tuple[str, str], asyncio.Future[Message]] = {}
        self._transactions: set[asyncio.Task[None]] = set()
        self._draining = False
        self.offer = Offer()

    async def converse(self, incoming: AsyncIterator[Message]) -> AsyncIterator[Message]:
        """Yield what goes to the peer, while reading what comes from it; ends when either side does."""
        name = chaincode_pb2.ChaincodeID(name=self._package)
        yield Message(type=Message.REGISTER, payload=name.SerializeToString())
        reader = asyncio.create_task(self._read(incoming))
        try:
            while (message := await self._outgoing.get()) is not None:
                yield message
        finally:
            reader.cancel()
            for task in self._transactions:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader

    async def drain(self) -> None:
        """Let transactions under way finish, then end the stream."""
        self._draining = True
        if self._transactions:
            await asyncio.wait(self._transactions)
        self._outgoing.put_nowait(None)

    async def request(self, key: tuple[str, str], message: Message) -> Message:
        """Send `message` and wait for the peer's answer to the transaction `key`."""
        waiter: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[key] = waiter
        self._outgoing.put_nowait(message)
        try:
            return await waiter
        finally:
            self._waiting.pop(key, None)

    async def _read(self, incoming: AsyncIterator[Message]) -> None:
        try:
            async for message in incoming:
                self._receive(message)
        finally:
            for waiter in self._waiting.values():
                if not waiter.done():
                    waiter.set_exception(StreamClosed("the stream to the peer ended"))
            self._outgoing.put_nowait(None)

    def _receive(self, message: Message) -> None:
        kind = message.type
        if kind in (Message.RESPONSE, Message.ERROR):
            waiter = self._waiting.get((message.channel_id, message.txid))
            if waiter is not None and not waiter.done():
                waiter.set_result(message)
        elif kind in (Message.TRANSACTION, Message.INIT):
            if self._draining:
                self._answer(message, Response(status=REJECTED, message="the chaincode server is stopping"))
                return
            task = asyncio.create_task(self._transact(message))
            self._transactions.add(task)
            task.add_done_callback(self._transactions.discard)
        elif kind == Message.READY:
            can = chaincode_pb2.ChaincodeAdditionalParams.FromString(message.payload)
            self.offer = Offer(
                writes_in_a_batch=can.max_size_write_batch if can.use_write_batch else 0,
                keys_in_a_read=can.max_size_get_multiple_keys if can.use_get_multiple_keys else 0,
            )
            log.info("%s: the peer is ready, %s", self._package, self.offer)
        elif kind == Message.KEEPALIVE:
            self._outgoing.put_nowait(message)

    def _answer(
        self,
        transaction: Message,
        response: Response,
        event: tuple[str, bytes] | None = None,
    ) -> None:
        message = Message(
            type=Message.COMPLETED,
            payload=response.SerializeToString(),
            txid=transaction.txid,
            channel_id=transaction.channel_id,
        )
        if event is not None:
            message.chaincode_event.CopyFrom(
                chaincode_event_pb2.ChaincodeEvent(event_name=event[0], payload=event[1])
            )
        self._outgoing.put_nowait(message)

    async def _transact(self, message: Message) -> None:
        """Run one transaction and answer it, whatever happens in it."""
        exchange = Exchange(self.request, self.offer, message.channel_id, message.txid)
        try:
            response, event = await self._run(message, exchange)
        except ContractError as rejection:
            response, event = Response(status=REJECTED, message=rejection.encode()), None
        except PeerError as error:
            response, event = Response(status=REJECTED, message=f"peer: {error}"), None
        except Exception as error:  # noqa: BLE001  the peer waits for an answer whatever the chaincode does
            # Only the kind and the place: an exception's own words may hold a key or a value.
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "unknown"
            log.error(  # noqa: TRY400  a traceback would print those words
                "transaction %s broke the chaincode: %s at %s", message.txid, type(error).__name__, where
            )
            response = Response(status=REJECTED, message=f"the chaincode broke: {type(error).__name__}")
            event = None
        exchange.end()
        self._answer(message, response, event)

    async def _run(self, message: Message, exchange: Exchange) -> tuple[Response, tuple[str, bytes] | None]:
        if message.type == Message.INIT:
            raise PeerError("this chaincode has no initialisation; commit it without init-required")
        arguments = chaincode_pb2.ChaincodeInput.FromString(message.payload).args
        if not arguments:
            raise PeerError("the proposal names no function")
        stub = FabricStub(exchange, read_proposal(message))
        result = await self._dispatch(stub, arguments[0].decode("utf-8"), list(arguments[1:]))
        await stub.flush()
        return Response(status=SUCCESS, payload=result), stub.event
